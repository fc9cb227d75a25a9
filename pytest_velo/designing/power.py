"""Whether a verdict is likely enough, told before anything is paid for; what is computed is in `foreseen`."""

from __future__ import annotations

from pytest_velo.claims import AnyClaim, Change, Claim, Direction
from pytest_velo.errors import UsageError
from pytest_velo.runner.frame import Frame
from pytest_velo.stats.rules.centred import is_centred

FEW_UNITS = 50
"""So many groups or fewer are few: where they show little, it is said although nothing is expected."""


def check_expected(claim: AnyClaim, frame: Frame, expect: float | None) -> None:
    """Check what is expected, which nothing is computed for.

    Raises:
        UsageError: The power of such a claim is not known, or its statistic is never as expected.
    """
    if expect is None:
        return
    if not is_foreseeable(claim, frame):
        raise UsageError(
            "expect= needs one claim about outcomes of 0 or 1, not about a baseline or a list looked at once",
            fix="leave it out: the power is unknown here",
        )
    assert isinstance(claim, Claim)
    low, high = claim.statistic.scale
    if not low < expect < high:
        raise UsageError(
            f"expect={expect:g} is no value of `{claim.statistic}`, which lies between {low:g} and {high:g}",
            fix="the rate, or the difference of rates, that you expect",
        )


def low_power(claim: AnyClaim, frame: Frame, expect: float | None) -> str | None:
    """Return a warning if what is expected would seldom be found, or if few groups show little at all.

    Raises:
        UsageError: As in `check_expected`.
    """
    check_expected(claim, frame, expect)
    if not is_foreseeable(claim, frame):
        return None
    assert isinstance(claim, Claim)
    many = frame.design.max_units > FEW_UNITS or claim.direction is Direction.WITHIN
    if is_centred(claim, frame.design) or (expect is None and (frame.design.single or many)):
        return None  # with a covariate a plan says what is expected of it, which is no exact power
    from pytest_velo.designing import foreseen  # weight: numpy, for expect= and few groups only

    return foreseen.warning(claim, frame, expect)


def is_foreseeable(claim: AnyClaim, frame: Frame) -> bool:
    """Tell whether the power of a claim can be computed at what its author expects."""
    if type(claim) is not Claim or frame.design.census is not None:
        return False
    return claim.statistic.binary and not isinstance(claim.statistic, Change)
