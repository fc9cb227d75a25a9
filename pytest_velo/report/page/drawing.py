"""The evidence path in numbers: where the running estimate, its interval and the threshold lie, in pixels."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pytest_velo.baselines.written import claim_of
from pytest_velo.claims import Scale
from pytest_velo.records import HypothesisResult
from pytest_velo.report.numbers import outward, rate
from pytest_velo.report.page.forest import thresholds_of
from pytest_velo.report.page.path import Path
from pytest_velo.report.text import inline
from pytest_velo.verdicts import Interval

WIDTH, HEIGHT = 420, 120
_RIGHT = 36  # for the labels of the thresholds
_EDGE = 6.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    """One statistic's path.

    Attributes:
        name: The statistic, where there are several.
        line: The points of the running estimate.
        band: The corners of its running interval; empty where it is not known.
        thresholds: Heights and values.
        ends: The scale's ends, the upper first.
        n: Units at the right edge.
        label: The same in words.
    """

    name: str
    line: str
    band: str
    thresholds: tuple[tuple[float, str], ...]
    ends: tuple[str, str]
    n: int
    label: str


def drawings_of(result: HypothesisResult, path: Path | None) -> tuple[Drawing, ...]:
    """Return the path of each statistic of a claim; nothing where it cannot be told."""
    claim = claim_of(result.claim)
    if claim is None or path is None or len(path.n) < 2:
        return ()
    found = []
    for at, (statistic, ends) in enumerate(zip(claim.statistics, thresholds_of(claim), strict=True)):
        intervals = path.intervals[at] if path.intervals else ()
        name = inline(str(statistic), 60)
        found.append(_drawing(name, statistic.scale, ends, path.n, path.estimates[at], intervals))
    return tuple(found)


def _drawing(
    name: str,
    scale: Scale,
    thresholds: Sequence[float],
    n: Sequence[int],
    estimates: Sequence[float | None],
    intervals: Sequence[Interval | None],
) -> Drawing:
    def x(units: int) -> float:
        return round(_EDGE + (WIDTH - _RIGHT - _EDGE) * units / n[-1], 1)

    def y(value: float) -> float:
        inside = min(1.0, max(0.0, scale.to_unit(value)))
        return round(_EDGE + (HEIGHT - 2 * _EDGE) * (1.0 - inside), 1)

    seen = [(units, value) for units, value in zip(n, estimates, strict=True) if value is not None]
    known = (
        [(units, ends) for units, ends in zip(n, intervals, strict=True) if ends is not None]
        if intervals
        else []
    )
    upper = (f"{x(units)},{y(ends.high)}" for units, ends in known)
    lower = (f"{x(units)},{y(ends.low)}" for units, ends in reversed(known))
    return Drawing(
        name=name,
        line=" ".join(f"{x(units)},{y(value)}" for units, value in seen),
        band=" ".join((*upper, *lower)),
        thresholds=tuple((y(value), rate(value)) for value in thresholds),
        ends=(f"{scale.high:g}", f"{scale.low:g}"),
        n=n[-1],
        label=", ".join(_said(name, seen, known, thresholds)),
    )


def _said(
    name: str,
    seen: Sequence[tuple[int, float]],
    known: Sequence[tuple[int, Interval]],
    thresholds: Sequence[float],
) -> Iterator[str]:
    yield f"the running {name} over {seen[-1][0] if seen else 0} units"
    if seen:
        yield f"ends at {rate(seen[-1][1])}"
    if known:
        yield f"interval {' to '.join(outward(known[-1][1]))}"
    if thresholds:
        yield f"threshold {' and '.join(map(rate, thresholds))}"
