"""Two samples of one statistic, paired on the case: how far they differ, valid at any stopping time."""

from __future__ import annotations

from pytest_velo.baselines.entry import Entry, Sampled, StoredTurn
from pytest_velo.baselines.paired import Pair, changed, changed_somewhere, compare, drift, paired
from pytest_velo.claims import baseline, rate
from pytest_velo.verdicts import Verdict


def test_worse_pairs_refute_a_claim_about_the_baseline() -> None:
    worse = [Pair(0, 1)] * 8 + [Pair(1, 1)] * 2
    found = compare(rate >= baseline - 0.05, worse, max_units=10)
    assert found.verdict == Verdict.REFUTED
    assert found.certified == "rate < baseline - 0.05"
    assert found.n_down == 8
    assert found.mean_now == 0.2


def test_a_change_is_certified() -> None:
    found = changed(rate, [Pair(1, 0)] * 12 + [Pair(1, 1)] * 40, max_units=100)
    assert found.certified == "rate > baseline"
    assert found.interval.low > 0


def test_a_change_in_some_of_the_cases_has_no_size() -> None:
    found = changed_somewhere(rate, [Pair(0, 1)] * 12 + [Pair(1, 1)] * 40, max_units=60)
    assert found.certified == "rate < baseline in some of these cases"
    assert found.difference is not None
    assert found.interval is None


def test_slow_drift_shows_against_the_anchor() -> None:
    first, now = ([StoredTurn("", n, outcome) for n in range(40)] for outcome in (1.0, 0.0))
    made = {"made_at": "2026-12-01T09:30:00+00:00", "seed": 0, "set_digest": ""}
    current, anchor = (Sampled(**made, turns=tuple(turns)) for turns in (now, first))
    names = {"hypothesis": "t.py::test_b", "model": "lab/tiny", "statistic": "rate", "design": "d1"}
    moved = drift(Entry(**names, current=current, anchor=anchor), rate, now)
    # the current baseline would show none
    assert moved.certified == "rate < baseline"
    assert moved.difference == -1.0


def test_only_turns_of_both_runs_are_paired() -> None:
    assert paired([StoredTurn("a", 0, 1.0)], [StoredTurn("a", 0, 0.0), StoredTurn("b", 0, 0.0)]) == [
        Pair(now=1.0, before=0.0)
    ]
