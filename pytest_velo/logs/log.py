"""A log as every reader returns it: samples with their scores, whatever tool wrote them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any


class Kind(StrEnum):
    """What wrote a log."""

    INSPECT = "inspect"
    LM_EVAL = "lm-eval"
    PROMPTFOO = "promptfoo"
    DEEPEVAL = "deepeval"
    ROWS = "rows"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One sample of a log, in one epoch.

    Attributes:
        id: Names the sample: what is paired.
        epoch: Which run of it, as the log counts.
        scores: The numbers it got, by the score's name.
        invalid: Why it has no outcome at all, e.g. an error of the API; empty if it has.
        faults: By a score's name, why that one is missing.
        fields: What else is known, by name: `input`, `target`, `output`, and the log's own.
        where: Its place in the file.
    """

    id: str
    epoch: int = 1
    scores: Mapping[str, float] = field(default_factory=dict)
    invalid: str = ""
    faults: Mapping[str, str] = field(default_factory=dict)
    fields: Mapping[str, Any] = field(default_factory=dict)
    where: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Log:
    """What one log says about one arm.

    Attributes:
        name: The arm, unless another name is given.
        path: The file.
        kind: What wrote it.
        digest: SHA-256 of the file, in hexadecimal digits.
        samples: In the order of the file.
        announced: Samples, as pairs of id and epoch, that should be there, whether they are or not.
        passed: The score that says whether a sample passed, where the tool has such a one; else empty.
        graded: The score that says how well it did, likewise.
        model, task: As the log names them; empty if it does not.
        numbered: The ids are places in the file, which pair with nothing.
        notices: What the reader of a verdict on it should know.
    """

    name: str
    path: Path
    kind: Kind
    digest: str
    samples: tuple[Sample, ...]
    announced: tuple[tuple[str, int], ...] = ()
    passed: str = ""
    graded: str = ""
    model: str = ""
    task: str = ""
    numbered: bool = False
    notices: tuple[str, ...] = ()


def as_number(value: Any) -> float | None:
    """Return a truth value or a finite number as a float; None for anything else, text included."""
    if not isinstance(value, bool | int | float):
        return None
    try:
        number = float(value)
    except OverflowError:  # an integer of a thousand digits
        return None
    return number if math.isfinite(number) else None


def as_text(value: Any) -> str:
    """Return an id as text; the integer 1 and the text `1` are the same."""
    return value if isinstance(value, str) else str(value)
