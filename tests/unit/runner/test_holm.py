"""Families of hypotheses: Holm's step-down over the p-values of those that ended, at the end of a session."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pytest_velo.claims import rate
from pytest_velo.records import Family, Outcome
from pytest_velo.runner.holm import settle
from pytest_velo.runner.result import result_of
from pytest_velo.verdicts import StopReason
from support.runs import sampled


def test_holms_steps_support_the_second_hypothesis() -> None:
    family = Family(name="both", size=2, alpha=0.1, beta=0.1)
    clear, close = (sampled(rate >= 0.5, [1] * n, family=family) for n in (30, 4))
    _, second = settle([result_of(clear), result_of(close)])
    assert [result_of(close).outcome.value, second.outcome.value] == ["inconclusive", "supported"]
    assert second.family.by_steps
    assert second.family.p_support == 0.5**4  # the largest p-value counts once, the smallest twice


@pytest.mark.parametrize(
    ("stop", "stands"),
    [
        (StopReason.MAX_TRIALS, True),
        (StopReason.FUTILITY, True),
        (StopReason.BUDGET, False),
        (StopReason.INTERRUPTED, False),
        (StopReason.RECORD_ENDS, False),
        (StopReason.UNLABELLED, False),
    ],
)
def test_under_ebh_one_that_others_may_have_stopped_has_no_e_value(stop: StopReason, stands: bool) -> None:
    """A budget runs out, and somebody presses Ctrl-C, when the others' evidence is what it is, too.

    So a rescoring of what either ended proves no more than the run did.
    """
    family = Family(name="all", size=4, alpha=0.1, beta=0.1, procedure="ebh")
    levels = {"alpha": family.alpha / 4, "beta": family.beta / 4}
    clear, close = (
        result_of(sampled(rate >= 0.5, [1] * n, family=family, extend=True, **levels)) for n in (30, 6)
    )
    assert close.outcome is Outcome.INCONCLUSIVE
    ended = replace(close, decision=replace(close.decision, stop=stop))
    *_, last = settle([clear, clear, clear, ended])
    assert (last.outcome is Outcome.SUPPORTED) is stands
    assert last.family.by_steps is stands
    first, *_ = settle([replace(clear, decision=replace(clear.decision, stop=StopReason.DECIDED)), ended])
    assert first.outcome is Outcome.SUPPORTED
