"""Stand-ins for a model, a judge, cases or a value, each with the reason why it is one.

A stub lets the core of an experiment be tried before its periphery is there. What it stood in for is said
wherever the verdict is: nothing that was made up passes for something that was measured.
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from pytest_velo.canonical import digest
from pytest_velo.errors import UsageError
from pytest_velo.records import Stubbed

_SLUG = 40
_IN_A_BODY = 'in a body, write velo.stub(value, "why"): it returns the value and notes it in the trial'


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Stub:
    """What stands in for something; made by `stub()`.

    Attributes:
        value: What it gives, or the function that gives it.
        why: Why it is there instead of the real thing.
        where: `file:line` of the call that made it.
    """

    value: Any
    why: str
    where: str

    def standing_in_for(self, what: str) -> Stubbed:
        """Return the entry of a verdict that rests on it."""
        return Stubbed(what=what, why=self.why, where=self.where)

    @property
    def slug(self) -> str:
        """The reason as a part of a name: `no key yet` is `no-key-yet`."""
        return re.sub(r"[^a-z0-9]+", "-", self.why.lower())[:_SLUG].strip("-") or "stub"

    @property
    def identity(self) -> str:
        """A digest of the reason, the place and the value: the same in every process that reads the file."""
        code = getattr(self.value, "__code__", None)
        if code is None:
            return digest([self.why, _anywhere(self.where), _without_address(self.value)])
        cells = [cell.cell_contents for cell in self.value.__closure__ or ()]
        given = [cells, self.value.__defaults__, self.value.__kwdefaults__]  # one line may make several
        defined = _anywhere(place(code.co_filename, code.co_firstlineno))
        return digest([self.why, _anywhere(self.where), defined, _without_address(given)])

    def __repr__(self) -> str:
        return f"stub({self.why!r})"

    def __call__(self, *_: Any, **__: Any) -> NoReturn:
        """Refuse: a stub of a mark or a fixture gives its value to the test alone."""
        raise UsageError(f"{self!r} was called", where=self.where, fix=_IN_A_BODY)


def stub(value: Any, why: str) -> Stub:
    """Stand in for a model, a judge, cases or a value: `judge=stub(lambda text: 8, "no rubric yet")`.

    Verdicts that rest on it read `supported (judge stubbed)`, and `--velo-strict` fails on them.

    Args:
        value: For a model, what `scripted` takes, or a single text. For a judge, a score, True or False, or a
            function of the text (or of the question and the text) that returns one. For cases, what `cases=`
            takes. A fixture may return any value.
        why: Why it is there: the reader of a verdict is told.

    Raises:
        UsageError: There is no reason.

    Examples:
        >>> stub(["yes", "no"], "no key yet").why
        'no key yet'
    """
    where = place_of_caller(2)
    return Stub(value=value, why=reason_of(why, where), where=where)


def reason_of(why: Any, where: str) -> str:
    """Return the reason that a stub was given, in one line.

    Raises:
        UsageError: It is none.
    """
    if not isinstance(why, str) or not why.strip():
        raise UsageError(
            f"a stub needs its reason, got {why!r}",
            where=where,
            fix='stub(value, "the rubric is not written")',
        )
    return " ".join(why.split())


def place_of_caller(depth: int) -> str:
    """Return `file:line` of the frame that is `depth` up, relative to the working folder if inside of it."""
    frame = sys._getframe(depth)
    return place(frame.f_code.co_filename, frame.f_lineno)


def place(file: str, line: int) -> str:
    """Return `file:line`, relative to the working folder for a file inside of it."""
    path, here = Path(file), Path.cwd()
    return f"{path.relative_to(here).as_posix() if path.is_relative_to(here) else file}:{line}"


def _anywhere(where: str) -> str:
    """Return a place as every machine has it: a file outside of the working folder by its name alone."""
    return Path(where).name if Path(where).is_absolute() else where


def _without_address(value: Any) -> str:
    return re.sub(r"\b0x[0-9a-fA-F]+", "", repr(value))
