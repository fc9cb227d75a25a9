"""The baseline file's text: one line an entry, sorted, so that a diff shows which hypotheses changed."""

from __future__ import annotations

from pytest_velo.baselines.codec import _counted, decode, encode
from pytest_velo.baselines.entry import Entry, Sampled, StoredTurn


def test_an_empty_file_is_encoded() -> None:
    assert encode([]) == b'{"version": 1, "entries": [\n]}\n'


def test_entries_survive_encoding() -> None:
    turns = tuple(StoredTurn("", place, outcome) for place, outcome in enumerate((1.0, None, 0.0)))
    sampled = Sampled(made_at="2026-12-01T09:30:00+00:00", seed=0, set_digest="", turns=turns)
    names = {"hypothesis": "t.py::test_b", "model": "lab/tiny", "statistic": "rate", "design": "d1"}
    entry = Entry(**names, current=sampled, anchor=sampled)
    assert b'"outcomes":"1x0"' in encode([entry])
    assert decode(encode([entry])) == [entry]


def test_repeated_cases_are_counted() -> None:
    assert _counted(["a", "b", "a"]) == [0, 0, 1]
