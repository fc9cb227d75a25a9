"""A hypothesis on a rung of its ladder: the same claim, cases and body, asked in another way."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from pytest_velo.elicit.ladders import Step
from pytest_velo.elicit.rung import Rung
from pytest_velo.elicit.strategy import stand_on
from pytest_velo.runner.frame import Frame
from pytest_velo.runner.hypothesis import Hypothesis


def frame_on(step: Step, frame: Frame) -> Frame:
    """Return the frame of a rung: with its share of alpha, and the whole beta.

    The theorems are in `elicit/ladders`. A ladder takes its part of its family's error rates as every member
    does, and no part in the step-down at the end: Holm's further steps are for single tests.
    """
    design = replace(frame.design, alpha=frame.design.alpha * step.share)
    return replace(frame, design=design, family=None)


def hypothesis_on(
    step: Step, hypothesis: Hypothesis, *, is_last: bool, notices: tuple[str, ...]
) -> Hypothesis:
    """Return a hypothesis whose body asks in the way of a rung, the last one of its ladder or not."""
    body, rung = hypothesis.body, step.rung

    def climbing(case: Any, arm: str, trial: Any) -> Any:
        stand_on(rung)  # in the context of this trial, which its calls and threads inherit
        return body(case, arm, trial)

    return replace(
        hypothesis,
        body=climbing,
        rung=rung.name,
        is_last_rung=is_last,
        model=rung.other_models[0] if rung.other_models else hypothesis.model,
        notices=(*hypothesis.notices, *notices),
    )


def same_judge(rung: Rung, function: Callable[..., Any], uses: tuple[str, ...]) -> str:
    """Say that who chooses among answers also scores them; empty if that does not show.

    A selector that is the final scorer chooses what it likes: success then says little about the answers.
    """
    scoring = list(_named_in(inspect.unwrap(function)))
    for chooser in rung.chosen_by():
        if any(found is chooser for found in scoring):
            name = getattr(chooser, "__name__", "its selector")
            return f"{rung.name}: `{name}` {_TOO}"
    if rung.judges() and "judge" in uses:
        return f"{rung.name}: the judge {_TOO}"
    return ""


_TOO = "chooses the answer and scores it, too: what it likes counts as success"


def _named_in(function: Any) -> Iterator[Any]:
    """Yield what the names in a function's code stand for, as far as they are known before it runs."""
    code = getattr(function, "__code__", None)
    if code is None:
        return
    around = getattr(function, "__globals__", {})
    yield from (around[name] for name in code.co_names if name in around)
    for cell in getattr(function, "__closure__", None) or ():
        try:
            yield cell.cell_contents
        except ValueError:  # it is not filled yet
            continue
