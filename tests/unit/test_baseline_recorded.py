"""Two recorded results: which trials make a unit, what older records tell, what is left out."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pytest_velo.baselines.older import NotComparable, with_units
from pytest_velo.baselines.paired import Pair, changed_somewhere
from pytest_velo.baselines.recorded import compare_recorded
from pytest_velo.claims import rate
from pytest_velo.records import HypothesisResult, Invalid, OutcomeKind, UnitKind
from pytest_velo.report.document import result_from_json, result_to_json
from pytest_velo.verdicts import Decision, StopReason, Verdict
from support.reports import refuted, trial

OVER_CASES = "over these 5 cases"
EXCLUDED = "rate < 0.7 among valid replies"


def older(
    case_ids: str,
    scope: str,
    *,
    n: int | None = None,
    stop: StopReason = StopReason.MAX_TRIALS,
    certified: str = "rate < 0.7",
    **fields,
) -> HypothesisResult:
    """An older record: one trial for each case id, which made `n` units."""
    decision = refuted().decision
    assert isinstance(decision, Decision)
    evidence = replace(decision.evidence, n=n or len(case_ids), n_invalid=int("among" in certified))
    return refuted(
        scope=scope,
        decision=replace(decision, evidence=evidence, stop=stop, certified=certified),
        trials=tuple(trial(index, 1, case_id=name) for index, name in enumerate(case_ids)),
        **fields,
    )


def newer(sizes: list[int], outcome: float | None = 1.0, *, left: int = 0, **fields) -> HypothesisResult:
    """A record of groups of these sizes; of the last one, `left` trials were not made."""
    units = [(unit, size) for unit, size in enumerate(sizes) for _ in range(size)]
    kind = OutcomeKind.INVALID if outcome is None else OutcomeKind.ONE if outcome else OutcomeKind.ZERO
    values = {} if outcome is None else {"": outcome}
    trials = tuple(
        replace(trial(index, 1), case_id=str(index), unit=unit, unit_size=size, kind=kind, values=values)
        for index, (unit, size) in enumerate(units[: len(units) - left])
    )
    return refuted(**{"unit": UnitKind.GROUP, "trials": trials, **fields})


@pytest.mark.parametrize(
    ("record", "units", "kind"),
    [
        (older("abc", "this body as it stands"), [0, 1, 2], "trial"),
        (older("aabbc", "beyond these cases"), [0, 0, 1, 1, 2], "case"),
        (older("abcab", OVER_CASES), [0, 1, 2, 3, 4], "trial"),
        (older("aabbaa", OVER_CASES, n=3), [0, 0, 1, 1, 2, 2], "case"),
        (older("aabba", OVER_CASES, n=2, stop=StopReason.BUDGET), [0, 1, 2, 3, 4], None),
        (older("aabbaa", OVER_CASES, n=2, certified=EXCLUDED), [0, 0, 1, 1, 2, 2], None),
        (older("aaaa", "over this one case", n=2), [0, 0, 1, 1], "case"),
        (older("aaaa", "over this one case", n=2, stop=StopReason.BUDGET), [0, 1, 2, 3], "trial"),
        (older("aabb", OVER_CASES, n=1, facts=("rescored from x",)), [], None),
        (older("aab", OVER_CASES, n=2), [], None),
        (older("abc", "these 3 recorded outcomes"), [0, 1, 2], "outcome"),
        (older("abc", "beyond these cases (unit: group)"), [], None),
        (older("abc", "over the cases that its baseline has, too, paired on the case"), [], None),
    ],
)
def test_what_an_older_record_tells_of_its_units(record, units, kind) -> None:
    if kind is None:
        with pytest.raises(NotComparable, match="an older record does not tell"):
            with_units(record)
        return
    told = with_units(record)
    assert told.unit == kind
    assert [trial.unit for trial in told.trials] == units


def test_of_an_older_record_it_is_known_whether_invalid_trials_were_left_out() -> None:
    assert with_units(older("abc", OVER_CASES, certified=EXCLUDED)).invalid is Invalid.EXCLUDE
    assert with_units(older("abc", OVER_CASES)).invalid is None


def test_a_record_that_names_its_units_is_taken_at_its_word() -> None:
    record = newer([2, 1])
    assert with_units(record) is record


def test_a_result_comes_back_with_its_units_and_without_them() -> None:
    for result in (newer([2, 1], invalid=Invalid.EXCLUDE), refuted()):
        data = result_to_json(result, result.trials)
        assert result_from_json(data) == result
    del data["unit"], data["invalid"]
    for line in data["trials"]:
        del line["unit"], line["unit_size"]
    assert result_from_json(data) == refuted()


def test_a_group_that_broke_off_is_left_out() -> None:
    [part] = compare_recorded(newer([3, 1, 4]), newer([3, 1, 4], 0.0, left=1)).parts
    assert (part.comparison.n_pairs, part.comparison.n_units, len(part.flips)) == (4, 2, 4)
    [part] = compare_recorded(newer([3, 1, 4]), newer([3, 1, 4, 2], 0.0, left=1)).parts
    assert (part.comparison.n_pairs, part.comparison.n_units) == (8, 3)


def test_a_group_counts_by_its_mean() -> None:
    sizes = [1, 4] * 6
    as_groups, as_trials = (
        compare_recorded(newer(sizes, unit=unit), newer(sizes, 0.0, unit=unit)).parts[0].comparison
        for unit in (UnitKind.GROUP, UnitKind.TRIAL)
    )
    assert (as_groups.n_units, as_trials.n_units) == (12, 30)
    assert as_groups.interval is not None
    assert as_trials.interval is not None
    assert as_groups.interval.high > as_trials.interval.high


def test_units_of_other_sizes_are_no_pairs() -> None:
    found = compare_recorded(newer([2, 2], unit=UnitKind.CASE), newer([4], unit=UnitKind.CASE))
    assert found.reason == "draws_per_case changed"


def test_where_no_trial_is_valid_in_both_runs_nothing_is_compared() -> None:
    before, now = (newer([1] * 4, outcome, invalid=Invalid.EXCLUDE) for outcome in (1.0, None))
    assert compare_recorded(before, now).reason == "no trial is valid in both runs"
    bounded = [replace(result, invalid=Invalid.BOUND) for result in (before, now)]
    [part] = compare_recorded(*bounded).parts
    assert (part.comparison.n_invalid, part.n_left_out) == (4, 0)


@pytest.mark.parametrize(
    ("now", "certified"),
    [
        (1.0, "rate > baseline in some of these cases"),
        (0.0, "rate < baseline in some of these cases"),
    ],
)
def test_of_a_list_it_is_certified_that_some_case_changed(now, certified) -> None:
    found = changed_somewhere(rate, [Pair(now, 1.0 - now)] * 12, max_units=12)
    assert found.certified == certified
    assert found.interval is None
    assert found.verdict is not Verdict.INCONCLUSIVE
