"""One search: explore cases, make the ones that break the claim small, confirm them on fresh draws.

It asks for trials in stages. What a stage asks for is known before its first trial, and the next stage is
made of all outcomes of those before it, so nothing depends on how many trials are in flight or on which one
came first.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeVar

from pytest_velo.case_sets import Case
from pytest_velo.claims import EachCase
from pytest_velo.errors import UsageError
from pytest_velo.records import Invalid
from pytest_velo.searching.candidates import Candidate, Source
from pytest_velo.searching.confirmation import Confirmation, share_of
from pytest_velo.searching.search import Search
from pytest_velo.searching.shrinking import Shrinker
from pytest_velo.stats.engine.screening import DROP, DROP_AT_ONCE, Screen
from pytest_velo.verdicts import Verdict

AT_ONCE = 16
"""New cases that are tried together."""


class Purpose(StrEnum):
    """Why a trial is made. What confirms is drawn apart from everything else."""

    EXPLORE = "explore"
    SHRINK = "shrink"
    CONFIRM = "confirm"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """A trial that is wanted.

    Attributes:
        candidate: What it is about; None for a case that the attack is still to propose.
        purpose: Why.
        repeat: How many trials of this case there were before, for this purpose or to explore.
        finding: Which finding it confirms, from 1; 0 if it confirms none.
    """

    candidate: Candidate | None
    purpose: Purpose
    repeat: int = 0
    finding: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A trial that was made.

    Attributes:
        candidate: What it was about; None if the attack proposed none.
        against: Whether it is against the claim; None if it is invalid.
        replies: What the model said in it.
    """

    candidate: Candidate | None
    against: bool | None
    replies: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """A case that a search has tried, as an attack sees it.

    Attributes:
        case: The case.
        n, n_against, n_invalid: Its trials so far, while it was explored: all, those against the claim, and
            invalid ones.
        replies: What the model said in its last trial, one text for each call.
    """

    case: Any
    n: int
    n_against: int
    n_invalid: int
    replies: tuple[str, ...]


@dataclass(slots=True, kw_only=True)
class Pursued:
    """A case that seemed to break the claim, and what became of it.

    Attributes:
        found: As it was found.
        smallest: As small as it still seemed to.
        n_smaller: Smaller cases that were tried.
        is_smallest: Shrinking came to its end, rather than to that of the trials.
        confirmation: Its own draws; None before any.
    """

    found: Candidate
    smallest: Candidate
    n_smaller: int = 0
    is_smallest: bool = True
    confirmation: Confirmation | None = None

    @property
    def is_confirmed(self) -> bool:
        """Whether the claim is refuted on the smallest case."""
        return self.confirmation is not None and self.confirmation.verdict is Verdict.REFUTED


T = TypeVar("T")
Tries = Generator[Sequence[Ask], Sequence[Answer], T]
"""Asks for trials, gets them, and says what they came to."""


class Hunt:
    """One search.

    Args:
        search: What the user asked for.
        claim: What should hold on each case.
        max_trials: Most trials in all. As many as a confirmation may take are kept for one.
        alpha, beta: Upper bounds as in `Confirmation`; beta holds for all findings together.
        invalid: How invalid trials count; never against the claim.
        source: Gives new cases; None if an attack proposes them.
        shrinker: Begins to make a case smaller; None to leave cases as they are found.

    Attributes:
        stage: The trials that are wanted now, in order; empty once the search has ended.
        pursued: The cases that seemed to break the claim, in order.
        n_trials: Trials that were taken, by purpose.
        is_exhausted: Its source has no more cases.
    """

    def __init__(
        self,
        search: Search,
        claim: EachCase,
        *,
        max_trials: int,
        alpha: float,
        beta: float,
        invalid: Invalid = Invalid.BOUND,
        source: Source | None = None,
        shrinker: Callable[[Candidate], Shrinker] | None = None,
    ) -> None:
        self._search = search
        self._claim = claim
        self._max_trials = max_trials
        self._alpha = alpha
        self._beta = beta
        self._invalid = invalid
        self._source = source
        self._shrinker = shrinker
        self._screens: dict[str, Screen] = {}
        self._tried: dict[str, Tried] = {}
        self._answers: list[Answer] = []
        self.pursued: list[Pursued] = []
        self.n_trials: Counter[Purpose] = Counter()
        self.is_exhausted = False
        self._stages = self._all()
        self.stage: Sequence[Ask] = next(self._stages, ())

    def take(self, answer: Answer) -> None:
        """Take in the next trial of the stage, in its order."""
        self.n_trials[self.stage[len(self._answers)].purpose] += 1
        self._answers.append(answer)
        if len(self._answers) == len(self.stage):
            answers, self._answers = self._answers, []
            try:
                self.stage = self._stages.send(answers)
            except StopIteration:
                self.stage = ()

    def close(self) -> None:
        """End it; what was confirmed stays so."""
        self._stages.close()

    @property
    def history(self) -> tuple[Tried, ...]:
        """The cases that were tried, in order."""
        return tuple(self._tried.values())

    def n_tried(self, candidate: Candidate) -> int:
        """Return how many trials explored a case so far."""
        screen = self._screens.get(candidate.digest)
        return 0 if screen is None else screen.n

    @property
    def n_cases(self) -> int:
        """Cases that were tried, smaller ones included."""
        return len(self._tried)

    @property
    def n_confirmed(self) -> int:
        """Findings that were confirmed."""
        return sum(pursued.is_confirmed for pursued in self.pursued)

    def _all(self) -> Tries[None]:
        while self._room:
            if self._source is None:
                batch = yield from self._proposed()
            else:
                batch = yield from self._next_ones(self._source)
            if batch is None:
                self.is_exhausted = True
                return
            for candidate in batch:
                if self._is_known(candidate):
                    continue
                if (yield from self._breaks(candidate, DROP_AT_ONCE, Purpose.EXPLORE)):
                    yield from self._pursue(candidate)
                    if self.n_confirmed == self._search.n_findings:
                        return

    @property
    def _room(self) -> int:
        """How many trials may still explore or shrink."""
        return max(0, self._max_trials - self.n_trials.total() - self._search.confirm)

    def _next_ones(
        self, source: Source
    ) -> Generator[Sequence[Ask], Sequence[Answer], list[Candidate] | None]:
        """Try the next cases once each; return them, or None if there are none."""
        batch: list[Candidate] = []
        most = min(AT_ONCE, self._room)
        for _ in range(_MOST_PASSED_OVER):
            candidate = source() if len(batch) < most else None
            if candidate is None:
                break
            if candidate.digest not in self._screens and not self._is_known(candidate):
                batch.append(candidate)
        if not batch:
            return None
        yield from self._explored([Ask(candidate=each, purpose=Purpose.EXPLORE) for each in batch])
        return batch

    def _proposed(self) -> Tries[list[Candidate] | None]:
        """Try what the attack proposes once; return it."""
        answers = yield from self._explored([Ask(candidate=None, purpose=Purpose.EXPLORE)])
        return [answer.candidate for answer in answers if answer.candidate is not None]

    def _explored(self, asks: Sequence[Ask]) -> Tries[Sequence[Answer]]:
        """Make trials that are no evidence, and enter their outcomes."""
        answers = yield asks
        for answer in answers:
            if answer.candidate is not None:
                self._enter(answer.candidate, answer)
        return answers

    def _enter(self, candidate: Candidate, answer: Answer) -> None:
        screen = self._screens.setdefault(candidate.digest, Screen(self._claim.allowed))
        screen.feed(bool(answer.against))  # an invalid trial is no failure of the model
        before = self._tried.get(candidate.digest)
        self._tried[candidate.digest] = Tried(
            case=candidate.case,
            n=screen.n,
            n_against=(0 if before is None else before.n_against) + bool(answer.against),
            n_invalid=(0 if before is None else before.n_invalid) + (answer.against is None),
            replies=answer.replies,
        )

    def _breaks(self, candidate: Candidate, drop: float, purpose: Purpose) -> Tries[bool]:
        """Tell whether a case seems to break the claim, by as many trials as that takes."""
        screen = self._screens.setdefault(candidate.digest, Screen(self._claim.allowed))
        while (found := screen.breaks(drop)) is None:
            n = min(screen.min_more(drop), self._room)
            if not n:
                return False
            yield from self._explored(
                [Ask(candidate=candidate, purpose=purpose, repeat=screen.n + more) for more in range(n)]
            )
        return found

    def _pursue(self, found: Candidate) -> Tries[None]:
        pursued = Pursued(found=found, smallest=found)
        self.pursued.append(pursued)
        if self._shrinker is not None:
            yield from self._shrink(pursued, self._shrinker(found))
        if any(other.smallest.digest == pursued.smallest.digest for other in self.pursued[:-1]):
            self.pursued.pop()  # another way to the same finding, which has had its draws
            return
        number = len(self.pursued)
        confirmation = pursued.confirmation = Confirmation(
            self._claim.claim,
            level=share_of(self._beta, number),
            alpha=self._alpha,
            most=self._search.confirm,
            invalid=self._invalid,
        )
        while n := confirmation.min_more:
            answers = yield [
                Ask(
                    candidate=pursued.smallest,
                    purpose=Purpose.CONFIRM,
                    repeat=confirmation.n + more,
                    finding=number,
                )
                for more in range(n)
            ]
            for answer in answers:
                confirmation.feed(answer.against)

    def _shrink(self, pursued: Pursued, shrinker: Shrinker) -> Tries[None]:
        try:
            smaller = next(shrinker)
            while True:
                pursued.n_smaller += 1
                broke = yield from self._breaks(smaller, DROP, Purpose.SHRINK)
                if not self._room and self._screens[smaller.digest].breaks(DROP) is None:
                    pursued.is_smallest = False
                    return
                if broke:
                    pursued.smallest = smaller
                smaller = shrinker.send(broke)
        except StopIteration as ended:
            pursued.smallest = ended.value
        finally:
            shrinker.close()

    def _is_known(self, candidate: Candidate) -> bool:
        """Whether a case is one and the same as one that was pursued."""
        return any(self._are_same(pursued.smallest, candidate) for pursued in self.pursued)

    def _are_same(self, finding: Candidate, candidate: Candidate) -> bool:
        if finding.digest == candidate.digest:
            return True
        if self._search.same is None:
            return _contains(candidate.case, finding.case)
        try:
            return self._search.same(finding.case) == self._search.same(candidate.case)
        except Exception as error:
            raise UsageError(
                f"same= failed: {type(error).__name__}: {error}",
                where="search",
                fix="it is called for every case, and must not fail for any",
            ) from error


_MOST_PASSED_OVER = 5_000


def _contains(case: Any, finding: Any) -> bool:
    """Tell whether a case's text contains a finding's, or all of its words in their order.

    If they have fields, each text of the finding is in the case's field of the same name.
    """
    if isinstance(case, str) and isinstance(finding, str):
        return bool(finding) and (finding in case or _in_order(finding.split(), case.split()))
    if isinstance(case, Case) and isinstance(finding, Case):
        texts = {name: text for name, text in vars(finding).items() if isinstance(text, str) and text}
        return bool(texts) and all(_contains(case.get(name), text) for name, text in texts.items())
    return False


def _in_order(words: Sequence[str], among: Sequence[str]) -> bool:
    rest = iter(among)
    return bool(words) and all(word in rest for word in words)
