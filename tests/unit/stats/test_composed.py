import math
import random

import pytest

from pytest_velo.claims import difference, mean, rate
from pytest_velo.errors import UsageError, VeloError
from pytest_velo.stats.engine.design import Design
from pytest_velo.stats.engine.nulls import Null, nulls_of
from pytest_velo.stats.one_sided.mean import EitherMean, MeanTest
from pytest_velo.stats.rules.composed import certified_inequality
from pytest_velo.stats.rules.mean import make_mean_rule
from pytest_velo.verdicts import Verdict
from support.rules import feed


def build(claim, **changes):
    return make_mean_rule(claim, Design(**{"alpha": 0.05, "beta": 0.05, "max_units": 300, **changes}))


def scores(centre, n, kappa=10, seed=0):
    rng = random.Random(seed)
    return [rng.betavariate(centre * kappa, (1 - centre) * kappa) for _ in range(n)]


@pytest.mark.parametrize(
    ("claim", "centre", "verdict", "certified"),
    [
        (mean(0, 10) >= 5, 0.7, Verdict.SUPPORTED, "mean(0, 10) > 4.5"),
        (mean(0, 10) >= 5, 0.3, Verdict.REFUTED, "mean(0, 10) < 5"),
        (mean(0, 10) <= 5, 0.3, Verdict.SUPPORTED, "mean(0, 10) < 5.5"),
        (mean(0, 10) <= 5, 0.7, Verdict.REFUTED, "mean(0, 10) > 5"),
        (mean(0, 10).within(4, 6), 0.5, Verdict.SUPPORTED, "3.5 < mean(0, 10) < 6.5"),
        (mean(0, 10).within(4, 6), 0.8, Verdict.REFUTED, "mean(0, 10) < 4 or mean(0, 10) > 6"),
        (difference("a", "b") >= 0, 0.7, Verdict.SUPPORTED, 'difference("a", "b") > -0.5'),
        (difference("a", "b") >= 0, 0.3, Verdict.REFUTED, 'difference("a", "b") < 0'),
    ],
    ids=str,
)
def test_scores_decide_and_certify_in_their_own_units(claim, centre, verdict, certified):
    rule = feed(build(claim, margin=0.5), scores(centre, 300))
    assert rule.verdict is verdict
    assert rule.certified(verdict) == certified


def test_undecided_is_said_with_the_claim():
    rule = feed(build(mean(0, 10) >= 5, max_units=50), scores(0.5, 50, seed=2))
    assert rule.verdict is None
    assert rule.certified(Verdict.INCONCLUSIVE) == "undecided: mean(0, 10) >= 5"


def test_a_threshold_of_zero_is_certified_as_zero():
    claim = difference("a", "b", of=mean(0, 0.3)) >= 0
    assert certified_inequality(claim, nulls_of(claim), Verdict.SUPPORTED).endswith("> 0")


def test_the_interval_is_in_the_statistics_units_and_agrees_with_the_verdict():
    rule = feed(build(mean(0, 10) >= 5), scores(0.6, 300))
    p_support, p_refute, interval = rule.evidence_bounds()
    assert rule.verdict is Verdict.SUPPORTED
    assert p_support <= 0.05 < p_refute
    assert 5.0 <= interval.low < 6.0 < interval.high < 10.0
    assert interval.level == pytest.approx(0.9)
    within = feed(build(mean(0, 1).within(0.2, 0.8), alpha=0.01), scores(0.6, 5))
    assert within.evidence_bounds()[2].level == pytest.approx(0.98)


def test_evidence_before_any_unit():
    assert build(rate >= 0.3).evidence_bounds() == (1.0, 1.0, None)


def test_no_verdict_before_min_units_and_none_is_forgotten():
    rule = build(mean(0, 1) >= 0.5, min_units=60)
    verdicts = [rule.feed(0.9, 0.9) for _ in range(30)] + [rule.feed(0.1, 0.1) for _ in range(30)]
    assert verdicts[:-1] == [None] * 59
    assert rule.verdict is Verdict.SUPPORTED


def test_across_a_margin_the_stronger_evidence_wins_the_first_look():
    for centre, verdict in ((0.42, Verdict.REFUTED), (0.58, Verdict.SUPPORTED)):
        rule = feed(build(mean(0, 1) >= 0.6, margin=0.2, min_units=200), scores(centre, 200, seed=1))
        p_support, p_refute, _ = rule.evidence_bounds()
        assert max(p_support, p_refute) <= 0.05  # both would do
        assert rule.verdict is verdict


def test_invalid_units_count_against_whatever_verdict():
    rule = feed(build(mean(0, 1) >= 0.5), [(0.0, 1.0)] * 300)
    assert rule.verdict is None
    assert rule.log_e_support < 0
    assert rule.log_e_refute < 0
    p_support, p_refute, interval = rule.evidence_bounds()
    assert p_support == p_refute == 1.0
    assert interval.low < 0.01
    assert interval.high > 0.99


def test_feeding_on_is_refused():
    decided = feed(build(mean(0, 1) >= 0.3), [0.9] * 40)
    with pytest.raises(VeloError, match="is supported") as caught:
        decided.feed(0.1, 0.1)
    assert f"`{decided.claim}`" in caught.value.what
    assert "add no more" in caught.value.fix
    spent = feed(build(mean(0, 1) >= 0.3, max_units=2), [0.1, 0.6])
    with pytest.raises(VeloError, match="at its horizon of 2 units"):
        spent.feed(0.1, 0.1)


@pytest.mark.parametrize("bounds", [(1, 0), (-0.1, 1), (0, 1.1), (math.nan, 1), (0, math.nan)])
def test_what_is_no_outcome_is_refused(bounds):
    rule = build(mean(0, 1) >= 0.3)
    with pytest.raises(VeloError, match="0 <= low <= high <= 1"):
        rule.feed(*bounds)
    assert rule.n == 0


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"alpha": 0.0}, "alpha must be between 0 and 1"),
        ({"min_units": 301}, "1 <= min_trials <= max_trials"),
        ({"margin": 7}, "margin below 7"),
    ],
)
def test_a_design_out_of_range_is_refused(changes, message):
    with pytest.raises(UsageError, match=message):
        build(mean(0, 10) >= 7, **changes)


def test_forecasts_tell_a_clear_case_from_a_close_one():
    clear = feed(build(mean(0, 1) >= 0.5, min_units=21), scores(0.8, 20))
    close = feed(build(mean(0, 1) >= 0.5, max_units=1000), scores(0.505, 100, seed=2))
    assert clear.expected_more() == 1
    assert close.expected_more() > 40
    assert close.min_more() < 10
    assert clear.predictive_probability() == 1.0


def test_forecasts_at_the_horizon_and_after_the_verdict():
    decided = feed(build(mean(0, 1) >= 0.3), [0.9] * 40)
    assert (decided.min_more(), decided.expected_more(), decided.predictive_probability()) == (0, 0, 1.0)
    spent = feed(build(mean(0, 1) >= 0.3, max_units=2), [0.2, 0.4])
    assert (spent.min_more(), spent.expected_more(), spent.predictive_probability()) == (0, 0, 0.0)


@pytest.mark.slow
@pytest.mark.parametrize("claim", [mean(0, 1) >= 0.5, mean(0, 1).within(0.45, 0.55)], ids=str)
def test_futility_shows_in_the_predictive_probability(claim):
    steady = [0.46, 0.54, 0.5] * 100 if claim.low == 0.5 else [0.45, 0.0, 0.9] * 100
    hopeless = feed(build(claim, max_units=310), steady)
    assert hopeless.verdict is None
    assert hopeless.predictive_probability() < 0.05
    assert build(claim, max_units=310).predictive_probability() > 0.5


def test_the_predictive_probability_is_roughly_that_of_continuations():
    rng = random.Random(5)
    errors = []
    for seed in range(8):
        start = scores(0.53, 60, kappa=4, seed=seed)
        rule = feed(build(mean(0, 1) >= 0.5, max_units=200), start)
        if rule.verdict is not None:
            continue
        centre = sum(start) / 60
        decided = 0
        for _ in range(60):
            kappa = 4.0
            truth = min(0.95, max(0.05, rng.gauss(centre, math.sqrt(0.25 / (kappa + 1) / 60))))
            more = [rng.betavariate(truth * kappa, (1 - truth) * kappa) for _ in range(140)]
            decided += feed(build(mean(0, 1) >= 0.5, max_units=200), start + more).verdict is not None
        errors.append(rule.predictive_probability() - decided / 60)
    assert len(errors) >= 4
    assert min(errors) > -0.15  # rather too high: sampling is not given up on early
    assert sum(errors) / len(errors) < 0.35


def test_the_average_of_two_ends_rejects_beyond_either():
    for outcomes in ([0.1] * 40, [0.9] * 40):
        test = EitherMean([Null(0.4, -1), Null(0.6, 1)], 0.05)
        assert test.p_value() == 1.0
        for outcome in outcomes:
            fewest = test.fewest(100)
            test.feed(outcome, outcome)
            assert test.crossed is (test.p_value() <= 0.05)
            assert not test.crossed or fewest <= 1 or test.excess > 0
        assert test.crossed
        assert test.fewest(9) == test.expected(9) == 0
        assert test.chance(9) == 1.0


def test_a_limit_follows_its_own_test():
    test = MeanTest(0.5, 1, 0.05)
    for score in scores(0.6, 200):
        test.feed(score, score)
        if test.crossed:
            break
    assert test.limit() >= 0.5
    test.feed(0.0, 0.0)
    assert test.crossed
    assert test.limit() >= 0.5
