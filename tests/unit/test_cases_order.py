"""The seeded order of trials."""

from collections import Counter
from itertools import islice, pairwise
from pathlib import Path

import pytest

from pytest_velo.case_sets import Planned, cases, load, pick_order, plain_order
from pytest_velo.errors import UsageError


def case_set(source):
    return load(source, base=Path())


def first(plan, n):
    return list(islice(plan, n))


def test_over_cases_picks_evenly_and_independently():
    plan = pick_order(case_set(list(range(5))), "cases", seed=0)
    picked = [trial.case for trial in first(plan, 5000)]
    counts = Counter(picked)
    assert sum((counts[case] - 1000) ** 2 / 1000 for case in range(5)) < 18.5  # 0.1% point at 4
    repeats = sum(left == right for left, right in pairwise(picked))
    assert abs(repeats - 1000) < 3.3 * 29
    assert plan.n_units is None


def test_over_cases_counts_repeats():
    trials = first(pick_order(case_set(["a", "b"]), "cases", seed=0), 50)
    for letter in "ab":
        repeats = [trial.repeat for trial in trials if trial.case == letter]
        assert repeats == list(range(len(repeats)))


def test_another_seed_or_set_is_another_order():
    def order(source, seed):
        return [trial.case for trial in first(pick_order(case_set(source), "cases", seed=seed), 40)]

    rows = list(range(10))
    assert order(rows, 0) == order(rows, 0)
    assert order(rows, 0) != order(rows, 1)
    assert order(rows, 0) != order([*rows[:-1], 99], 0)


def test_population_takes_each_case_once():
    plan = pick_order(case_set(list(range(100))), "population", seed=0)
    cases_in_order = [trial.case for trial in plan]
    assert sorted(cases_in_order) == list(range(100))
    assert cases_in_order != list(range(100))
    assert (plan.n_units, plan.largest_unit) == (100, 1)


def test_first_places_are_even_over_seeds():
    loaded = case_set(list(range(4)))
    firsts = Counter(pick_order(loaded, "population", seed=seed)[0].case for seed in range(2000))
    assert sum((firsts[case] - 500) ** 2 / 500 for case in range(4)) < 16.3  # 0.1% point at 3


def test_a_new_row_slips_in_without_moving_the_others():
    rows = [f"question {n}" for n in range(50)]
    before = [trial.case for trial in pick_order(case_set(rows), "population", seed=0)]
    after = [trial.case for trial in pick_order(case_set(["new", *rows]), "population", seed=0)]
    assert [case for case in after if case != "new"] == before


def test_groups_are_whole_units():
    rows = [{"q": n, "template": n % 3} for n in range(10)]
    plan = pick_order(case_set(cases(rows, group="template")), "population", seed=0)
    units = {}
    for trial in plan:
        units.setdefault(trial.unit, []).append(trial)
    assert (plan.n_units, plan.largest_unit) == (3, 4)
    for unit in units.values():
        assert len({trial.case.template for trial in unit}) == 1
        assert {trial.unit_size for trial in unit} == {len(unit)}
    assert sorted(trial.case.q for trial in plan) == list(range(10))
    assert [trial.index for trial in plan] == list(range(10))


def test_draws_per_case():
    plan = pick_order(case_set(["a", "b"]), "population", seed=0, draws_per_case=3)
    told = [(trial.unit, trial.case, trial.repeat, trial.unit_size) for trial in plan]
    one, two = told[0][1], told[3][1]
    assert told[:3] == [(0, one, 0, 3), (0, one, 1, 3), (0, one, 2, 3)]
    assert told[3:] == [(1, two, 0, 3), (1, two, 1, 3), (1, two, 2, 3)]
    assert {one, two} == {"a", "b"}
    assert plan.largest_unit == 3


def test_hazard_01_equal_contents_never_share_a_draw():
    rows = ["same", "same", "other", "same"]
    for over in ("cases", "population"):
        trials = first(pick_order(case_set(rows), over, seed=0), 60)
        slots = [(trial.case_digest, trial.repeat) for trial in trials]
        assert len(set(slots)) == len(slots)
    ids = {trial.case_id for trial in pick_order(case_set(rows), "population", seed=0)}
    assert ids == {"0", "1", "2", "3"}


def test_hazard_01_different_cases_have_different_digests_whatever_they_ask():
    rows = [{"question": "same", "answer": n} for n in range(20)]
    digests = {trial.case_digest for trial in pick_order(case_set(rows), "population", seed=0)}
    assert len(digests) == 20


def test_a_body_that_changes_its_case_spoils_no_other():
    rows = [{"messages": [{"role": "user"}]}]
    plan = pick_order(case_set(rows), "cases", seed=0)
    trials = iter(plan)
    next(trials).case.messages.append("spoilt")
    assert next(trials).case.messages == [{"role": "user"}]
    assert rows == [{"messages": [{"role": "user"}]}]


def test_index_and_iteration_agree():
    plan = pick_order(case_set(list(range(7))), "population", seed=0, draws_per_case=2)
    trials = list(plan)
    assert [plan[index] for index in reversed(range(14))] == trials[::-1]
    assert list(plan) == trials
    for beyond in (14, -1):
        with pytest.raises(IndexError):
            _ = plan[beyond]


def test_without_cases():
    trials = first(plain_order(), 3)
    assert trials == [
        Planned(index=n, turn=n, unit=n, case=None, case_digest="", case_id="", repeat=n, unit_size=1)
        for n in range(3)
    ]


def forever(rng):
    while True:
        yield rng.random()


@pytest.mark.parametrize(
    ("source", "over", "draws", "said"),
    [
        (["a"], "case", 1, "over='case' is unknown"),
        (["a"], "cases", 0, "draws_per_case="),
        (["a"], "cases", True, "draws_per_case="),
        (forever, "cases", 1, "needs a fixed set"),
        (cases([{"g": 1}], group="g"), "cases", 1, "group= does not apply"),
        (cases(forever, group=round), "population", 1, "group= needs a fixed set"),
    ],
)
def test_designs_that_do_not_fit(source, over, draws, said):
    with pytest.raises(UsageError, match=said):
        pick_order(case_set(source), over, seed=0, draws_per_case=draws)


def test_draws_per_case_needs_cases():
    with pytest.raises(UsageError, match="needs cases"):
        pick_order(None, "cases", seed=0, draws_per_case=2)
