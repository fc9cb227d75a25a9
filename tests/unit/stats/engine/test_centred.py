import math
import random
from dataclasses import replace

import numpy as np
import pytest

from pytest_velo.claims import difference, mean, rate
from pytest_velo.errors import UsageError, VeloError
from pytest_velo.stats.engine.adaptive import MeanProcess
from pytest_velo.stats.engine.centred import CentredProcess, Centring
from pytest_velo.stats.engine.design import Design
from pytest_velo.stats.limits.centred import centred_log_evidence
from pytest_velo.stats.planning.reach import reach_for
from pytest_velo.stats.planning.soonest import soonest_verdicts
from pytest_velo.stats.rules.choice import rule_for
from pytest_velo.verdicts import Verdict

Z = [0.0, 0.1, 0.15, 0.3, 0.5, 0.8, 1.0]
CENTRES = [z - sum(Z) / len(Z) for z in Z]
KNOWN = Centring(min(CENTRES), max(CENTRES), float(np.var(Z)))


def a_path(n=80, seed=1, binary=True):
    rng = random.Random(seed)
    picks = [rng.randrange(len(Z)) for _ in range(n)]
    rates = [0.3 + 0.6 * Z[place] for place in picks]
    outcomes = [float(rng.random() < rate) for rate in rates] if binary else rates
    return outcomes, [CENTRES[place] for place in picks]


@pytest.mark.parametrize("side", [1, -1])
@pytest.mark.parametrize("binary", [True, False])
def test_the_evidence_for_many_nulls_at_once_is_that_unit_by_unit(side, binary):
    outcomes, centres = a_path(binary=binary)
    for threshold in (0.05, 0.4, 0.62):
        process, seen = CentredProcess(threshold, side, KNOWN), []
        for outcome, centre in zip(outcomes, centres, strict=True):
            process.update(outcome, centre)
            seen.append(process.log_e)
        assert centred_log_evidence(outcomes, centres, [threshold], side, KNOWN)[0] == pytest.approx(seen)


@pytest.mark.parametrize("side", [1, -1])
def test_without_a_covariate_that_varies_the_bets_are_those_of_the_engine_for_means(side):
    outcomes, _ = a_path()
    process, plain = CentredProcess(0.4, side, Centring(0.0, 0.0, 0.0)), MeanProcess(0.4, side)
    for outcome in outcomes:
        process.update(outcome, 0.0)
        plain.update(outcome)
    assert process.log_e == pytest.approx(plain.log_e, abs=1e-9)


@pytest.mark.parametrize("threshold", [0.01, 0.4, 0.99])
@pytest.mark.parametrize("side", [1, -1])
def test_no_outcome_at_any_centre_can_lose_more_than_everything_nor_gain_on_average(threshold, side):
    process = CentredProcess(threshold, side, KNOWN)
    outcomes, centres = a_path(30)
    for outcome, centre in zip(outcomes, centres, strict=True):
        process.update(outcome, centre)
        lost, won = process.room()
        edge, slope = process.edge, process.coefficient
        turned = [side * centre for centre in CENTRES]
        assert lost >= edge + max(slope * g for g in turned) - 1e-12
        assert won >= 1 - edge - min(slope * g for g in turned) - 1e-12
        for bet in process.bets():
            factors = [1 + bet * (edge - slope * g - edge) for g in turned]  # all cases at the null's edge
            assert sum(factors) / len(factors) == pytest.approx(1.0)
            assert bet * lost <= 1 + 1e-9


def test_a_bet_does_not_depend_on_the_unit_that_it_is_about():
    outcomes, centres = a_path(40)
    one, other = CentredProcess(0.4, 1, KNOWN), CentredProcess(0.4, 1, KNOWN)
    for outcome, centre in zip(outcomes, centres, strict=True):
        one.update(outcome, centre)
        other.update(outcome, centre)
    before = one.coefficient, one.bets()
    one.update(1.0, KNOWN.high)
    other.update(0.0, KNOWN.low)
    assert one.coefficient != other.coefficient  # the next bets do
    third = CentredProcess(0.4, 1, KNOWN)
    for outcome, centre in zip(outcomes, centres, strict=True):
        third.update(outcome, centre)
    assert (third.coefficient, third.bets()) == before


def test_a_covariate_that_foresees_the_outcomes_makes_evidence_grow_faster():
    gained = []
    for seed in range(20):
        outcomes, centres = a_path(200, seed)
        process, plain = CentredProcess(0.4, 1, KNOWN), MeanProcess(0.4, 1)
        for outcome, centre in zip(outcomes, centres, strict=True):
            process.update(outcome, centre)
            plain.update(outcome)
        gained.append(process.log_e - plain.log_e)
        assert process.coefficient == pytest.approx(0.6, abs=0.3)
    assert np.mean(gained) > 0.5


def test_one_unit_never_adds_more_than_is_said():
    process = CentredProcess(0.3, 1, KNOWN)
    outcomes, centres = a_path(60)
    for outcome, centre in zip(outcomes, centres, strict=True):
        before = process.log_e
        process.update(outcome, centre)
        assert process.log_e - before <= process.most_growth + 1e-12


def test_a_centre_outside_of_the_declared_range_is_refused():
    with pytest.raises(UsageError, match="outside the range"):
        CentredProcess(0.4, 1, KNOWN).update(1.0, 1.5)
    with pytest.raises(UsageError, match="includes 0"):
        Centring(0.1, 0.5, 0.1)


def fed(rule, outcomes, centres):
    verdict = None
    for outcome, centre in zip(outcomes, centres, strict=True):
        rule.foresee(centre)
        verdict = rule.feed(outcome, outcome)
        if verdict is not None:
            break
    return verdict


@pytest.mark.parametrize(
    "claim",
    [rate >= 0.4, rate <= 0.4, rate.within(0.3, 0.9), mean(0, 1) >= 0.4, difference("a", "b") >= -0.3],
    ids=str,
)
def test_interval_and_p_values_agree_with_the_verdict(claim):
    design = Design(alpha=0.05, beta=0.08, max_units=400, centring=KNOWN, explained=0.3)
    rule = rule_for(claim, design)
    outcomes, centres = a_path(400)
    verdict = fed(rule, outcomes, centres)
    p_support, p_refute, interval = rule.evidence_bounds()
    assert (p_support <= 0.05) == (verdict is Verdict.SUPPORTED)
    assert (p_refute <= 0.08) == (verdict is Verdict.REFUTED)
    if claim.threshold is not None and claim.direction == "at_least":
        ends = claim.statistic.scale.to_unit(claim.threshold)
        low = claim.statistic.scale.to_unit(interval.low)
        assert (low >= ends - 1e-9) == (verdict is Verdict.SUPPORTED)
    assert verdict is not None
    assert rule.kind == "ville"


def test_the_rule_is_chosen_by_what_is_expected_before_a_unit_is_seen():
    weak = Design(alpha=0.05, beta=0.05, max_units=200, centring=KNOWN, explained=0.05)
    strong = Design(alpha=0.05, beta=0.05, max_units=200, centring=KNOWN, explained=0.3)
    same = Design(alpha=0.05, beta=0.05, max_units=200, centring=Centring(0.0, 0.0, 0.0), explained=0.3)
    assert rule_for(rate >= 0.5, weak).kind == rule_for(rate >= 0.5, same).kind == "calibrated"
    assert rule_for(rate >= 0.5, strong).kind == "ville"
    assert rule_for(rate.within(0.4, 0.6), weak).kind == "calibrated"
    assert rule_for(rate.within(0.4, 0.6), strong).kind == "ville"
    assert hasattr(rule_for(rate.within(0.4, 0.6), replace(weak, extend=True)), "foresee")
    assert rule_for(difference("a", "b") >= 0, weak).kind == "calibrated"
    assert hasattr(rule_for(mean(0, 1) >= 0.5, weak), "foresee")  # nothing competes, so it costs nothing
    assert hasattr(rule_for(difference("a", "b") >= 0.1, weak), "foresee")


def test_a_unit_without_its_centre_is_refused():
    design = Design(alpha=0.05, beta=0.05, max_units=200, centring=KNOWN, explained=0.3)
    with pytest.raises(VeloError, match="without its centre"):
        rule_for(rate >= 0.5, design).feed(1.0, 1.0)


def test_what_is_in_reach_is_what_equal_outcomes_need():
    design = Design(alpha=0.05, beta=0.05, max_units=200, centring=KNOWN, explained=0.3)
    reach = reach_for(rate >= 0.5, design)
    rule = rule_for(rate >= 0.5, design)
    assert fed(rule, [1.0] * 200, a_path(200)[1]) is Verdict.SUPPORTED
    assert rule.n == reach.n_support == soonest_verdicts(rate >= 0.5, design)[0]


def test_an_invalid_unit_counts_as_its_bounds():
    design = Design(alpha=0.05, beta=0.05, max_units=200, centring=KNOWN, explained=0.3)
    rule, other = rule_for(rate >= 0.5, design), rule_for(rate >= 0.5, design)
    rule.foresee(0.0)
    rule.feed(0.0, 1.0)
    other.foresee(0.0)
    other.feed(0.0, 0.0)
    assert rule.log_e_support == other.log_e_support
    assert rule.log_e_refute < other.log_e_refute
    assert math.isfinite(rule.predictive_probability())
