"""Who chooses among several replies: never somebody who sees the case, whose label would be the answer."""

from __future__ import annotations

import contextvars
import inspect
import math
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from pytest_velo.elicit.rung import Asked
from pytest_velo.errors import BodyError, UsageError, VeloError, tell
from pytest_velo.records import Reply
from pytest_velo.sampling.scope import leave
from pytest_velo.scorers.scorer import Scorer


class Selector(ABC):
    """Chooses one of several replies to a prompt."""

    name: str

    @abstractmethod
    async def choose(self, asked: Asked, replies: Sequence[Reply]) -> int:
        """Return the place of the chosen reply."""

    @property
    def judges(self) -> bool:
        """It asks the hypothesis's judge."""
        return False

    @property
    def function(self) -> Any:
        """The function of the user's that chooses; None if there is none."""
        return None


@dataclass(frozen=True, slots=True)
class Majority(Selector):
    """The reply that most agree with; the first one among equals."""

    name: str = "majority"

    async def choose(self, asked: Asked, replies: Sequence[Reply]) -> int:
        """Count texts without case, layout and a full stop at the end."""
        texts = [" ".join(reply.text.casefold().split()).rstrip(".") for reply in replies]
        return texts.index(Counter(texts).most_common(1)[0][0])


majority = Majority()
"""Chooses the reply that most agree with, by their texts; the first one among equals."""


@dataclass(frozen=True, slots=True)
class Highest(Selector):
    """The reply with the highest score of a `@scorer`."""

    name: str
    scorer: Scorer[Any, Any]

    async def choose(self, asked: Asked, replies: Sequence[Reply]) -> int:
        """Score each text, the first one wins among equals."""
        scores = [await self._score(asked, reply.text) for reply in replies]
        return max(range(len(scores)), key=scores.__getitem__)

    @property
    def function(self) -> Any:
        """The scorer."""
        return self.scorer

    async def _score(self, asked: Asked, text: str) -> float:
        if asked.scope.block is None:
            score = await self.scorer(text)
        else:  # the body is plain: so is a call of the scorer, which must not hold up the loop
            score = await asked.scope.apart(partial(self.scorer, text))
        if isinstance(score, bool | int | float) and math.isfinite(score):
            return float(score)
        raise tell(
            BodyError(f"the selector {self.name} scored {score!r}, which is no number", fix="return a number")
        )


@dataclass(frozen=True, slots=True)
class Chosen(Selector):
    """The reply that a plain function chooses."""

    name: str
    chooser: Callable[..., Any]

    async def choose(self, asked: Asked, replies: Sequence[Reply]) -> int:
        """Call the function outside of the trial, beside the loop: it gets prompt and replies only."""
        context = contextvars.copy_context()
        context.run(leave)
        call = partial(context.run, self.chooser, asked.prompt, tuple(replies))
        try:
            chosen = await _result(asked.scope.apart(call))
        except VeloError:
            raise
        except Exception as error:  # an assert in it is no outcome of the trial
            problem = BodyError(
                f"the selector {self.name} raised {type(error).__name__}: {error}",
                fix="let it return one of the replies",
            )
            raise tell(problem) from error
        for place, reply in enumerate(replies):
            if chosen is reply:
                return place
        if isinstance(chosen, int) and not isinstance(chosen, bool) and 0 <= chosen < len(replies):
            return chosen
        raise tell(
            BodyError(
                f"the selector {self.name} returned {chosen!r:.200}",
                fix=f"return one of the replies, or its place, 0 to {len(replies) - 1}",
            )
        )

    @property
    def function(self) -> Any:
        """The function."""
        return self.chooser


async def _result(awaited: Awaitable[Any]) -> Any:
    return await awaited


@dataclass(frozen=True, slots=True)
class Judged(Selector):
    """The first reply of which the judge says yes; the first one of all if it never does."""

    name: str
    question: str

    async def choose(self, asked: Asked, replies: Sequence[Reply]) -> int:
        """Ask about one reply after another, up to the first yes."""
        judge = asked.judge()
        for place, reply in enumerate(replies):
            if await judge(self.question, reply, slot=f"selecting {place + 1}"):
                return place
        return 0

    @property
    def judges(self) -> bool:
        """It is the judge."""
        return True


def judged(question: str) -> Judged:
    """Choose by the hypothesis's judge: the first reply of which it answers `question` with yes.

    Args:
        question: That can be answered by yes or no, about a reply.

    Raises:
        UsageError: It is no text.
    """
    if not isinstance(question, str) or not question.strip():
        raise UsageError(f"judged(...) takes a question, got {question!r}", fix='judged("Is it correct?")')
    return Judged("judged", question)


def selector_of(value: Any) -> Selector:
    """Return what `best_of` was given as a selector.

    Raises:
        UsageError: It is none.
    """
    if isinstance(value, Selector):
        return value
    if value == "majority":
        return majority
    if isinstance(value, Scorer):
        return Highest(getattr(value, "__name__", "scorer"), value)
    if callable(value) and not isinstance(value, type) and not inspect.iscoroutinefunction(value):
        return Chosen(getattr(value, "__name__", "selector"), value)
    raise UsageError(
        f"{value!r} cannot choose among replies",
        where="best_of",
        fix="best_of(8, majority), judged(question), a @scorer, or a plain function of (prompt, replies)",
    )
