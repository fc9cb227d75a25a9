"""How many more trials a run will likely take, computed from the law of its rule."""

from __future__ import annotations

from functools import lru_cache

from pytest_velo.claims import Claim
from pytest_velo.records import OutcomeKind
from pytest_velo.runner.run import Run
from pytest_velo.stats.engine.design import Design
from pytest_velo.stats.engine.futility import usual_futility
from pytest_velo.stats.planning.operating import mean_further
from pytest_velo.stats.planning.scenarios import scenarios_of
from pytest_velo.stats.planning.truths import truths_of
from pytest_velo.stats.rules.choice import rule_for
from pytest_velo.stats.rules.rate import make_rate_rule


def likely(run: Run, left: int, expect: float | None) -> tuple[float | None, str]:
    """Return how many more trials a run will likely take, and under which assumption; None if unknown."""
    hypothesis = run.hypothesis
    if hypothesis.to_the_end:
        return None, ""
    if run.weigher.n:
        mean = _going_by(run)
        if mean is not None:
            return min(float(left), mean), "going by the trials so far"
        return float(min(left, run.weigher.expected_more() * hypothesis.frame.unit_size)), ""
    claim = hypothesis.claim
    if type(claim) is not Claim or hypothesis.make_rule is not rule_for:
        return None, ""
    mean = _mean_units(claim, hypothesis.design, hypothesis.frame.futility, expect)
    when = f"if the rate is {expect:g}" if expect is not None else "at the true value that takes longest"
    return min(float(left), mean * hypothesis.frame.unit_size), when


def _going_by(run: Run) -> float | None:
    """Return the expected further trials given the run's own; None unless all are plain 0 or 1."""
    hypothesis, claim = run.hypothesis, run.hypothesis.claim
    ones = sum(trial.kind is OutcomeKind.ONE for trial in run.trials)
    zeros = sum(trial.kind is OutcomeKind.ZERO for trial in run.trials)
    plain = hypothesis.single and hypothesis.design.census is None and hypothesis.make_rule is rule_for
    plain = plain and not hypothesis.is_centred
    if type(claim) is not Claim or not plain or ones + zeros < len(run.trials):
        return None
    rule = make_rate_rule(claim, hypothesis.design)
    for trial in run.trials:
        outcome = float(trial.kind is OutcomeKind.ONE)
        rule.feed(outcome, outcome)
    return mean_further(rule, ones)


@lru_cache(maxsize=256)
def _mean_units(claim: Claim, design: Design, futility: float, expect: float | None) -> float:
    """Return the mean units at the expected rate, else the largest mean over a plan's true values."""
    scenario = scenarios_of(claim, design, usual_futility(design.max_units, futility))[0]
    truths = truths_of(claim) if expect is None else [expect]
    return max(law.mean_n for law in scenario.law(truths))
