"""The forest plot in numbers: where an interval, its threshold and its ghost lie, in percent of the width."""

from __future__ import annotations

from dataclasses import dataclass

from pytest_velo.claims import AnyClaim, Claim, EachCase, Estimation, Joint, Ranking, Statistic
from pytest_velo.report.numbers import outward, rate
from pytest_velo.verdicts import Interval


@dataclass(frozen=True, slots=True, kw_only=True)
class Ghost:
    """What was observed before: in an earlier run, or the baseline itself (then without an interval)."""

    estimate: float
    interval: Interval | None
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One statistic of one hypothesis, drawn.

    Attributes:
        estimate, low, high: In percent of the width; None where there is none.
        thresholds: One, or both ends of a claim that it lies within them.
        ghost, ghost_low, ghost_high: Likewise, of before.
        zero: Where no difference lies, on a scale of differences.
        scale: Its ends.
        label: The same in words.
    """

    estimate: float | None
    low: float | None
    high: float | None
    thresholds: tuple[float, ...]
    ghost: float | None
    ghost_low: float | None
    ghost_high: float | None
    zero: float | None
    scale: tuple[str, str]
    label: str


def bar_of(
    statistic: Statistic,
    thresholds: tuple[float, ...],
    estimate: float | None,
    interval: Interval | None,
    ghost: Ghost | None = None,
) -> Bar:
    """Place what is known of a statistic on its scale."""
    scale = statistic.scale

    def at(value: float | None) -> float | None:
        return None if value is None else round(100 * min(1.0, max(0.0, scale.to_unit(value))), 2)

    said = [f"observed {rate(estimate)}"]
    if interval is not None:
        said.append(f"interval {' to '.join(outward(interval))}")
    if thresholds:
        said.append(f"threshold {' and '.join(map(rate, thresholds))}")
    if ghost is not None:
        said.append(f"{ghost.name} {rate(ghost.estimate)}")
    said.append(f"on a scale from {scale.low:g} to {scale.high:g}")
    before = None if ghost is None else ghost.interval
    return Bar(
        estimate=at(estimate),
        low=None if interval is None else at(interval.low),
        high=None if interval is None else at(interval.high),
        thresholds=tuple(place for place in map(at, thresholds) if place is not None),
        ghost=None if ghost is None else at(ghost.estimate),
        ghost_low=None if before is None else at(before.low),
        ghost_high=None if before is None else at(before.high),
        zero=at(0.0) if scale.low < 0 < scale.high else None,
        scale=(f"{scale.low:g}", f"{scale.high:g}"),
        label=", ".join(said),
    )


def thresholds_of(claim: AnyClaim) -> tuple[tuple[float, ...], ...]:
    """Return the thresholds of each part of a claim, in the statistic's own units."""
    match claim:
        case Claim():
            return (tuple(end for end in (claim.low, claim.high) if end is not None),)
        case Joint():
            return tuple(thresholds_of(part)[0] for part in claim.parts)
        case Estimation() | Ranking() | EachCase():
            return ((),)
