"""How likely a verdict is at what is expected, and what few groups can show at all, in words."""

from __future__ import annotations

from collections.abc import Sequence

from pytest_velo.claims import Claim, Direction
from pytest_velo.report.numbers import count, percent
from pytest_velo.runner.frame import Frame
from pytest_velo.stats.engine.futility import usual_futility
from pytest_velo.stats.engine.nulls import nulls_of
from pytest_velo.stats.planning import clusters
from pytest_velo.stats.planning.operating import law_with_futility
from pytest_velo.stats.planning.scenarios import scenarios_of
from pytest_velo.stats.rules.rate import make_rate_rule

LEAST = 0.5
"""A power below this at what is expected is a warning."""


def warning(claim: Claim, frame: Frame, expect: float | None) -> str | None:
    """Return a warning if what is expected would seldom be found, or if groups show little at all."""
    if not frame.design.single:
        return clusters_told(claim, frame, expect, always=False)
    assert expect is not None  # nothing is said of single trials without
    return _of_pairs(claim, frame, expect) if claim.statistic.arms else _of_trials(claim, frame, expect)


def _of_trials(claim: Claim, frame: Frame, expect: float) -> str | None:
    futility = usual_futility(frame.design.max_units, frame.futility)
    [run] = law_with_futility(make_rate_rule(claim, frame.design), futility)([expect])
    chance = run.supported
    if chance >= LEAST:
        return None
    return f"if the rate is {expect:g} as expected, `{claim}` is supported in only {_power(chance)} of runs"


def _of_pairs(claim: Claim, frame: Frame, expect: float) -> str | None:
    n = frame.design.max_units
    assumed = scenarios_of(claim, frame.design, usual_futility(n, frame.futility))
    told = [(each.law([expect])[0].supported, each.assuming) for each in assumed]
    if min(chance for chance, _ in told) >= LEAST:
        return None
    return f"{count(n, 'pair')}: {_powers(told, 'difference', expect)}"


def clusters_told(claim: Claim, frame: Frame, expect: float | None, *, always: bool) -> str | None:
    """Say what units that are means show, `always` or if it is little; None if there are too many."""
    units, unit, n = clusters_of(claim, frame), frame.unit.value, frame.design.max_units
    if units is None:
        return None
    ends = clusters.likenesses(units)
    about = "difference" if claim.statistic.arms else "rate"
    if expect is None:
        if n > clusters.MOST_SIMULATED or claim.direction is Direction.WITHIN:
            return None
        halfway = (claim.threshold + clusters.end_of(claim)) / 2.0
        if not always and clusters.power_at(units, ends[0], halfway) >= clusters.POWER:
            return None
        way = "up" if claim.direction is Direction.AT_LEAST else "down"
        seen = [(clusters.smallest_seen(units, end), end.told) for end in ends]
        told = "; ".join(
            f"{'at none' if value is None else f'from {value:.3g} {way}'} where {assumed}"
            for value, assumed in seen
        )
        return f"{count(n, unit)}: a {about} is seen with {percent(clusters.POWER)} power {told}"
    told_powers = [(clusters.power_at(units, end, expect), end.told) for end in ends]
    if not always and min(chance for chance, _ in told_powers) >= LEAST:
        return None
    told = f"{count(n, unit)}: {_powers(told_powers, about, expect)}"
    if not _holds(claim, expect):
        return f"{told}; at it, `{claim}` is false"
    needed = [clusters.units_needed(units, end, expect) for end in ends]
    numbers = " and ".join(
        dict.fromkeys(f"more than {clusters.MOST_UNITS:,}" if n is None else f"{n:,}" for n in needed)
    )
    return f"{told}; {numbers} {unit}s are needed for {percent(clusters.POWER)}"


def clusters_of(claim: Claim, frame: Frame) -> clusters.Clusters | None:
    """Return the units of a claim if they are means, and few enough to be simulated; else None."""
    design, n_arms = frame.design, max(1, len(frame.arms))
    if design.single or design.max_units > clusters.MOST_UNITS:
        return None
    sizes = {trial.unit: trial.unit_size // n_arms for trial in frame.trials()}
    return clusters.Clusters(claim=claim, design=design, unit=frame.unit.value, sizes=(*sizes.values(),))


def _holds(claim: Claim, truth: float) -> bool:
    unit = claim.statistic.scale.to_unit(truth)
    return all((unit - null.threshold) * null.side >= 0.0 for null in nulls_of(claim).support)


def _powers(told: Sequence[tuple[float, str]], about: str, expect: float) -> str:
    """Say which power there is under each assumption."""
    (first, assumed), *others = told
    more = "".join(f", {_power(chance)} where {other}" for chance, other in others)
    return f"{_power(first)} power at the {about} you expect (expect={expect:g}) where {assumed}{more}"


def _power(chance: float) -> str:
    if chance < 0.005:
        return "<1%"
    return ">99%" if chance > 0.995 else f"{chance:.0%}"
