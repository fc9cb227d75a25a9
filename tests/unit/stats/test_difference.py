import random

import pytest

from pytest_velo.claims import difference, mean
from pytest_velo.errors import UsageError, VeloError
from pytest_velo.stats.engine.design import MAX_CALIBRATED_UNITS, Design
from pytest_velo.stats.exact.thresholds import anytime_p, calibrated_log_threshold
from pytest_velo.stats.one_sided.discordant import DiscordantTest
from pytest_velo.stats.one_sided.mean import MeanTest
from pytest_velo.stats.one_sided.rate import OneSided
from pytest_velo.stats.rules.difference import make_difference_rule
from pytest_velo.stats.rules.rate import make_rate_rule
from pytest_velo.verdicts import Verdict
from support.cost import steps
from support.rules import feed

BETTER = difference("new", "old") >= 0


def build(claim=BETTER, **changes):
    return make_difference_rule(claim, Design(**{"alpha": 0.05, "beta": 0.05, "max_units": 200, **changes}))


def pairs(p_up, p_down, n, seed=0):
    rng = random.Random(seed)
    return [float(rng.choices((1, 0, 0.5), (p_up, p_down, 1 - p_up - p_down))[0]) for _ in range(n)]


@pytest.mark.parametrize(
    ("claim", "p_up", "p_down", "verdict", "certified"),
    [
        (BETTER, 0.4, 0.1, Verdict.SUPPORTED, 'difference("new", "old") > 0'),
        (BETTER, 0.1, 0.4, Verdict.REFUTED, 'difference("new", "old") < 0'),
        (difference("new", "old") <= 0, 0.1, 0.4, Verdict.SUPPORTED, 'difference("new", "old") < 0'),
        (difference("new", "old") >= 0.1, 0.6, 0.1, Verdict.SUPPORTED, 'difference("new", "old") > 0.1'),
        (difference("new", "old") >= -0.1, 0.1, 0.5, Verdict.REFUTED, 'difference("new", "old") < -0.1'),
        (
            difference("new", "old").within(0.3),
            0.05,
            0.05,
            Verdict.SUPPORTED,
            '-0.3 < difference("new", "old") < 0.3',
        ),
        (
            difference("new", "old").within(0.1),
            0.6,
            0.1,
            Verdict.REFUTED,
            'difference("new", "old") < -0.1 or difference("new", "old") > 0.1',
        ),
    ],
    ids=str,
)
def test_pairs_decide_and_certify(claim, p_up, p_down, verdict, certified):
    rule = feed(build(claim), pairs(p_up, p_down, 200, seed=1))
    assert rule.verdict is verdict
    assert rule.certified(verdict) == certified


def test_no_difference_is_decided_by_the_discordant_pairs_as_a_rate_would_be():
    outcomes = pairs(0.3, 0.12, 200, seed=4)
    rule = feed(build(), outcomes)
    tosses = [x for x in outcomes[: rule.n] if x != 0.5]
    coin = feed(make_rate_rule(mean(0, 1) >= 0.5, Design(alpha=0.05, beta=0.05, max_units=200)), tosses)
    assert rule.verdict is coin.verdict is Verdict.SUPPORTED
    assert coin.n == len(tosses)
    assert rule.evidence_bounds()[:2] == coin.evidence_bounds()[:2]
    assert rule.kind == coin.kind == "calibrated"


def test_only_single_pairs_at_a_fixed_horizon_are_tossed():
    for changes in ({"single": False}, {"extend": True}, {"max_units": MAX_CALIBRATED_UNITS + 1}):
        assert build(**changes).kind == "ville"
    assert build(difference("a", "b") >= 0.1).kind == "ville"


def test_with_a_margin_only_the_test_against_the_claim_is_tossed():
    rule, mean_, toss = build(margin=0.1), MeanTest(0.45, 1, 0.05), DiscordantTest(-1, 0.05, max_n=200)
    for test in (rule, mean_, toss):
        for outcome in pairs(0.2, 0.2, 20):
            test.feed(outcome, outcome)
    assert (rule.log_e_support, rule.log_e_refute) == (mean_.log_e, toss.log_e)


def test_the_threshold_is_that_of_a_coin():
    test = DiscordantTest(1, 0.05, max_n=120)
    most = 0.0
    for outcome in pairs(0.3, 0.1, 30):
        test.feed(outcome, outcome)
        most = max(most, test.log_e)
    expected = calibrated_log_threshold(0.5, 1, 0.05, 120)
    assert test.log_e - test.excess == pytest.approx(expected, abs=1e-12)
    assert test.p_value() == pytest.approx(anytime_p(most, 0.5, 1, 120))


def tossed(side, outcomes):
    """Return the evidence of a coin that came out so."""
    coin = OneSided(0.5, side, 0.05, max_n=50, min_n=1, calibrated=True)
    for outcome in outcomes:
        coin.feed(outcome, outcome)
    return coin.log_e


def test_a_pair_with_an_invalid_arm_holds_back_whichever_test_it_could_help():
    up, down = DiscordantTest(1, 0.05, max_n=50), DiscordantTest(-1, 0.05, max_n=50)
    for test in (up, down):
        test.feed(0.5, 1.0)  # arm b is 0 and a is unknown: d is 0 or +1
    assert (up.log_e, down.log_e) == (tossed(1, []), tossed(-1, [1.0]))
    for test in (up, down):
        test.feed(0.0, 1.0)  # neither arm is known
    assert (up.log_e, down.log_e) == (tossed(1, [0.0]), tossed(-1, [1.0, 1.0]))
    assert list(up.outcomes) == [0.5, 0.0]


def test_what_no_pair_of_single_outcomes_gives_is_refused():
    with pytest.raises(VeloError, match=r"must give 0, 1/2 or 1, got 0\.25"):
        build().feed(0.25, 0.25)
    assert build(single=False).feed(0.25, 0.25) is None


@pytest.mark.parametrize("side", [1, -1])
@pytest.mark.parametrize(("p_up", "p_down"), [(0.2, 0.2), (0.35, 0.1), (0.1, 0.35), (0.02, 0.01)])
def test_the_limit_is_beyond_no_difference_iff_the_test_rejects(side, p_up, p_down):
    for seed in range(6):
        test = DiscordantTest(side, 0.05, max_n=150)
        for outcome in pairs(p_up, p_down, 150, seed=seed):
            test.feed(outcome, outcome)
            if test.crossed:
                break
        limit = test.limit()
        assert 0.0 <= limit <= 1.0
        assert (side * (limit - 0.5) >= 0.0) == test.crossed
        assert (test.p_value() <= 0.05) == test.crossed


def test_the_interval_is_a_difference_and_closes_in():
    widths = []
    for n in (60, 240, 960):
        rule = feed(build(difference("a", "b") >= 0.09, max_units=n, min_units=n), pairs(0.2, 0.1, n, seed=2))
        interval = rule.evidence_bounds()[2]
        assert -1.0 <= interval.low < 0.1 < interval.high <= 1.0
        widths.append(interval.high - interval.low)
    assert widths == sorted(widths, reverse=True)
    assert widths[-1] < 0.12


def test_an_undecided_interval_of_no_difference_is_close_to_that_of_the_plain_engine():
    outcomes = pairs(0.15, 0.14, 300, seed=1)
    tossed, plain = (
        feed(build(max_units=300, single=single), outcomes).evidence_bounds()[2] for single in (True, False)
    )
    assert tossed.low < 0 < tossed.high
    assert tossed.high - tossed.low < 1.25 * (plain.high - plain.low)


def test_forecasts_count_pairs():
    sparse = feed(build(max_units=1000), pairs(0.06, 0.03, 100, seed=3))
    dense = feed(build(max_units=1000), pairs(0.6, 0.3, 20, seed=3))
    assert sparse.expected_more() > dense.expected_more() >= dense.min_more() >= 1
    hopeless = feed(build(max_units=210), [1.0, 0.0] * 100)
    assert hopeless.predictive_probability() < 0.05
    assert build().predictive_probability() > 0.5
    decided = feed(build(), [1.0] * 30)
    assert (decided.min_more(), decided.expected_more(), decided.predictive_probability()) == (0, 0, 1.0)


def test_the_design_is_checked():
    with pytest.raises(UsageError, match="beta must be between"):
        build(beta=2.0)
    with pytest.raises(UsageError, match="margin below"):
        build(margin=1.0)


def test_feeding_is_cheap():
    outcomes = pairs(0.2, 0.2, 1_000)
    for outcome in (0.0, 1.0):  # the exact thresholds are there when rules of this design have decided
        assert feed(build(max_units=1_000), [outcome] * 60).verdict
    rule = build(max_units=1_000, min_units=1_000)
    assert steps(lambda: feed(rule, outcomes)) / rule.n < 7_000
