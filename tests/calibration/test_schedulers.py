"""What the benchmarks of schedulers print: bounds that hold, and what `gain` spends beside the index."""

import importlib
from functools import cache
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def gittins(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    module = importlib.import_module("gittins")
    cached = [module.gains_if_told, module.index_if_told, module.index_of, module._solved_after]
    for function in cached:
        function.cache_clear()
    yield module
    for function in cached:
        function.cache_clear()


def mean_to_a_verdict(ends, truth, horizon):
    """Return the mean trials of one hypothesis that is sampled until its verdict, and the chance of one."""
    paths, mean, decided = {0: 1.0}, 0.0, 0.0
    for n in range(1, horizon + 1):
        mean += sum(paths.values())
        longer = {}
        for ones, chance in paths.items():
            for more, share in ((1, truth), (0, 1.0 - truth)):
                if (n, ones + more) in ends:
                    decided += chance * share
                else:
                    longer[ones + more] = longer.get(ones + more, 0.0) + chance * share
        paths = longer
    return mean, decided


@pytest.mark.parametrize(("threshold", "truth"), [(0.5, 0.95), (0.3, 0.6), (0.8, 0.5)])
def test_one_hypothesis_cannot_be_settled_sooner_than_by_its_trials(gittins, threshold, truth):
    mean, decided = mean_to_a_verdict(gittins.verdicts_of(threshold), truth, gittins.MAX_TRIALS)
    assert decided > 0.999999
    assert gittins.least_told(1, [(threshold, truth)]) == pytest.approx(mean, rel=1e-5)


SOON_ENDS = frozenset({(2, 0), (2, 2), (4, 1), (4, 3), *((5, ones) for ones in range(6))})
"""A rule that comes to a verdict within five trials."""


def best_of_all_orders(n_verdicts, chances_of):
    """Return the fewest mean trials over all schedulers, by going through every state of every hypothesis."""

    @cache
    def left(states, missing):
        if not missing:
            return 0.0
        totals = []
        for at, state in enumerate(states):
            if state in SOON_ENDS:
                continue
            n, ones = state
            one, total = chances_of[at](n, ones), 1.0
            for more, share in ((1, one), (0, 1.0 - one)):
                after = (n + 1, ones + more)
                reached = (*states[:at], after, *states[at + 1 :])
                total += share * left(reached, missing - (after in SOON_ENDS))
            totals.append(total)
        return min(totals)

    return left(((0, 0),) * len(chances_of), n_verdicts)


def known(gittins, threshold, before):
    """Return the chance that a hypothesis of the population, with such earlier trials, gives a one."""

    def chance(n, ones):
        weights = [
            rate ** (ones + before.ones) * (1.0 - rate) ** (n - ones + before.n - before.ones)
            for rate in gittins.truths_of(threshold)
        ]
        rates = gittins.truths_of(threshold)
        return sum(w * rate for w, rate in zip(weights, rates, strict=True)) / sum(weights)

    return chance


@pytest.mark.parametrize("n_verdicts", [1, 2, 3])
def test_no_order_of_trials_undercuts_the_bound(gittins, monkeypatch, n_verdicts):
    monkeypatch.setattr(gittins, "verdicts_of", lambda threshold: SOON_ENDS)
    monkeypatch.setattr(gittins, "MAX_TRIALS", 5)

    told = [(0.5, 0.9), (0.5, 0.6), (0.3, 0.4)]
    best = best_of_all_orders(n_verdicts, [lambda n, ones, truth=truth: truth for _, truth in told])
    least = gittins.least_told(n_verdicts, told)
    print(n_verdicts, least, best)
    assert 0.98 * best <= least <= best + 1e-9

    before = [gittins.Tally(30, 23), gittins.Tally(7, 7), gittins.Tally(12, 5)]
    chances = [known(gittins, threshold, seen) for (threshold, _), seen in zip(told, before, strict=True)]
    best = best_of_all_orders(n_verdicts, chances)
    least = gittins.least_after(n_verdicts, told, before)
    print(n_verdicts, least, best)
    assert 0.98 * best <= least <= best + 1e-9
