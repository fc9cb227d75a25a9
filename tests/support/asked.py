"""Trials with their calls, as checks see them, in one line each."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pytest_velo.case_sets import Case
from pytest_velo.records import Address, Call, OutcomeKind, Reply, Request, TrialRecord
from pytest_velo.scorers.grading import SYSTEM


def call(prompt: str, text: str = "", *, speaker: str = "", slot: str = "c:0:0", **reply: Any) -> Call:
    """Return a call that sent a prompt and got a reply; what a judge is sent begins as ours does."""
    asked = {"role": "user", "content": prompt}
    told = [{"role": "system", "content": SYSTEM}] if speaker == "judge" else []
    model = f"lab/{speaker or 'model'}"
    request = Request(api="a", endpoint="lab", model=model, messages=(*told, asked))
    return Call(
        model=model,
        request=request,
        reply=Reply(text=text, **reply),
        address=Address(key=f"{model}:{prompt}", seed=0, stream="", slot=slot),
        drawn_at="",
        speaker=speaker,
    )


def trial(*calls: Call, index: int = 0, kind: OutcomeKind = OutcomeKind.ONE, **fields: Any) -> TrialRecord:
    """Return a trial; what is no field of its record is one of its case."""
    own = {name: fields.pop(name) for name in ("arm", "repeat", "values", "target") if name in fields}
    case_id = str(fields.pop("case_id", index))
    return TrialRecord(
        index=index,
        case_id=case_id,
        seed=0,
        kind=kind,
        calls=calls,
        case=Case(fields) if fields else None,
        **{"repeat": 0, "values": {"": float(kind is OutcomeKind.ONE)}, **own},
    )


def trials(calls: Iterable[Call | tuple[Call, ...]], **fields: Any) -> list[TrialRecord]:
    """Return a trial for each call, or for each tuple of calls."""
    return [
        trial(*(each if isinstance(each, tuple) else (each,)), index=index, **fields)
        for index, each in enumerate(calls)
    ]
