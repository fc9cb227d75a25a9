import math
import random

import pytest

from pytest_velo.claims import rate
from pytest_velo.errors import UsageError, VeloError
from pytest_velo.stats.engine.design import MAX_CALIBRATED_UNITS, Design
from pytest_velo.stats.limits.rate import rate_limits
from pytest_velo.stats.one_sided.rate import OneSided
from pytest_velo.stats.rules.rate import make_rate_rule
from pytest_velo.verdicts import Verdict
from support.cost import steps
from support.rules import feed


def build(claim, **changes):
    return make_rate_rule(claim, Design(**{"alpha": 0.05, "beta": 0.05, "max_units": 200, **changes}))


def bernoulli(p, n, seed=0):
    rng = random.Random(seed)
    return [float(rng.random() < p) for _ in range(n)]


@pytest.mark.parametrize(
    ("claim", "outcome", "verdict", "certified"),
    [
        (rate >= 0.3, 1, Verdict.SUPPORTED, "rate > 0.25"),
        (rate >= 0.3, 0, Verdict.REFUTED, "rate < 0.3"),
        (rate("asr") <= 0.3, 0, Verdict.SUPPORTED, 'rate("asr") < 0.35'),
        (rate("asr") <= 0.3, 1, Verdict.REFUTED, 'rate("asr") > 0.3'),
        (rate.within(0.4, 0.6), 1, Verdict.REFUTED, "rate < 0.4 or rate > 0.6"),
        (rate.within(0.4, 0.6), 0, Verdict.REFUTED, "rate < 0.4 or rate > 0.6"),
    ],
)
def test_uniform_outcomes_decide_and_certify(claim, outcome, verdict, certified):
    rule = feed(build(claim, margin=0.05), [outcome] * 200)
    assert rule.verdict is verdict
    assert rule.certified(verdict) == certified


def test_certified_without_margin_and_undecided():
    assert build(rate >= 0.3).certified(Verdict.SUPPORTED) == "rate > 0.3"
    assert build(rate >= 0.3).certified(Verdict.INCONCLUSIVE) == "undecided: rate >= 0.3"
    within = build(rate.within(0.4, 0.6), margin=0.1)
    assert within.certified(Verdict.SUPPORTED) == "0.3 < rate < 0.7"
    assert within.certified(Verdict.INCONCLUSIVE) == "undecided: rate.within(0.4, 0.6)"


def test_within_is_supported_between_its_ends_with_each_end_latched():
    rule = build(rate.within(0.4, 0.8), max_units=60)
    feed(rule, [1] * 3)
    assert rule.evidence_bounds()[2].low < 0.4
    feed(rule, [1] * 3)  # everything below 0.4 is ruled out here, and stays so
    assert rule.evidence_bounds()[2].low >= 0.4
    feed(rule, [0] * 20)
    assert rule.log_e_support < math.log(1 / 0.05)
    assert rule.verdict is Verdict.SUPPORTED


def test_calibration_is_for_single_trials_at_a_fixed_horizon():
    for claim in (rate >= 0.3, rate.within(0.2, 0.8)):
        assert build(claim).kind == "calibrated"
        for changes in ({"single": False}, {"extend": True}, {"max_units": MAX_CALIBRATED_UNITS + 1}):
            assert build(claim, **changes).kind == "ville"


def test_each_end_of_within_is_rejected_where_the_claim_of_that_end_alone_is_supported():
    """Latched, and each at its whole alpha; only what refutes is another test."""
    for seed in range(12):
        outcomes = bernoulli(0.5, 200, seed)
        ends = [feed(build(claim, beta=1e-9), outcomes) for claim in (rate >= 0.3, rate <= 0.75)]
        within = feed(build(rate.within(0.3, 0.75), beta=1e-9), outcomes)
        assert [end.verdict for end in ends] == [Verdict.SUPPORTED] * 2
        assert within.verdict is Verdict.SUPPORTED
        assert within.n == max(end.n for end in ends)
        patient = feed(build(rate.within(0.3, 0.75), beta=1e-9, extend=True), outcomes)
        assert within.n <= patient.n


@pytest.mark.parametrize("changes", [{}, {"margin": 0.05}, {"min_units": 30}, {"min_units": 200}], ids=str)
def test_interval_and_p_values_of_within_agree_with_the_verdict(changes):
    """All the way, on paths that end in each way, with invalid units among them."""
    found = set()
    for seed, truth in enumerate((0.15, 0.32, 0.45, 0.5, 0.62, 0.8)):
        rng = random.Random(seed)
        rule = build(rate.within(0.3, 0.6), beta=0.08, **changes)
        while rule.verdict is None and rule.n < 200:
            rule.feed(*((0, 1) if rng.random() < 0.03 else [rng.random() < truth] * 2))
            if rule.n % 9 and rule.verdict is None and rule.n < 200:
                continue
            p_support, p_refute, interval = rule.evidence_bounds()
            low, high = (0.25, 0.65) if "margin" in changes else (0.3, 0.6)
            inside = low <= interval.low and interval.high <= high
            assert (p_support <= 0.05) == inside
            assert (p_support <= 0.05) >= (rule.verdict is Verdict.SUPPORTED)
            assert (p_refute <= 0.08) >= (rule.verdict is Verdict.REFUTED)
            assert (rule.verdict is None) == (max(0.05 / p_support, 0.08 / p_refute) < 1.0)
        found.add(rule.verdict)
    assert found == {Verdict.SUPPORTED, Verdict.REFUTED, None}


def test_the_boundary_of_within_is_that_of_its_weaker_end():
    rule = build(rate.within(0.1, 0.6))
    first, second = (test.log_threshold for test in rule._support)
    assert first != second
    feed(rule, [0] * 3)
    assert rule.boundaries()[0] == first
    feed(rule, [1] * 3)
    assert rule.boundaries()[0] == second


def test_calibrated_rule_is_sooner_than_ville():
    pairs = []
    for seed in range(20):
        outcomes = bernoulli(0.45, 400, seed)
        pairs.append([feed(build(rate >= 0.3, max_units=400, extend=e), outcomes).n for e in (False, True)])
    assert all(sooner <= later for sooner, later in pairs)
    assert sum(sooner for sooner, _ in pairs) < 0.95 * sum(later for _, later in pairs)


def test_invalid_units_count_against_whatever_verdict():
    bounded = feed(build(rate >= 0.3), [(0, 1)] * 200)
    assert bounded.verdict is None
    assert bounded.n == 200
    assert bounded.log_e_support < 0
    assert bounded.log_e_refute < 0
    p_support, p_refute, interval = bounded.evidence_bounds()
    assert p_support == p_refute == 1.0
    assert interval.low <= 0.01
    assert interval.high >= 0.99


def test_no_verdict_before_min_units():
    for extend in (False, True):
        rule = build(rate >= 0.3, min_units=30, extend=extend)
        verdicts = [rule.feed(1, 1) for _ in range(30)]
        assert verdicts == [None] * 29 + [Verdict.SUPPORTED]
        assert build(rate >= 0.3, min_units=30, extend=extend).min_more() == 30


@pytest.mark.parametrize(("ones", "verdict"), [(22, Verdict.REFUTED), (26, Verdict.SUPPORTED)])
def test_across_a_margin_the_stronger_evidence_wins_the_first_look(ones, verdict):
    rule = build(rate >= 0.6, margin=0.4, max_units=60, min_units=60)
    feed(rule, [1] * ones + [0] * (60 - ones))
    p_support, p_refute, _ = rule.evidence_bounds()
    assert max(p_support, p_refute) <= 0.05  # both would do
    assert rule.verdict is verdict


def test_feeding_on_is_refused():
    decided = feed(build(rate >= 0.3), [1] * 20)
    with pytest.raises(VeloError, match="is supported") as caught:
        decided.feed(0, 0)
    assert f"`{decided.claim}`" in caught.value.what
    assert "add no more" in caught.value.fix
    spent = feed(build(rate >= 0.3, max_units=2), [0, 1])
    with pytest.raises(VeloError, match="at its horizon of 2 units"):
        spent.feed(0, 0)


@pytest.mark.parametrize(
    "bounds", [(0.5, 0.5), (0, 0.5), (1, 0), (-1, 1), (0, 2), (math.nan, 1), (0, math.nan)]
)
def test_what_is_no_outcome_is_refused(bounds):
    rule = build(rate >= 0.3)
    with pytest.raises(VeloError, match="outcome"):
        rule.feed(*bounds)
    assert rule.n == 0


@pytest.mark.parametrize(
    ("claim", "changes", "message"),
    [
        (rate >= 0.3, {"alpha": 0.0}, "alpha must be between 0 and 1"),
        (rate >= 0.3, {"beta": 1.0}, "beta must be between 0 and 1"),
        (rate >= 0.3, {"min_units": 0}, "1 <= min_trials <= max_trials"),
        (rate >= 0.3, {"min_units": 201}, "1 <= min_trials <= max_trials"),
        (rate >= 0.3, {"margin": -0.1}, "`margin` must be >= 0"),
        (rate >= 0.3, {"margin": math.nan}, "`margin` must be >= 0"),
        (rate >= 0.3, {"margin": 0.3}, "margin below 0.3"),
        (rate <= 0.75, {"margin": 0.5}, "margin below 0.25"),
        (rate.within(0.1, 0.5), {"margin": 0.2}, "margin below 0.1"),
    ],
)
def test_hazard_07_margins_and_levels_out_of_range_have_their_own_messages(claim, changes, message):
    with pytest.raises(UsageError, match=message):
        build(claim, **changes)


def test_evidence_before_any_unit():
    assert build(rate >= 0.3).evidence_bounds() == (1.0, 1.0, None)


@pytest.mark.parametrize("single", [True, False])
def test_evidence_before_the_first_look_says_nothing(single):
    rule = feed(build(rate >= 0.3, min_units=20, single=single), [1] * 10)
    p_support, p_refute, interval = rule.evidence_bounds()
    assert (p_support, p_refute) == (1.0, 1.0)
    assert (interval.low, interval.high) == (0.0, 1.0)


def test_interval_levels_follow_the_tests_that_move_the_ends():
    one_sided = feed(build(rate <= 0.3, alpha=0.01, beta=0.1), bernoulli(0.3, 40))
    within = feed(build(rate.within(0.1, 0.5), alpha=0.01, beta=0.1), bernoulli(0.3, 40))
    assert one_sided.evidence_bounds()[2].level == pytest.approx(0.89)
    assert within.evidence_bounds()[2].level == pytest.approx(0.98)


@pytest.mark.parametrize(
    ("claim", "path", "verdict"),
    [
        (rate >= 0.3, [1] * 3 + [0] * 18 + [1] * 50, Verdict.SUPPORTED),
        (rate >= 0.5, [1] * 6 + [0] * 50, Verdict.REFUTED),
    ],
)
def test_rate_limits_a_path_that_contradicts_itself_fall_on_the_side_of_the_verdict(claim, path, verdict):
    rule = feed(build(claim, beta=0.3), path)
    edge = claim.threshold
    tests = [
        OneSided(edge, side, level, max_n=200, min_n=1, calibrated=True)
        for side, level in ((1, 0.05), (-1, 0.3))
    ]
    for test in tests:
        for outcome in path[: rule.n]:
            test.feed(outcome, outcome)
    low, high = rate_limits(tests)
    assert low > high
    assert rule.verdict is verdict
    interval = rule.evidence_bounds()[2]
    assert interval.low == interval.high == (low if verdict is Verdict.SUPPORTED else high)


def test_interval_closes_in_on_the_truth():
    widths = []
    for n in (50, 200, 1000):
        rule = feed(build(rate >= 0.4, max_units=n, margin=0.2, min_units=n), bernoulli(0.4, n))
        interval = rule.evidence_bounds()[2]
        assert interval.low < 0.4 < interval.high
        widths.append(interval.high - interval.low)
    assert widths == sorted(widths, reverse=True)
    assert widths[-1] < 0.08


def test_forecasts_of_a_decided_or_spent_rule():
    decided = feed(build(rate >= 0.3), [1] * 20)
    assert (decided.min_more(), decided.expected_more(), decided.predictive_probability()) == (0, 0, 1.0)
    spent = feed(build(rate >= 0.3, max_units=3), [1, 0, 0])
    assert (spent.min_more(), spent.expected_more(), spent.predictive_probability()) == (0, 0, 0.0)


def test_expected_more_tells_a_clear_case_from_a_close_one():
    clear = feed(build(rate >= 0.3, min_units=21), bernoulli(0.9, 20))
    close = feed(build(rate >= 0.3, max_units=1000), bernoulli(0.3, 100, seed=2))
    assert clear.expected_more() == 1
    assert close.expected_more() > 50
    assert close.min_more() < 30


def test_futility_shows_in_the_predictive_probability():
    hopeless = feed(build(rate >= 0.3), [1, 0, 0] * 63)
    hopeful = feed(build(rate >= 0.3), [1, 0, 1, 0])
    assert hopeless.verdict is None
    assert hopeless.predictive_probability() < 0.05 < 0.5 < hopeful.predictive_probability()


def test_feeding_is_cheap():
    outcomes = bernoulli(0.3, 2000)
    rule = build(rate.within(0.29, 0.31), max_units=2000, min_units=2000)
    assert steps(lambda: feed(rule, outcomes)) / rule.n < 7_000  # about 13 microseconds are 400


@pytest.mark.parametrize("extend", [True, False])
def test_a_first_look_after_thousands_of_units_against_a_null_still_has_a_p_value(extend):
    rule = feed(build(rate >= 0.9, max_units=3000, min_units=2500, extend=extend), [0] * 3000)
    p_support, p_refute, interval = rule.evidence_bounds()
    assert (rule.n, rule.verdict) == (2500, Verdict.REFUTED)
    assert p_support == pytest.approx(1.0)  # the evidence for the claim is below e^-800
    assert p_refute < 1e-300
    assert interval.high < 0.01
    between = feed(build(rate.within(0.01, 0.99), max_units=12_001, min_units=12_000), [0, 1] * 6000)
    assert between.evidence_bounds()[1] == 1.0


def test_no_p_value_is_below_its_level_without_a_verdict():
    """A first look near the horizon: evidence below 1 is improbable enough, and no threshold is that low."""
    rule = feed(
        build(rate >= 0.56, alpha=0.01, beta=0.2, max_units=40, min_units=36), [1.0] * 19 + [0.0] * 21
    )
    p_support, p_refute, interval = rule.evidence_bounds()
    assert rule.verdict is None
    assert rule.log_e_refute < 0
    assert p_support > 0.01
    assert p_refute > 0.2
    assert interval.low < 0.56 <= interval.high
