"""Arms that differ in more than one thing: then it is unclear what made the difference."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from pytest_velo.checks.check import Check, Remark, Seen
from pytest_velo.checks.pages import address_of
from pytest_velo.claims import Change
from pytest_velo.records import Request, TrialRecord


def confounded_arms(arms: Sequence[str], turns: Iterable[Sequence[TrialRecord]]) -> tuple[str, ...]:
    """Return a notice if the first calls of two arms differ in more than one visible thing.

    Looks at the first turn (the trials of one case, one per arm) in which both arms made a call.
    """
    for turn in turns:
        calls = {trial.arm: trial.calls for trial in turn if trial.arm in arms}
        if len(calls) == 2 and all(calls.values()):
            first, second = (calls[arm][0].request for arm in arms)
            differing = differences(first, second)
            if len(calls[arms[0]]) != len(calls[arms[1]]):
                differing.append("number of calls")
            if len(differing) < 2:
                return ()
            return (
                f"the arms {arms[0]!r} and {arms[1]!r} differ in {len(differing)} things"
                f" ({', '.join(differing)}): any of them may cause the difference",
            )
    return ()


def differences(first: Request, second: Request) -> list[str]:
    """Return what two requests differ in: model, system prompt, prompt, and each parameter."""
    named: dict[str, tuple[Any, Any]] = {
        "model": ((first.endpoint, first.model), (second.endpoint, second.model)),
        "system prompt": (_said(first, {"system"}), _said(second, {"system"})),
        "prompt": (_said(first, {"user", "assistant", "tool"}), _said(second, {"user", "assistant", "tool"})),
    }
    for name in sorted({*first.parameters, *second.parameters}):
        named[name] = (first.parameters.get(name), second.parameters.get(name))
    return [name for name, (one, other) in named.items() if one != other]


def _said(request: Request, roles: set[str]) -> list[Any]:
    return [dict(message) for message in request.messages if message["role"] in roles]


def _look(seen: Seen) -> Iterator[Remark]:
    """Say whether arms differ in more than one thing, so that the cause of a difference is unknown."""
    statistic = seen.claim.statistics[0]
    if not statistic.arms or isinstance(statistic, Change) or not seen.frame.arms:
        return
    for said in confounded_arms(statistic.arms, seen.turns):
        yield Remark(message=said, fix="let the arms differ in what is claimed alone")


CHECK = Check(
    code="F13",
    name="confounded arms",
    sees="Two arms differ in more than one thing, so any of them may cause the difference.",
    look=_look,
    page=address_of("F13", "confounded arms"),
)
