"""What holds of the order of trials for every set, seed and design."""

from itertools import islice
from pathlib import Path

import hypothesis.strategies as st
from hypothesis import given

from pytest_velo.case_sets import cases, load, pick_order

ROWS = st.lists(st.sampled_from("abcdefgh"), min_size=1, max_size=20)
SEEDS = st.integers(0, 2**63 - 1)
DRAWS = st.integers(1, 3)
OVER = st.sampled_from(["cases", "population"])


def told(plan, n):
    return [
        (trial.index, trial.unit, trial.case_digest, trial.case_id, trial.repeat, trial.unit_size)
        for trial in islice(plan, n)
    ]


@given(ROWS, OVER, SEEDS, DRAWS)
def test_hazard_01_no_two_trials_have_one_slot(rows, over, seed, draws):
    plan = pick_order(load(rows, base=Path()), over, seed, draws)
    slots = [(digest, repeat) for _, _, digest, _, repeat, _ in told(plan, 100)]
    assert len(set(slots)) == len(slots)


@given(ROWS, OVER, SEEDS, DRAWS)
def test_units_are_contiguous_and_complete(rows, over, seed, draws):
    sizes = {}
    trials = told(pick_order(load(rows, base=Path()), over, seed, draws), 60)
    for index, (own, unit, _, _, _, size) in enumerate(trials):
        assert own == index
        assert unit in (len(sizes) - 1, len(sizes))
        sizes.setdefault(unit, [size, 0])[1] += 1
    *complete, _ = sizes.values()
    assert all(size == count for size, count in complete)


@given(ROWS, SEEDS, DRAWS)
def test_a_population_is_a_permutation(rows, seed, draws):
    plan = pick_order(load(rows, base=Path()), "population", seed, draws)
    ids = [trial.case_id for trial in plan]
    assert sorted(ids) == sorted(list(map(str, range(len(rows)))) * draws)


@given(ROWS, st.sampled_from("xyz"), st.integers(0, 20), SEEDS)
def test_an_added_case_moves_no_other(rows, new, place, seed):
    longer = [*rows[:place], new, *rows[place:]]
    before = [trial.case for trial in pick_order(load(rows, base=Path()), "population", seed)]
    after = [trial.case for trial in pick_order(load(longer, base=Path()), "population", seed)]
    after.remove(new)
    assert after == before


@given(st.integers(1, 60), st.integers(1, 60), SEEDS, DRAWS)
def test_growing_max_trials_changes_no_earlier_trial(fewer, more, seed, draws):
    def generator(rng):
        while True:
            yield rng.randrange(5)

    short = pick_order(load(generator, base=Path(), seed=seed, max_n=fewer), "population", seed, draws)
    long = pick_order(load(generator, base=Path(), seed=seed, max_n=fewer + more), "population", seed, draws)
    assert told(long, fewer * draws) == told(short, None)


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 9)), min_size=1, max_size=20), SEEDS)
def test_groups_are_units(rows, seed):
    loaded = load(cases([{"group": group, "n": n} for group, n in rows], group="group"), base=Path())
    plan = pick_order(loaded, "population", seed)
    by_unit = {}
    for trial in plan:
        by_unit.setdefault(trial.unit, []).append(trial.case)
    assert plan.n_units == len(by_unit) == len({group for group, _ in rows})
    assert plan.largest_unit == max(map(len, by_unit.values()))
    assert all(len({case.group for case in unit}) == 1 for unit in by_unit.values())
    assert sum(map(len, by_unit.values())) == len(rows)
