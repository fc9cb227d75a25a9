"""What the baseline file holds: the outcomes of one hypothesis on one model, as they were sampled."""

from __future__ import annotations

from pytest_velo.baselines.entry import Sampled, StoredTurn


def test_a_sample_counts_its_valid_turns() -> None:
    turns = (StoredTurn("", 0, 1.0), StoredTurn("", 1, 0.0), StoredTurn("", 2, None))
    sampled = Sampled(made_at="2026-12-01T09:30:00+00:00", seed=0, set_digest="", turns=turns)
    assert sampled.n == 3
    assert sampled.n_invalid == 1
    assert sampled.mean == 0.5
