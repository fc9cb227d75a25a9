"""What a check found, as reports, records and users see it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

MOST_NAMED = 20
"""Cases and trials that a record names of what a check found."""


class Level(StrEnum):
    """How serious it is: a line of the report, a failure under strict, or a failure in any case.

    Of ours, only what makes a verdict void is an error.
    """

    NOTE = "note"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What a check found in one hypothesis.

    Attributes:
        code: The check's, e.g. `F05`.
        name: The check's, e.g. `duplicate cases`.
        level: How serious it is.
        message: What was found, with its numbers.
        fix: What can be done about it.
        where: The place, if the hypothesis does not say it: a field, a file, an arm.
        page: The address of the check's page; empty if it has none.
        cases: Ids of the first cases that it is about.
        trials: Indices of the first trials that it is about.
        silenced: The reason why it does not count, as `silence=` gives it; empty if it counts.
    """

    code: str
    name: str
    level: Level
    message: str
    fix: str = ""
    where: str = ""
    page: str = ""
    cases: tuple[str, ...] = ()
    trials: tuple[int, ...] = ()
    silenced: str = ""

    def fails(self, *, strict: bool) -> bool:
        """Tell whether its test fails by it."""
        return self.counts and (strict or self.level is Level.ERROR)

    @property
    def counts(self) -> bool:
        """Whether it is more than a note, and not silenced."""
        return self.level is not Level.NOTE and not self.silenced
