"""The stored baseline as one side of a claim: `rate >= baseline - 0.05`."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import NoReturn

from pytest_velo.errors import UsageError


class Guards(StrEnum):
    """What a comparison with a baseline guards: what may differ from when it was made.

    `MODEL`: only the model's answers. `PROMPT`: the prompt too.
    """

    MODEL = "model"
    PROMPT = "prompt"


@dataclass(frozen=True, slots=True, repr=False)
class Baseline:
    """The stored value of a statistic, plus a distance in its units; `baseline` itself has distance 0.

    Comparing a rate or a mean with it makes a claim about the change since then, case by case. The comparison
    checks that the distance is smaller than the width of the statistic's range.

    Attributes:
        offset: The distance, in the statistic's own units; finite.

    >>> from pytest_velo.claims import mean, rate
    >>> rate >= baseline - 0.05, mean(0, 10) <= baseline + 0.5
    (rate >= baseline - 0.05, mean(0, 10) <= baseline + 0.5)
    >>> baseline - 0.05, baseline + 0.1, baseline
    (baseline - 0.05, baseline + 0.1, baseline)
    """

    offset: float = 0.0

    def __add__(self, distance: float) -> Baseline:
        """Move it up by a distance in the statistic's units.

        Raises:
            UsageError: The distance is not a finite number.
        """
        return Baseline(self.offset + _distance(distance))

    def __sub__(self, distance: float) -> Baseline:
        """Move it down by a distance in the statistic's units.

        Raises:
            UsageError: The distance is not a finite number.
        """
        return Baseline(self.offset - _distance(distance))

    def _no_number(self, *_: object) -> NoReturn:
        raise UsageError(
            "a baseline can only be moved by a distance, not scaled",
            fix="baseline - 0.05, in the statistic's own units",
        )

    __mul__ = __rmul__ = __truediv__ = __rtruediv__ = __radd__ = __rsub__ = __neg__ = _no_number

    def __call__(self, *_: object, **__: object) -> NoReturn:
        """Say that it is not called."""
        raise UsageError(
            "`baseline` is not called: it stands for what the baseline file holds",
            fix="rate >= baseline - 0.05",
        )

    def __bool__(self) -> NoReturn:
        raise UsageError("`baseline` has no truth value", fix="rate >= baseline - 0.05")

    def __str__(self) -> str:
        if abs(self.offset) < 1e-12:
            return "baseline"
        return f"baseline {'+' if self.offset > 0 else '-'} {abs(self.offset):g}"

    def __repr__(self) -> str:
        return str(self)


baseline = Baseline()


def _distance(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise UsageError(
            f"a distance from the baseline must be a number, got {value!r}", fix="baseline - 0.05"
        )
    return float(value)
