"""What a sequential rule is made from."""

from __future__ import annotations

from typing import NamedTuple

from pytest_velo.claims import Claim
from pytest_velo.errors import UsageError


class Design(NamedTuple):
    """The claim of a rule on one-sample units with its numbers, as `rules.make_rule` takes them.

    Rules of equal designs are alike in all but what they were fed.
    """

    claim: Claim
    alpha: float
    beta: float
    max_units: int
    margin: float = 0.0
    min_units: int = 1
    binary: bool = True
    extend: bool = False


def check_design(*, alpha: float, beta: float, max_units: int, min_units: int) -> None:
    """Refuse an error rate or a number of units outside its range.

    Args:
        alpha: P(wrong supported), at most; in (0, 1).
        beta: P(wrong refuted), at most; in (0, 1).
        max_units: The last unit at which a verdict may come.
        min_units: The first, in 1..max_units.

    Raises:
        UsageError: One is outside its range.
    """
    for name, level in (("alpha", alpha), ("beta", beta)):
        if not 0.0 < level < 1.0:
            raise UsageError(f"{name} lies between 0 and 1, got {level!r}", fix=f"{name}=0.05")
    if not 1 <= min_units <= max_units:
        raise UsageError(
            f"the first verdict may come at {min_units} and the last at {max_units} units",
            fix="1 <= min_trials <= max_trials",
        )
