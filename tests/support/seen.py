"""What checks look at, made by hand: a claim with its frame, cases, and trials with their calls."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from pytest_velo.case_sets import load
from pytest_velo.checks.check import Check, Seen
from pytest_velo.claims import AnyClaim, rate
from pytest_velo.designing.frame import make_frame
from pytest_velo.designing.spec import checked, make_spec
from pytest_velo.found import Found
from pytest_velo.records import (
    Address,
    Call,
    FinishReason,
    HypothesisResult,
    Outcome,
    OutcomeKind,
    Reply,
    Request,
    TrialRecord,
    Usage,
)
from pytest_velo.settings import Settings
from pytest_velo.verdicts import Decision


def seen(
    cases: Any = None,
    *,
    claim: AnyClaim = rate >= 0.5,
    body: Callable[..., Any] | None = None,
    trials: Iterable[TrialRecord] | None = None,
    decision: Decision | None = None,
    **keywords: Any,
) -> Seen:
    """Return what a check sees; before anything is sampled without `trials`."""
    spec = make_spec(claim, checked(keywords, "the mark"))
    case_set = None if cases is None else load(cases, base=Path())
    result = None
    if trials is not None:
        result = HypothesisResult(
            node_id="test_it.py::test_it",
            belief="",
            claim=str(claim),
            scope="",
            outcome=Outcome.SUPPORTED,
            decision=decision,
            trials=tuple(trials),
        )
    return Seen(
        claim=claim,
        frame=make_frame(spec, case_set, Settings()),
        cases=case_set,
        body=body,
        keywords=spec.options,
        result=result,
    )


def trial(
    index: int = 0,
    prompt: str = "Yes or no?",
    reply: str = "yes",
    *,
    kind: OutcomeKind = OutcomeKind.ONE,
    case_id: str = "",
    arm: str = "",
    finish: FinishReason = FinishReason.STOP,
    tokens: int | None = None,
    may_be_cut: bool = False,
    **parameters: Any,
) -> TrialRecord:
    """Return a trial with one call."""
    call = Call(
        model="lab/tiny",
        request=Request(
            api="openai-chat",
            endpoint="lab",
            model="tiny",
            messages=({"role": "user", "content": prompt},),
            parameters=parameters,
        ),
        reply=Reply(text=reply, finish_reason=finish, usage=Usage(output_tokens=tokens)),
        address=Address(key=f"{prompt}{sorted(parameters.items())}", seed=0, stream="", slot=str(index)),
        drawn_at="",
        may_be_cut=may_be_cut,
    )
    values = {} if kind is OutcomeKind.INVALID else {"": float(kind is OutcomeKind.ONE)}
    return TrialRecord(
        index=index, case_id=case_id, repeat=0, seed=0, kind=kind, values=values, arm=arm, calls=(call,)
    )


def found(check: Check, what: Seen) -> Sequence[Found]:
    """Return what a check finds."""
    return [check.found(remark) for remark in check.look(what)]
