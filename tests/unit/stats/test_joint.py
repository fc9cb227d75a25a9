import math
import random

import pytest

from pytest_velo.claims import mean, rate
from pytest_velo.errors import UsageError, VeloError
from pytest_velo.stats.engine.design import Design
from pytest_velo.stats.rules.joint import make_joint_rule
from pytest_velo.stats.rules.rate import make_rate_rule
from pytest_velo.verdicts import Verdict

SAFE = (rate("asr") <= 0.3) & (rate("over") <= 0.3)
MIXED = (rate("asr") <= 0.3) & (mean(0, 10, "help") >= 5) & (mean(0, 1, "tone") >= 0.4)


def build(claim=SAFE, **changes):
    return make_joint_rule(claim, Design(**{"alpha": 0.05, "beta": 0.05, "max_units": 300, **changes}))


def sample(rng, *laws):
    """One unit: a 0/1 outcome for a number, a beta score for a pair."""
    return [
        (x, x)
        for x in (
            rng.betavariate(*law) if isinstance(law, tuple) else float(rng.random() < law) for law in laws
        )
    ]


def run(rule, *laws, seed=0):
    rng = random.Random(seed)
    while rule.verdict is None and rule.n < rule.max_units:
        rule.feed(sample(rng, *laws))
    return rule


@pytest.mark.parametrize(
    ("claim", "laws", "verdict", "certified"),
    [
        (SAFE, (0.1, 0.1), Verdict.SUPPORTED, 'rate("asr") < 0.3 and rate("over") < 0.3'),
        (SAFE, (0.1, 0.6), Verdict.REFUTED, 'rate("over") > 0.3'),
        (
            MIXED,
            (0.1, (7, 3), (7, 3)),
            Verdict.SUPPORTED,
            'rate("asr") < 0.3 and mean(0, 10, "help") > 5 and mean(0, 1, "tone") > 0.4',
        ),
        (MIXED, (0.7, (7, 3), (7, 3)), Verdict.REFUTED, 'rate("asr") > 0.3'),
        (MIXED, (0.1, (2, 8), (7, 3)), Verdict.REFUTED, 'mean(0, 10, "help") < 5'),
        (
            (rate("a").within(0.2, 0.8)) & (rate("b") >= 0.2),
            (0.5, 0.5),
            Verdict.SUPPORTED,
            '0.2 < rate("a") < 0.8 and rate("b") > 0.2',
        ),
    ],
    ids=str,
)
def test_joint_claims_decide_and_certify(claim, laws, verdict, certified):
    rule = run(build(claim), *laws, seed=1)
    assert rule.verdict is verdict
    assert rule.certified(verdict) == certified


@pytest.mark.parametrize("seed", range(4))
def test_a_part_within_two_ends_is_supported_where_it_is_alone(seed):
    rng = random.Random(seed)
    joint = build((rate("a").within(0.2, 0.8)) & (rate("b") >= 0.2))
    alone = make_rate_rule(rate.within(0.2, 0.8), Design(alpha=0.05, beta=0.05, max_units=300))
    assert joint.kind == "mixed"  # what refutes it is the average of the evidence beyond either end
    while alone.verdict is None:
        one = float(rng.random() < 0.45)
        joint.feed([(one, one), (1.0, 1.0)])
        alone.feed(one, one)
        assert joint.parts[0].supported == (alone.verdict is Verdict.SUPPORTED)
    assert joint.verdict is alone.verdict is Verdict.SUPPORTED
    assert joint.parts[0].p_support() == pytest.approx(alone.evidence_bounds()[0])
    assert joint.parts[0].interval() == alone.evidence_bounds()[2]


def test_each_part_has_its_own_verdict_and_the_tests_go_on():
    rule = build()
    for place in range(100):
        rule.feed([(0, 0), (float(place % 10 < 3), float(place % 10 < 3))])
    assert [part.verdict for part in rule.parts] == [Verdict.SUPPORTED, Verdict.INCONCLUSIVE]
    assert rule.verdict is None
    assert rule.parts[0].refute.n == rule.parts[1].refute.n == 100
    assert rule.parts[0].interval().level == pytest.approx(1 - 0.05 - 0.025)


def test_supported_parts_stay_supported():
    rule = build(min_units=100)
    for _ in range(30):
        rule.feed([(0, 0), (0, 0)])
    assert all(part.supported for part in rule.parts)
    for _ in range(70):
        rule.feed([(0, 0), (1, 1)])
    assert rule.parts[1].supported
    assert rule.parts[1].refute.crossed
    assert rule.verdict is Verdict.REFUTED  # across the first look the stronger evidence wins


def test_a_calibrated_part_refutes_at_its_share_of_beta():
    rule = build((rate("a") >= 0.5) & (rate("b") >= 0.5) & (rate("c") >= 0.5))
    assert rule.kind == "calibrated"
    while rule.feed([(1, 1), (0, 0), (1, 1)]) is None:
        pass
    assert rule.verdict is Verdict.REFUTED
    assert rule.parts[1].refute.p_value() <= 0.05 / 3
    assert rule.evidence_bounds()[1] == pytest.approx(3 * rule.parts[1].refute.p_value())


def test_parts_without_a_calibrated_threshold_pool_their_evidence():
    claim = (mean(0, 1, "a") >= 0.5) & (mean(0, 1, "b") >= 0.5)
    rule = run(build(claim), (4, 6), (4, 6), seed=3)
    assert rule.kind == "ville"
    assert rule.verdict is Verdict.REFUTED
    assert rule.log_e_refute >= math.log(20)
    assert [part.verdict for part in rule.parts].count(Verdict.REFUTED) < 2  # alone each needs 40
    assert rule.evidence_bounds()[1] <= 0.05


def test_the_pool_names_what_is_refuted_only_together():
    claim = (mean(0, 1, "a") >= 0.5) & (mean(0, 1, "b") >= 0.5)
    rule = build(claim)
    while rule.feed([(0.3, 0.3), (0.3, 0.3)]) is None:
        pass
    assert [part.verdict for part in rule.parts] == [Verdict.INCONCLUSIVE] * 2
    assert rule.certified(Verdict.REFUTED) == f"not all of {claim}"


def test_the_p_value_rejects_iff_the_rule_does():
    for seed in range(10):
        rule = run(build(MIXED, max_units=80), 0.4, (5, 5), (5, 5), seed=seed)
        p_support, p_refute, interval = rule.evidence_bounds()
        assert (p_support <= 0.05) == (rule.verdict is Verdict.SUPPORTED)
        assert (p_refute <= 0.05) == (rule.verdict is Verdict.REFUTED)
        assert interval is None


def test_an_outcome_that_does_not_count_is_left_out_of_its_part():
    rule = build()
    rule.feed([None, (1, 1)])
    assert rule.parts[0].refute.log_e == 0.0 < rule.parts[1].refute.log_e
    assert rule.n == 1


def test_forecasts():
    rule = build(MIXED)
    assert 1 <= rule.min_more() <= rule.expected_more() <= 300
    assert rule.predictive_probability() > 0.5
    run(rule, 0.05, (8, 2), (8, 2))
    assert (rule.min_more(), rule.expected_more(), rule.predictive_probability()) == (0, 0, 1.0)
    hopeless = build(max_units=210, min_units=1)
    for place in range(200):
        hopeless.feed([(float(place % 10 < 3), float(place % 10 < 3))] * 2)
    assert hopeless.verdict is None
    assert hopeless.predictive_probability() < 0.1
    assert hopeless.certified(Verdict.INCONCLUSIVE) == f"undecided: {SAFE}"


def test_misuse_is_refused():
    with pytest.raises(UsageError, match="alpha must be between"):
        build(alpha=1.5)
    rule = run(build(), 0.02, 0.02)
    with pytest.raises(VeloError, match="is supported"):
        rule.feed([(0, 0), (0, 0)])
    with pytest.raises(VeloError, match="0 <= low <= high <= 1"):
        build().feed([(0, 0), (0, 2)])
    with pytest.raises(ValueError, match="shorter"):
        build().feed([(0, 0)])
