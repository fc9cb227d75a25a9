"""The chance that a run still gives a verdict, for the looks at which a run asks for it.

The evidence of 0/1 units depends on their counts alone, so the chances of all runs of one design lie in one
table: for each look and each number of ones. A backward pass makes the table for the price of a look or two,
and hypotheses of the same design share it. Loaded on use: it needs numpy.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from pytest_velo.stats.engine.design import Design
from pytest_velo.stats.planning.futility import chances_of, usual_futility
from pytest_velo.stats.rules.rate import PRIOR, make_rule

if TYPE_CHECKING:
    from pytest_velo.stats.planning.futility import Values

_TABLES = 64
"""Tables kept; one of a horizon of 1,000 takes 80 kB."""


class Standing(NamedTuple):
    """What a run of single 0/1 units came to so far, without a verdict.

    Attributes:
        ones: Valid units that came out 1.
        valid, invalid: Units fed; an invalid one is held against both sides.
        latched: Tests for the claim that have rejected, as bits.
    """

    ones: int
    valid: int
    invalid: int
    latched: int


def chance_of_verdict(design: Design, standing: Standing) -> float | None:
    """Return P(a verdict by the horizon) with a Jeffreys prior on the rate; None where no run looks.

    Args:
        design: One on single 0/1 units.
        standing: What was fed so far; further units are taken as valid.
    """
    states = _table(design, standing.invalid).get(standing.valid)
    return None if states is None else float(states[standing.latched][standing.ones])


@lru_cache(maxsize=_TABLES)
def _table(design: Design, n_invalid: int) -> dict[int, Values]:
    """Return the chances at the looks, counted in valid units, the invalid ones being fed before them."""
    rule = make_rule(**design._asdict())
    for _ in range(n_invalid):
        rule.feed(0.0, 1.0)
    looks = usual_futility(design.max_units).looks(design.max_units, design.min_units)
    return chances_of(
        *rule.barriers(),
        horizon=design.max_units - n_invalid,
        first_look=max(1, design.min_units - n_invalid),
        looks={n - n_invalid for n in looks},
        prior=PRIOR + n_invalid / 2,
    )
