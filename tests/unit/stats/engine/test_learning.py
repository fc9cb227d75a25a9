import math

import numpy as np
import pytest

from pytest_velo.claims import difference, mean, rate
from pytest_velo.stats.engine.centred import CentredProcess, learned_centring
from pytest_velo.stats.engine.design import Design
from pytest_velo.stats.engine.learning import Learner, Learning
from pytest_velo.stats.limits.centred import centred_log_evidence
from pytest_velo.stats.planning.reach import reach_for
from pytest_velo.stats.planning.soonest import soonest_verdicts
from pytest_velo.stats.rules.choice import rule_for
from pytest_velo.verdicts import Verdict
from support.learning import paths

SHARES = {"a": 0.5, "b": 0.3, "c": 0.2}
RATES = np.array([0.9, 0.2, 0.6])
EDGE = float(RATES @ list(SHARES.values()))
KNOWN = learned_centring(SHARES.values())


def some_paths(n_runs=3, n=60, seed=0, scores=False, rates=RATES):
    rng = np.random.default_rng(seed)
    return paths(
        rng, [*SHARES.values()], lambda found: np.broadcast_to(rates, found.shape), n_runs, n, scores=scores
    )


def steps(found, run=0):
    """Yield each unit of a run as the shipped learner foresees it: its kind, outcome and centre."""
    learner = Learner()
    for place, outcome in zip(found.kinds[run], found.outcomes[run], strict=True):
        kind = "abc"[place]
        yield kind, outcome, learner.foresee(kind), learner
        learner.learn(kind, SHARES[kind], outcome)


@pytest.mark.parametrize("scores", [False, True])
def test_many_learners_at_once_are_learners_one_by_one(scores):
    found = some_paths(scores=scores)
    for run in range(3):
        centres = [centre for _, _, centre, _ in steps(found, run)]
        assert [each.own for each in centres] == pytest.approx(found.centres[run])
        assert [each.low for each in centres] == pytest.approx(found.lows[run])
        assert [each.high for each in centres] == pytest.approx(found.highs[run])


def test_centres_average_to_nothing_over_the_list_before_every_unit_and_lie_between_their_ends():
    for _, _, _, learner in steps(some_paths()):
        each = {kind: learner.foresee(kind) for kind in SHARES}
        assert sum(SHARES[kind] * centre.own for kind, centre in each.items()) == pytest.approx(0, abs=1e-12)
        for centre in each.values():
            assert centre.low - 1e-12 <= centre.own <= centre.high + 1e-12
            assert centre.high - centre.low <= 1 + 1e-12


def test_what_is_learned_comes_to_what_the_kinds_are():
    found = some_paths(1, 3_000)
    *_, (_, _, _, learner) = steps(found)
    for kind, share in zip("abc", RATES - EDGE, strict=True):
        assert learner.foresee(kind).own == pytest.approx(share, abs=0.05)


def test_kinds_that_are_alike_are_hardly_told_apart_and_equal_outcomes_not_at_all():
    *_, (_, _, centre, _) = steps(some_paths(1, 500, rates=np.full(3, 0.5)))
    assert abs(centre.own) < 0.05
    learner = Learner()
    for kind in "abcaab":
        learner.learn(kind, SHARES[kind], 1.0)
        assert learner.foresee("a") == (0.0, 0.0, 0.0)


@pytest.mark.parametrize("side", [1, -1])
@pytest.mark.parametrize("scores", [False, True])
def test_the_evidence_for_many_nulls_at_once_is_that_unit_by_unit(side, scores):
    found = some_paths(1, 80, scores=scores)
    ends = found.lows, found.highs
    for threshold in (0.1, 0.5, 0.9):
        process, seen = CentredProcess(threshold, side, KNOWN), []
        for _, outcome, (own, low, high), _ in steps(found):
            process.update(outcome, own, (low, high))
            seen.append(process.log_e)
        many = centred_log_evidence(found.outcomes, found.centres, [threshold], side, KNOWN, ends)
        assert many[0] == pytest.approx(seen)


@pytest.mark.parametrize("side", [1, -1])
@pytest.mark.parametrize("threshold", [0.01, 0.5, 0.99])
def test_no_bet_can_lose_more_than_all_gain_on_average_or_gain_more_than_is_said(side, threshold):
    process = CentredProcess(threshold, side, KNOWN)
    for kind, outcome, (own, low, high), learner in steps(some_paths()):
        centres = {name: learner.foresee(name).own for name in SHARES}
        process.update(outcome, own, (low, high))
        # the bets are those of the next unit, whose ends are not known yet: they are asked for afresh
        asked = CentredProcess(threshold, side, KNOWN)
        asked.update(0.5, 0.0, (low, high))
        lost, won = asked.room()
        for bet in asked.bets():
            factors = {name: 1 + bet * -side * centre for name, centre in centres.items()}
            assert sum(SHARES[name] * factor for name, factor in factors.items()) == pytest.approx(1.0)
            for name, centre in centres.items():
                assert asked.edge + side * centre <= lost + 1e-12, name
            assert bet * lost <= 1 + 1e-9
            assert math.log1p(bet * won) <= process.most_growth + 1e-12
        assert kind in SHARES


def fed(rule, found):
    for _, outcome, (own, low, high), _ in steps(found):
        rule.foresee(own, (low, high))
        verdict = rule.feed(outcome, outcome)
        if verdict is not None:
            return verdict
    return None


@pytest.mark.parametrize(
    "claim",
    [rate >= 0.4, rate <= 0.4, rate.within(0.3, 0.9), mean(0, 1) >= 0.4, difference("a", "b") >= -0.3],
    ids=str,
)
def test_interval_and_p_values_agree_with_the_verdict(claim):
    design = Design(alpha=0.05, beta=0.08, max_units=400, centring=KNOWN, explained=0.3)
    rule = rule_for(claim, design)
    verdict = fed(rule, some_paths(1, 400))
    p_support, p_refute, interval = rule.evidence_bounds()
    assert verdict is not None
    assert (p_support <= 0.05) == (verdict is Verdict.SUPPORTED)
    assert (p_refute <= 0.08) == (verdict is Verdict.REFUTED)
    if claim.direction == "at_least":
        assert (interval.low >= claim.threshold - 1e-9) == (verdict is Verdict.SUPPORTED)


def test_cases_that_differ_are_settled_sooner_when_they_are_learned():
    design = {"alpha": 0.05, "beta": 0.05, "max_units": 1_000}
    rates = np.array([1.0, 0.1, 0.9])
    n_units = {"learned": [], "plain": []}
    for seed in range(12):
        found = some_paths(1, 1_000, seed, rates=rates)
        learned = rule_for(rate >= 0.6, Design(**design, centring=KNOWN, explained=0.5))
        plain = rule_for(rate >= 0.6, Design(**design))
        fed(learned, found)
        for outcome in found.outcomes[0]:
            if plain.feed(outcome, outcome) is not None:
                break
        n_units["learned"].append(learned.n)
        n_units["plain"].append(plain.n)
    assert sum(n_units["learned"]) < 0.8 * sum(n_units["plain"])


def test_what_is_in_reach_is_what_equal_outcomes_need():
    design = Design(alpha=0.05, beta=0.05, max_units=200, centring=KNOWN, explained=0.3)
    rule = rule_for(rate >= 0.5, design)
    assert fed(rule, some_paths(1, 200, rates=np.ones(3))) is Verdict.SUPPORTED
    assert rule.n == reach_for(rate >= 0.5, design).n_support == soonest_verdicts(rate >= 0.5, design)[0]


def test_a_list_of_one_kind_is_judged_as_if_nothing_were_learned():
    alone = Design(alpha=0.05, beta=0.05, max_units=200, centring=learned_centring([1.0]), explained=0.5)
    assert rule_for(rate >= 0.5, alone).kind == "calibrated"


def test_little_is_expected_of_kinds_that_hardly_come_up_again():
    found = [Learning(0.001, n_kinds, 0.5).explained(200) for n_kinds in (2, 10, 50, 400)]
    assert found == sorted(found, reverse=True)
    assert 0.4 < found[0] < 0.5
    assert found[-1] < 0.05
    assert Learning(0.2, 5, 0.0).explained(200) == Learning(0.2, 5, 0.5).explained(0) == 0.0
    assert 0.95 < Learning(1.0, 1, 1.0).explained(10_000) < 1.0
