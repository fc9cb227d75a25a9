"""A backend for the Hypothesis library with plain draws of every primitive. Imported only on use."""

from __future__ import annotations

import math
import random
from contextlib import AbstractContextManager
from typing import Any

from hypothesis.internal.conjecture.providers import PrimitiveProvider

INTEGER_BITS = (4, 8, 16, 32)
MAGNITUDES = (-6.0, 6.0)
MOST_EXTRA_SIZE = 16
N_ASCII = 128
ANY_CHARACTER_RATE = 0.1


class Plain(PrimitiveProvider):
    """Draws from `source`, which is set before each draw of a case.

    Attributes:
        source: The random generator of the current draw.
        n_begun: Test cases requested from this backend since `start`.
    """

    source = random.Random(0)
    n_begun = 0

    @classmethod
    def start(cls, seed: int) -> None:
        """Begin a draw."""
        cls.source = random.Random(seed)
        cls.n_begun = 0

    def per_test_case_context_manager(self) -> AbstractContextManager[None]:
        """Count a test case."""
        type(self).n_begun += 1
        return super().per_test_case_context_manager()

    def draw_boolean(self, p: float = 0.5) -> bool:
        """Return True with probability `p`."""
        return self.source.random() < p

    def draw_integer(
        self,
        min_value: int | None = None,
        max_value: int | None = None,
        *,
        weights: dict[int, float] | None = None,
        shrink_towards: int = 0,
    ) -> int:
        """Draw by `weights`, else as `plain_integer` does."""
        if weights:
            spread = max(0.0, 1.0 - sum(weights.values()))
            picked = self.source.choices([*weights, None], [*weights.values(), spread])[0]
            if picked is not None:
                return picked
        return plain_integer(self.source, min_value, max_value)

    def draw_float(
        self,
        *,
        min_value: float = -math.inf,
        max_value: float = math.inf,
        allow_nan: bool = True,
        smallest_nonzero_magnitude: float,
    ) -> float:
        """Draw as `plain_float` does; never NaN or infinity, which no prompt needs."""
        number = plain_float(self.source, min_value, max_value)
        if number == 0 or abs(number) >= smallest_nonzero_magnitude:
            return number
        if min_value <= 0.0 <= max_value:
            return 0.0
        return math.copysign(smallest_nonzero_magnitude, min_value)

    def draw_string(self, intervals: Any, *, min_size: int = 0, max_size: int = 10**10) -> str:
        """Draw a length, then characters: nine in ten from the set's first ones, which are ASCII."""
        size = _size(self.source, min_size, max_size)
        return "".join(self._character(intervals) for _ in range(size)) if len(intervals) else ""

    def draw_bytes(self, min_size: int = 0, max_size: int = 10**10) -> bytes:
        """Draw a length, then bytes."""
        return self.source.randbytes(_size(self.source, min_size, max_size))

    def _character(self, intervals: Any) -> str:
        anywhere = len(intervals) <= N_ASCII or self.source.random() < ANY_CHARACTER_RATE
        place = self.source.randrange(len(intervals) if anywhere else N_ASCII)
        return str(intervals.char_in_shrink_order(place))


def plain_integer(source: random.Random, low: int | None, high: int | None) -> int:
    """Draw an integer: uniform between two bounds, else at a distance of random magnitude."""
    if low is not None and high is not None:
        return source.randint(low, high)
    distance = source.getrandbits(source.choice(INTEGER_BITS))
    if low is not None:
        return low + distance
    if high is not None:
        return high - distance
    return source.choice((-1, 1)) * distance


def plain_float(source: random.Random, low: float, high: float) -> float:
    """Draw a finite float in `[low, high]`, as `plain_integer` does."""
    if math.isfinite(low) and math.isfinite(high - low):
        return min(high, max(low, source.uniform(low, high)))
    distance: float = 10.0 ** source.uniform(*MAGNITUDES)
    if math.isfinite(low):
        return low + distance
    if math.isfinite(high):
        return high - distance
    return source.choice((-1, 1)) * distance


def _size(source: random.Random, low: int, high: int) -> int:
    """Draw a length: uniform from `low` to `high`, or to `low` + 16 if `high` is far away."""
    return source.randint(low, min(high, low + MOST_EXTRA_SIZE))
