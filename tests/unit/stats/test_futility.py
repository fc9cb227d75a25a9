"""The laws that plans print, against every path of the rules and runs that are shipped."""

from __future__ import annotations

import asyncio
import itertools
import math

import pytest

from pytest_velo.claims import difference, estimate, mean, rate
from pytest_velo.stats.engine.design import Design
from pytest_velo.stats.engine.futility import Futility, usual_futility
from pytest_velo.stats.exact.chances import chances_of
from pytest_velo.stats.planning.law import approximate_law
from pytest_velo.stats.planning.law_census import census_law
from pytest_velo.stats.planning.operating import (
    OperatingCharacteristics,
    law_with_futility,
    operating_characteristics,
)
from pytest_velo.stats.planning.scenarios import deviations_of, scenarios_of
from pytest_velo.stats.planning.simulation import N_RUNS, measured_at, two_points
from pytest_velo.stats.planning.truths import detectable_of, truths_of
from pytest_velo.stats.rules.census import make_census_rule
from pytest_velo.stats.rules.estimate import make_estimate
from pytest_velo.stats.rules.rate import make_rate_rule
from pytest_velo.verdicts import StopReason, Verdict
from support.laws import pair_law

LEVELS = {"alpha": 0.1, "beta": 0.2}
SOON = Futility(below=0.35, first=3, every=2)
"""Looks early and gives up easily, so that it matters within a few units."""


def sample(rule, path, futility: Futility) -> None:
    """Do to a rule what a run does, until a verdict, the horizon, or little hope of a verdict."""
    looks = futility.looks(rule.max_units, rule.min_units)
    for outcome in path:
        if rule.feed(outcome, outcome) or rule.n == rule.max_units:
            return
        if rule.n in looks and rule.predictive_probability() < futility.below:
            return


def total(parts: list[tuple[float, object]], truth: float) -> OperatingCharacteristics:
    """Add up weighted ends of paths."""

    def share(verdict: Verdict) -> float:
        return math.fsum(weight for weight, rule in parts if rule.verdict is verdict)

    return OperatingCharacteristics(
        truth=truth,
        supported=share(Verdict.SUPPORTED),
        refuted=share(Verdict.REFUTED),
        mean_n=math.fsum(weight * rule.n for weight, rule in parts),
    )


def assert_same_law(one: OperatingCharacteristics, other: OperatingCharacteristics) -> None:
    numbers = [(law.truth, law.supported, law.refuted, law.mean_n) for law in (one, other)]
    assert numbers[0] == pytest.approx(numbers[1], abs=1e-10)


@pytest.mark.parametrize(
    ("claim", "design"),
    [
        (rate >= 0.5, {}),
        (rate >= 0.5, {"min_units": 4}),
        (rate >= 0.5, {"margin": 0.2, "min_units": 3}),
        (rate <= 0.3, {"extend": True}),
        (rate.within(0.25, 0.75), {}),
        (rate.within(0.3, 0.6), {"margin": 0.2, "min_units": 5}),
    ],
    ids=str,
)
def test_the_law_of_a_run_is_that_of_every_path(claim, design) -> None:
    def fresh():
        return make_rate_rule(claim, Design(max_units=11, **LEVELS, **design))

    law, truths = law_with_futility(fresh(), SOON), (0.2, 0.5, 0.65)
    ends, ended = [], None
    for path in itertools.product((0, 1), repeat=11):
        if ended and path[: len(ended)] == ended:
            continue  # in their order, paths that a run leaves at the same place come together
        rule = fresh()
        sample(rule, path, SOON)
        ended = path[: rule.n]
        ends.append((sum(ended), rule))
    for truth, found in zip(truths, law(truths), strict=True):
        weighted = [(truth**ones * (1 - truth) ** (rule.n - ones), rule) for ones, rule in ends]
        assert_same_law(found, total(weighted, truth))
    plain = operating_characteristics(fresh(), truths)
    assert any(early.mean_n < late.mean_n - 0.1 for early, late in zip(law(truths), plain, strict=True))


def test_a_run_that_never_gives_up_has_the_law_of_its_rule() -> None:
    rule = make_rate_rule(rate >= 0.3, Design(alpha=0.05, beta=0.05, max_units=120))
    truths = [0.0, 0.2, 0.3, 0.45, 1.0]
    never = law_with_futility(rule, Futility(below=0.0, first=20, every=10))(truths)
    for one, other in zip(never, operating_characteristics(rule, truths), strict=True):
        assert_same_law(one, other)


@pytest.mark.parametrize("every", [4, 7])
def test_runs_give_up_where_their_law_says(make_hypothesis, sample, every) -> None:
    """The schedule and the chance that the law is made with are those of the runner."""

    async def body(case, arm, trial):
        return trial.index % every == 0

    threshold = 1 / every
    run = asyncio.run(sample(make_hypothesis(body, rate >= threshold, max_trials=120)))
    assert (run.verdict, run.stop) == (Verdict.INCONCLUSIVE, StopReason.FUTILITY)
    rule = make_rate_rule(rate >= threshold, Design(alpha=0.05, beta=0.05, max_units=120))
    looks = usual_futility(120).looks(120)
    chances = chances_of(*rule.barriers(), horizon=120, first_look=1, looks=looks)
    hopeless = [n for n in looks if chances[n][0][math.ceil(n / every)] < usual_futility(120).below]
    assert len(run.trials) == hopeless[0]


@pytest.mark.parametrize(
    ("claim", "futility"),
    [
        (rate >= 0.5, SOON),
        (rate <= 0.3, SOON),
        (rate.within(0.3, 0.8), Futility(below=0.0, first=3, every=2)),
    ],
    ids=str,
)
@pytest.mark.parametrize("max_units", [9, 6])
def test_the_law_of_a_census_is_that_of_every_order(claim, futility, max_units) -> None:
    size = 9
    design = {"census": size, "max_units": max_units, **LEVELS}
    law = census_law(claim, futility=futility, design=Design(**design))
    for ones in range(size + 1):
        ends = []
        orders = list(itertools.combinations(range(size), ones))
        for places in orders:
            rule = make_census_rule(claim, Design(**design))
            sample(rule, [float(place in places) for place in range(max_units)], futility)
            ends.append((1 / len(orders), rule))
        assert_same_law(law([ones / size])[0], total(ends, ones / size))


def test_a_first_look_makes_a_census_longer_and_no_less_sure() -> None:
    never = Futility(below=0.0, first=1, every=1)
    design = {"census": 40, "max_units": 40, **LEVELS}
    laws = [census_law(rate >= 0.5, Design(min_units=first, **design), never) for first in (1, 15)]
    soon, late = (law([0.8])[0] for law in laws)
    assert (late.supported, late.refuted) == (soon.supported, soon.refuted)
    assert max(15.0, soon.mean_n) < late.mean_n < soon.mean_n + 15


def test_scenarios_are_the_laws_they_name() -> None:
    futility = usual_futility(100)
    design = Design(alpha=0.05, beta=0.05, max_units=100)
    worst, independent = scenarios_of(difference("a", "b") >= 0, design, futility)
    assert (worst.exact, independent.exact) == (True, True)
    levels = {"alpha": 0.05, "beta": 0.05, "max_units": 100}
    assert_same_law(worst.law([0.2])[0], pair_law(difference("a", "b") >= 0, 0.6, 0.4, Design(**levels)))
    # Independent arms with rates 0.6 and 0.4: 0.36 of the pairs speak for a, 0.16 for b.
    assert_same_law(
        independent.law([0.2])[0], pair_law(difference("a", "b") >= 0, 0.36, 0.16, Design(**levels))
    )

    for claim in (difference("a", "b") >= 0.1, difference("a", "b").within(0.2)):
        worst, independent = scenarios_of(claim, design, futility)
        assert not worst.exact
        assert_same_law(worst.law([0.6])[0], approximate_law(claim, 0.6, 0.8, Design(**levels)))
        deviation = math.sqrt(0.5 + 0.18 - 0.36)
        assert_same_law(independent.law([0.6])[0], approximate_law(claim, 0.6, deviation, Design(**levels)))

    worst, usual = scenarios_of(mean(0, 10) >= 7, design, futility)
    assert_same_law(worst.law([8.0])[0], approximate_law(mean(0, 10) >= 7, 8.0, 4.0, Design(**levels)))
    assert_same_law(usual.law([8.0])[0], approximate_law(mean(0, 10) >= 7, 8.0, 2.5, Design(**levels)))


def test_what_is_assumed_of_means_of_trials() -> None:
    cases = Design(alpha=0.05, beta=0.05, max_units=100, single=False, draws=4)
    groups = Design(alpha=0.05, beta=0.05, max_units=100, single=False)
    assert [deviation(0.5) for deviation in deviations_of(rate, cases).values()] == [0.5, 0.25]
    assert [deviation(0.9) for deviation in deviations_of(rate, groups).values()] == [
        pytest.approx(0.3),
        0.25,
    ]
    assert [deviation(0.0) for deviation in deviations_of(rate, groups).values()] == [0.0, 0.0]
    [(told, _)] = deviations_of(rate, Design(alpha=0.05, beta=0.05, max_units=100)).items()
    assert told == "", "a single trial's rate says all"


def test_what_is_approximate_says_so() -> None:
    design = Design(alpha=0.05, beta=0.05, max_units=20_000)
    [scenario] = scenarios_of(rate >= 0.3, design, usual_futility(20_000))
    assert not scenario.exact
    [exact] = scenarios_of(rate >= 0.3, Design(alpha=0.05, beta=0.05, max_units=2_000), usual_futility(2_000))
    near, far = scenario.law([0.4])[0], exact.law([0.4])[0]
    assert near.mean_n == pytest.approx(far.mean_n, rel=0.2)
    lists = [
        scenarios_of(claim, Design(alpha=0.05, beta=0.05, max_units=50, census=50), usual_futility(50))[0]
        for claim in (rate >= 0.3, rate.within(0.3, 0.5))
    ]
    assert [scenario.exact for scenario in lists] == [True, False]


def test_truths_stay_inside_the_range_and_hold_what_is_special() -> None:
    for claim in (rate >= 0.3, rate <= 0.02, rate >= 0.995, rate.within(0.05, 0.9), mean(-5, 5) >= 4.9):
        truths = truths_of(claim)
        scale = claim.statistic.scale
        assert truths == sorted(truths)
        assert len(set(truths)) == len(truths) >= 5
        assert scale.low <= truths[0] < truths[-1] <= scale.high
        assert claim.threshold in truths
    assert truths_of(rate >= 0.3, (0.30000000000000004, 0.42)).count(0.3) == 1
    assert 0.42 in truths_of(rate >= 0.3, (0.42,))


@pytest.mark.slow
def test_what_can_be_told_has_the_power_and_nothing_nearer_has() -> None:
    claim = rate.within(0.3, 0.6)
    rule = make_rate_rule(claim, Design(alpha=0.05, beta=0.05, max_units=300))
    law = law_with_futility(rule, usual_futility(300))
    found = detectable_of(claim, law, power=0.7)
    inner, outer = [*found.supported], [*found.refuted]
    assert 0.3 < inner[0] < inner[1] < 0.6
    assert outer[0] < 0.3 < 0.6 < outer[1]
    for value, nearer in ((inner[0], -1), (inner[1], 1)):
        at, beyond = law([value, value + nearer * 0.001])
        assert at.supported >= 0.7 > beyond.supported
    for value, nearer in ((outer[0], 1), (outer[1], -1)):
        at, beyond = law([value, value + nearer * 0.001])
        assert at.refuted >= 0.7 > beyond.refuted


def test_estimates_are_followed_with_the_shipped_rule() -> None:
    design = Design(alpha=0.05, beta=0.05, max_units=150)
    certain = measured_at(estimate(rate, halfwidth=0.1), design, 1.0, 0.0)
    rule = make_estimate(rate, halfwidth=0.1, design=Design(alpha=0.05, beta=0.05, max_units=150))
    while not rule.feed(1.0, 1.0):
        pass
    assert (certain.n, certain.measured) == (pytest.approx(rule.n), pytest.approx(1.0))
    assert certain.halfwidth == pytest.approx((rule.interval().high - rule.interval().low) / 2)
    out_of_reach = measured_at(estimate(mean(0, 10), halfwidth=0.1), design, 5.0, 5.0)
    assert (out_of_reach.n, out_of_reach.measured) == (150, 0.0)
    assert out_of_reach.halfwidth > 0.1
    assert N_RUNS > 1


@pytest.mark.parametrize(("mean_", "deviation"), [(0.5, 0.1), (0.9, 0.2), (0.1, 0.3), (0.3, 0.0), (1.0, 0.0)])
def test_two_points_have_the_mean_and_the_deviation(mean_, deviation) -> None:
    low, high, share = two_points(mean_, deviation)
    assert 0.0 <= low <= high <= 1.0
    assert low + share * (high - low) == pytest.approx(mean_)
    assert math.sqrt(share * (1 - share)) * (high - low) == pytest.approx(deviation)


@pytest.mark.parametrize("claim", [rate >= 0.5, rate <= 0.03, rate >= 0.97], ids=str)
@pytest.mark.parametrize(("max_units", "min_units"), [(200, 1), (60, 30), (40, 40)])
def test_barriers_of_known_nulls_are_found_at_once_and_lie_where_they_lay(claim, max_units, min_units):
    rule = make_rate_rule(claim, Design(alpha=0.05, beta=0.03, max_units=max_units, min_units=min_units))
    sides = rule.barriers()
    followed = [[barrier._replace(null=None) for barrier in side] for side in sides]
    looks = range(1, max_units)
    at_once, one_by_one = (
        chances_of(*barriers, horizon=max_units, first_look=min_units, looks=looks)
        for barriers in (sides, followed)
    )
    for look in looks:
        assert at_once[look][0].tolist() == one_by_one[look][0].tolist()
