"""A stubbed judge's answers: those of a value, or of a function of the text."""

from __future__ import annotations

import inspect
import json
from typing import Any

from pytest_velo.errors import BodyError
from pytest_velo.stubs import Stub

_FIX = 'a judge gives True or False, or a score: stub(lambda text: 8, "no rubric yet")'


class StubbedAnswers:
    """What a stubbed judge says, in the form in which a judge replies.

    Args:
        stub: Its value is an answer, or a function of the text, or of what is asked and the text.
    """

    def __init__(self, stub: Stub) -> None:
        self._stub = stub
        self._takes_question = callable(stub.value) and _required(stub.value) >= 2

    def yes_no(self, question: str, text: str) -> str:
        """Return the answer to a question.

        Raises:
            BodyError: The stub gave something else.
        """
        value = self._value(question, text)
        if not isinstance(value, bool):
            raise self._no_answer(value, "judge(...) needs True or False")
        return json.dumps({"answer": "yes" if value else "no"})

    def score(self, rubric: str, text: str, low: float, high: float) -> str:
        """Return the score by a rubric.

        Raises:
            BodyError: The stub gave something else, or a score outside of its range.
        """
        value = self._value(rubric, text)
        if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
            raise self._no_answer(value, f"judge.score(...) needs a number from {low:g} to {high:g}")
        return json.dumps({"score": value})

    def _value(self, asked: str, text: str) -> Any:
        value = self._stub.value
        if not callable(value):
            return value
        return value(asked, text) if self._takes_question else value(text)

    def _no_answer(self, value: Any, needs: str) -> BodyError:
        if inspect.iscoroutine(value):
            value.close()
        told = repr(value) if isinstance(value, bool | int | float) else type(value).__name__
        return BodyError(f"the stubbed judge gave {told}: {needs}", where=self._stub.where, fix=_FIX)


def _required(function: Any) -> int:
    """Count the arguments that a function must get; 1 where its signature is unknown."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return 1
    positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return sum(each.kind in positional and each.default is each.empty for each in parameters)
