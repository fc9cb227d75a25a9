import random

import pytest

from pytest_velo.claims import difference, mean, rate
from pytest_velo.errors import UsageError, VeloError
from pytest_velo.stats.engine.census import CERTAIN, alternatives, log_e_census
from pytest_velo.stats.engine.design import Design
from pytest_velo.stats.limits.census import count_limit
from pytest_velo.stats.one_sided.census import CensusTest
from pytest_velo.stats.rules.census import census_tests, make_census_rule
from pytest_velo.verdicts import Verdict
from support.rules import feed


def build(claim, size=100, **changes):
    design = {"census": size, "max_units": size or 1, "alpha": 0.05, "beta": 0.05, **changes}
    return make_census_rule(claim, Design(**design))


def shuffled(ones, size, seed=0):
    outcomes = [1.0] * ones + [0.0] * (size - ones)
    random.Random(seed).shuffle(outcomes)
    return outcomes


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("ones", [0, 29, 30, 31, 50, 69, 70, 71, 100])
def test_a_whole_list_decides_every_claim_and_rightly_when_it_is_certain(ones, seed):
    for claim, truth in (
        (rate >= 0.3, ones >= 30),
        (rate <= 0.7, ones <= 70),
        (rate.within(0.3, 0.7), 30 <= ones <= 70),
    ):
        rule = feed(build(claim, alpha=1e-12, beta=1e-12), shuffled(ones, 100, seed))
        assert rule.verdict is (Verdict.SUPPORTED if truth else Verdict.REFUTED)


def test_what_has_been_seen_is_certain():
    rule = build(rate >= 0.3, alpha=1e-200, beta=1e-200)
    for _ in range(70):
        rule.feed(0, 0)
    assert rule.verdict is None
    assert rule.log_e_refute < CERTAIN
    assert rule.feed(0, 0) is Verdict.REFUTED  # 71 zeros leave 29 ones at most
    assert rule.log_e_refute == CERTAIN
    assert rule.evidence_bounds()[1] < 1e-300


@pytest.mark.parametrize(
    ("claim", "verdict", "certified"),
    [
        (rate >= 0.3, Verdict.SUPPORTED, "rate >= 0.3"),
        (rate >= 0.3, Verdict.REFUTED, "rate < 0.3"),
        (rate("asr") <= 0.3, Verdict.SUPPORTED, 'rate("asr") <= 0.3'),
        (rate("asr") <= 0.3, Verdict.REFUTED, 'rate("asr") > 0.3'),
        (rate.within(0.2, 0.4), Verdict.SUPPORTED, "0.2 <= rate <= 0.4"),
        (rate.within(0.2, 0.4), Verdict.REFUTED, "rate < 0.2 or rate > 0.4"),
    ],
    ids=str,
)
def test_the_edge_itself_fulfils_the_claim(claim, verdict, certified):
    assert build(claim).certified(verdict) == certified


def counts(claim, size):
    """Return the edges of the null of either verdict; a fresh rule has the evidence of just these tests."""
    tests = [
        test for [test] in census_tests(claim, Design(census=size, alpha=0.05, beta=0.05, max_units=size))
    ]
    rule = build(claim, size)
    for each in (rule, *tests):
        each.feed(1.0, 1.0)
    assert [rule.log_e_support, rule.log_e_refute] == [test.log_e for test in tests]
    return tuple(test.count for test in tests)


@pytest.mark.parametrize("size", [7, 10, 100, 300])
def test_thresholds_between_and_on_counts(size):
    for count in range(1, size):
        assert counts(rate >= count / size, size) == (count - 1, count)
        assert counts(rate <= count / size, size) == (count + 1, count)
    assert counts(rate >= 0.305, 100) == (30, 31)


def test_a_census_needs_fewer_than_draws_with_replacement():
    from pytest_velo.stats.rules.mean import make_mean_rule

    needed = {"census": 0, "draws": 0}
    for seed in range(20):
        outcomes = shuffled(60, 120, seed)
        needed["census"] += feed(build(rate >= 0.4, 120), outcomes).n
        draws = make_mean_rule(rate >= 0.4, Design(alpha=0.05, beta=0.05, max_units=120))
        needed["draws"] += feed(draws, outcomes).n
    assert needed["census"] < 0.9 * needed["draws"]


def test_the_interval_holds_counts_and_agrees_with_the_verdict():
    rule = feed(build(rate >= 0.3), shuffled(60, 100))
    interval = rule.evidence_bounds()[2]
    assert rule.verdict is Verdict.SUPPORTED
    assert 0.3 <= interval.low <= 0.6 <= interval.high <= 1.0
    assert interval.low * 100 == pytest.approx(round(interval.low * 100))
    whole = build(rate.within(0.58, 0.62), alpha=1e-9)
    feed(whole, shuffled(60, 100))
    assert whole.evidence_bounds()[2].low <= 0.6 <= whole.evidence_bounds()[2].high


@pytest.mark.parametrize("side", [1, -1])
def test_a_limit_parts_the_counts(side):
    outcomes = shuffled(24, 60, seed=3)[:40]
    limit = count_limit(outcomes, side, 3.0, 60)

    def rejected(count):
        test = CensusTest(count, side, 0.05, size=60)
        for outcome in outcomes:
            test.feed(outcome, outcome)
        return test.max_log_e >= 3.0

    assert 0 < limit < 60
    assert rejected(limit - side)
    assert not rejected(limit)


def test_invalid_outcomes_hold_back_both_verdicts():
    rule = feed(build(rate >= 0.5), [(0.0, 1.0)] * 60 + [1.0] * 40)
    assert rule.verdict is None
    assert rule.n == 100
    interval = rule.evidence_bounds()[2]
    assert interval.low <= 0.4
    assert interval.high == 1.0


def test_forecasts():
    rule = build(rate >= 0.3)
    assert 1 <= rule.min_more() <= rule.expected_more() <= 100
    run = 0
    again = build(rate >= 0.3)
    while again.verdict is None:
        again.feed(1, 1)
        run += 1
    assert rule.min_more() <= run
    assert rule.predictive_probability() > 0.9  # a whole list decides
    part = feed(build(rate >= 0.5, 1000, max_units=110), [0.0, 1.0] * 50)
    assert part.predictive_probability() < 0.05
    within = feed(build(rate.within(0.2, 0.8), 200, max_units=60), [0.0, 1.0] * 3)
    assert 0.0 < within.predictive_probability() <= 1.0
    assert 1 <= within.min_more() <= within.expected_more() <= 54


def test_alternatives_lie_beyond_the_null_and_reach_the_end():
    for size in (1, 2, 5, 40, 1000):
        for count in range(size):
            up = alternatives(count, 1, size)
            assert count < up[0] <= up[-1] == size
            assert list(up) == sorted(set(up))
            down = alternatives(size - count, -1, size)
            assert [size - other for other in down] == list(up)


def test_evidence_is_bounded_to_plain_numbers():
    assert log_e_census(0, 0, 30, alternatives(30, 1, 100), 100) == 0.0
    assert log_e_census(31, 0, 30, alternatives(30, 1, 100), 100) == CERTAIN
    assert log_e_census(0, 70, 30, alternatives(30, 1, 100), 100) == -CERTAIN


def test_misuse_is_refused():
    with pytest.raises(UsageError, match="cannot be counted"):
        build(mean(0, 1) >= 0.3)
    with pytest.raises(UsageError, match="cannot be counted"):
        build(difference("a", "b") >= 0.3)
    with pytest.raises(UsageError, match="over 0 recorded outcomes"):
        build(rate >= 0.3, 0)
    with pytest.raises(VeloError, match="a recorded outcome must be 0 or 1"):
        build(rate >= 0.3).feed(0.5, 0.5)
    with pytest.raises(VeloError, match="at its horizon of 5"):
        feed(build(rate >= 0.5, 40, max_units=5), [0.0, 1.0] * 3)
