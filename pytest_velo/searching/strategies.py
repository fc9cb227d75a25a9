"""Candidates of a strategy of the Hypothesis library, and its shrinking of one of them.

The library's `find` shrinks by calling a predicate, which returns when it knows the answer. Here an answer
takes trials, which the sampling loop makes. So `find` runs in a thread of its own that waits for each answer:
the loop runs while the thread waits, and the other way round, so nothing happens at the same time. It is
never asked twice about one case, so what it sees is a predicate like any other; and it draws from a seed that
is always the same, so that the same answers lead to the same questions.

`find` gives up after five minutes. A model takes longer, and how fast it answers must not decide what is
asked. So after some time the thread is left and another one begins, which gets the answers that are known and
goes on where the last one stood.
"""

from __future__ import annotations

import queue
import random
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import hypothesis
from hypothesis.errors import NoSuchExample

from pytest_velo.case_sets.strategies import draw_cases, drawing_again
from pytest_velo.errors import UsageError
from pytest_velo.searching.candidates import Candidate, candidate_of
from pytest_velo.searching.shrinking import Shrinker

_LEFT_AFTER_S = 200.0  # the library gives up after 300
_STUCK_S = 120.0  # its own thinking takes milliseconds


def drawn(strategy: Any, seed: int) -> Iterator[Candidate]:
    """Yield independent draws from a strategy without end.

    Raises:
        UsageError: The strategy gives nothing, or its own code raises.
    """
    for number, value in enumerate(draw_cases(strategy, seed)):
        yield candidate_of(value, number)


def simplified(strategy: Any, seed: int, found: Candidate) -> Shrinker:
    """Yield what the library tries in order to simplify a draw that `drawn` gave.

    Raises:
        UsageError: The strategy's own code raises.
    """
    known = {found.digest: True}
    while True:
        thinking = _Thinking(strategy, seed, found, known)
        try:
            began_s = time.monotonic()
            while (candidate := thinking.question()) is not None:
                answer = yield candidate
                known[candidate.digest] = answer
                if thinking.stops or time.monotonic() - began_s > _LEFT_AFTER_S:
                    break
                thinking.answer(answer)
            else:
                return thinking.smallest
        finally:
            thinking.leave()


class _Left(BaseException):
    """Ends the library's search from within its predicate; it catches exceptions, and not this."""


class _Thinking:
    """One run of the library's shrinking, in a thread.

    Args:
        strategy, seed: As in `simplified`.
        found: What it begins with.
        known: The answers so far, by the digests of the cases.
    """

    def __init__(self, strategy: Any, seed: int, found: Candidate, known: dict[str, bool]) -> None:
        self._strategy = strategy
        self._seed = seed
        self._found = found
        self._known = known
        self._questions: queue.SimpleQueue[Candidate | BaseException | None] = queue.SimpleQueue()
        self._answers: queue.SimpleQueue[bool | None] = queue.SimpleQueue()
        self._drawing = ExitStack()
        self.smallest = found  # by the library's order
        self._early = True  # neither value was seen to break
        self.stops = False
        threading.Thread(target=self._think, name="velo shrinking", daemon=True).start()

    def question(self) -> Candidate | None:
        """Return the next case that it asks about; None when it has none."""
        try:
            asked = self._questions.get(timeout=_STUCK_S)
        except queue.Empty:
            raise UsageError(
                f"the strategy took more than {_STUCK_S:.0f} s to make a case simpler",
                where="search",
                fix="shrink=False leaves cases as they are found",
            ) from None
        if isinstance(asked, UsageError):
            raise asked
        if isinstance(asked, BaseException):
            raise UsageError(
                f"the strategy failed while a case was simplified: {type(asked).__name__}: {asked}",
                where="search",
                fix="it must give a value, whatever it draws; shrink=False leaves cases as they are found",
            ) from asked
        return asked

    def answer(self, breaks: bool) -> None:
        """Answer the last question."""
        self._answers.put(breaks)

    def leave(self) -> None:
        """End the thread; it is waiting for an answer, or has ended."""
        self._answers.put(None)

    def _think(self) -> None:
        ended: BaseException | None = None
        try:
            self._find()
        except (_Left, NoSuchExample):  # the second: it did not draw the case again
            pass
        except BaseException as error:
            ended = error
        finally:
            self._drawing.close()
        if not self.stops:
            self._questions.put(ended)

    def _find(self) -> None:
        assert self._found.number is not None  # it was drawn
        again = self._drawing.enter_context(drawing_again(self._seed, self._found.number))
        phases = [hypothesis.Phase.generate, hypothesis.Phase.shrink]
        options = hypothesis.settings(again, phases=phases)
        smallest = hypothesis.find(self._strategy, self._breaks, settings=options, random=random.Random(0))
        self.smallest = candidate_of(smallest)

    def _breaks(self, value: Any) -> bool:
        candidate = candidate_of(value)
        known = self._known.get(candidate.digest)
        if known is None:
            # Before the draw came again comes the simplest value, for which nobody can wait: others may draw.
            self.stops = self._early
            self._questions.put(candidate)
            if self.stops:
                raise _Left
            known = self._answers.get()
            if known is None:
                raise _Left
            self._known[candidate.digest] = known
        if known:
            self._early = False
            self._drawing.close()
        return known
