"""What one person says about one trial."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

_YES = ("yes", "y", "true")
_NO = ("no", "n", "false")
SKIP = "skip"
_CANNOT_SAY = (SKIP, "cannot say", "unsure", "?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """What one person says about one trial.

    Attributes:
        trial: The digest of what the person saw, as `trial_digest` gives it.
        label: True for yes, False for no, or a score; None for "cannot say". True equals 1 and False 0.
        test: The id of the test that the trial is of; empty if it is not known, as in files from before.
        case: The case's id; empty if it is not known. It is for people, as is all that follows.
        arm: The arm; empty without arms.
        repeat: The repeat of the case, from 0; None if it is not known.
        by: Who says so; empty if nobody is named.
        at: When, ISO 8601 in UTC; empty if it is not known.
        note: What else the person has to say.
    """

    trial: str
    label: bool | float | None
    test: str = ""
    case: str = ""
    arm: str = ""
    repeat: int | None = None
    by: str = ""
    at: str = ""
    note: str = ""


def label_text(label: bool | float | None) -> str:
    """Return a label as files and people write it: `yes`, `no`, `0.25`, `skip`."""
    if label is None:
        return SKIP
    if isinstance(label, bool):
        return "yes" if label else "no"
    return f"{label:g}" if float(f"{label:g}") == label else repr(label)


def label_of(written: Any) -> bool | float | None:
    """Return the label that was written; None for "cannot say".

    Raises:
        ValueError: It is none.
    """
    if isinstance(written, bool):
        return written
    if isinstance(written, int | float):
        return _finite(float(written))
    if not isinstance(written, str):
        raise ValueError("neither text nor a number")
    word = written.strip().casefold()
    if word in _YES:
        return True
    if word in _NO:
        return False
    return None if word in _CANNOT_SAY else _finite(float(word))


def _finite(number: float) -> float:
    if not math.isfinite(number):
        raise ValueError("not finite")
    return number
