"""A check: its code, what it looks at, and what it may say."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import groupby
from typing import Any

from pytest_velo.case_sets import CaseSet
from pytest_velo.claims import AnyClaim
from pytest_velo.found import MOST_NAMED, Found, Level
from pytest_velo.records import HypothesisResult, TrialRecord
from pytest_velo.runner.frame import Frame


class When(StrEnum):
    """When a check looks: before anything is sampled, at the trials that a verdict stands on, or at both.

    One that looks twice and found something before is not asked again.
    """

    BEFORE = "before"
    AFTER = "after"
    BOTH = "both"


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What a check may look at: one hypothesis, without pytest.

    Attributes:
        claim: What is claimed.
        frame: What is sampled, in which order, and the design; how invalid trials count.
        cases: The cases; None without.
        body: The test's function; None where there is none.
        keywords: Those of the mark, as they were read, e.g. `allow_cut`; what is not set is not there.
        judges_held: Ids of the judges that a test of this session holds against labels.
        result: The result with its trials; None before anything is sampled.
    """

    claim: AnyClaim
    frame: Frame
    cases: CaseSet | None = None
    body: Callable[..., Any] | None = None
    keywords: Mapping[str, Any] = field(default_factory=dict)
    judges_held: frozenset[str] = frozenset()
    result: HypothesisResult | None = None

    @property
    def trials(self) -> Sequence[TrialRecord]:
        """The trials in submission order; none before they are sampled. There may be a million."""
        return () if self.result is None else self.result.trials

    @property
    def turns(self) -> Iterator[tuple[TrialRecord, ...]]:
        """The trials, those of all arms of one case and repeat together."""
        for _, turn in groupby(self.trials, key=lambda trial: (trial.case_id, trial.repeat)):
            yield tuple(turn)


@dataclass(frozen=True, slots=True, kw_only=True)
class Remark:
    """What a check says of one hypothesis.

    Attributes:
        message: What was found, with its numbers; no sentence of advice.
        fix: What can be done about it.
        where: A field, a file, an arm; empty if the hypothesis says it.
        cases: Ids of the cases that it is about; the first are kept.
        trials: Indices of the trials that it is about; likewise.
        level: A lower level than the check's own; None for its own.
    """

    message: str
    fix: str = ""
    where: str = ""
    cases: Iterable[str] = ()
    trials: Iterable[int] = ()
    level: Level | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """A check with a code of its own.

    Attributes:
        code: A letter and two digits or more, e.g. `F05`; it never means another check.
        name: In a few words, e.g. `duplicate cases`.
        sees: One sentence: what it sees.
        look: Looks, and says what it saw; nothing if all is well. It is called for each hypothesis, keeps
            little in memory, and takes a trial a microsecond or so.
        when: When it looks.
        level: How serious what it sees is. Above `note` needs measured rates of detection and false alarms.
        page: The address of its page; empty if it has none.
    """

    code: str
    name: str
    sees: str
    look: Callable[[Seen], Iterable[Remark]]
    when: When = When.AFTER
    level: Level = Level.NOTE
    page: str = ""

    def found(self, remark: Remark) -> Found:
        """Return a remark of this check as reports see it."""
        levels = list(Level)
        level = min(remark.level or self.level, self.level, key=levels.index)
        return Found(
            code=self.code,
            name=self.name,
            level=level,
            message=remark.message,
            fix=remark.fix,
            where=remark.where,
            page=self.page,
            cases=_first(remark.cases),
            trials=_first(remark.trials),
        )


def _first(things: Iterable[Any]) -> tuple[Any, ...]:
    return tuple(thing for thing, _ in zip(things, range(MOST_NAMED), strict=False))
