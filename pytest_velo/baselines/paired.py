"""Two samples of one statistic, paired on the case: how much they differ, valid at any stopping time.

The pairs are fed in order to the rule of a difference. Two runs that each stopped on their own data may be
compared on the pairs they share: the earlier of two stopping times is a stopping time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import NamedTuple

from pytest_velo.baselines.entry import Entry, StoredTurn
from pytest_velo.claims import Claim, Mean, Rate, Scale, baseline
from pytest_velo.stats.engine.design import Design
from pytest_velo.stats.rules.choice import Rule, rule_for
from pytest_velo.stats.rules.interval import HasIntervalAtStop, reported
from pytest_velo.verdicts import Interval, Verdict


class Pair(NamedTuple):
    """Two outcomes of the same case and repeat, in the statistic's own units; None for an invalid one."""

    now: float | None
    before: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What pairs of outcomes say about a difference.

    Attributes:
        claim: The claim that was tested.
        verdict: On the claim; never `measured`.
        certified: The inequality that the verdict certifies.
        n_pairs: Pairs that were fed, including invalid ones.
        n_units: Units they make: the pairs, or the cases or groups they belong to.
        n_invalid: Pairs with an invalid side; each is bounded by what that side could have been.
        n_up, n_down: Valid pairs in which the outcome is now larger, and smaller.
        mean_now, mean_before: Mean outcome of the valid pairs (the mean over units of their means), in the
            statistic's units; None without any.
        interval: Anytime-valid interval of the mean difference in the statistic's units, at level
            1 - alpha - beta, from every pair; None before any.
        n_more: A guess of the further units to a verdict; None if there is one or none is in sight.
        p_value: Of there being no difference from the claim's edge, either way; in [0, 1].
    """

    claim: Claim
    verdict: Verdict
    certified: str
    n_pairs: int
    n_units: int
    n_invalid: int
    n_up: int
    n_down: int
    mean_now: float | None
    mean_before: float | None
    interval: Interval | None
    n_more: int | None
    p_value: float = 1.0

    @property
    def difference(self) -> float | None:
        """Mean of now minus before over the valid pairs; None without any."""
        if self.mean_now is None or self.mean_before is None:
            return None
        return self.mean_now - self.mean_before


def compare(
    claim: Claim,
    pairs: Sequence[Pair],
    *,
    max_units: int,
    alpha: float = 0.05,
    beta: float = 0.05,
    margin: float = 0.0,
    units: Sequence[int] | None = None,
) -> Comparison:
    """Test a claim about a difference on pairs in the order they were sampled.

    All pairs are used: a verdict reached on the way stays, and the interval keeps shrinking.

    Args:
        claim: A claim about a difference, e.g. `rate >= baseline - 0.05`.
        pairs: Now and before; those beyond `max_units` units are left out.
        max_units: Most units there could have been, fixed beforehand.
        alpha: P(wrong supported), at most; in (0, 1).
        beta: P(wrong refuted), at most; in (0, 1).
        margin: How far off the claim must be to count as false, from 0, in the statistic's units.
        units: The complete unit each pair belongs to, whose mean is the evidence: a group, or a case drawn
            several times. None: each pair is one.

    Raises:
        UsageError: A number is outside its range.
    """
    grouped = _grouped(pairs, units)[:max_units]
    n = len(grouped)
    design = Design(
        alpha=alpha,
        beta=beta,
        max_units=max_units,
        margin=margin,
        min_units=max(1, n),  # the tests are latched: the verdict is read after the last unit
        single=units is None,
    )
    rule = rule_for(claim, design)
    verdict = _fed(rule, grouped, claim.statistic.outcomes)
    more = rule.expected_more() if verdict is Verdict.INCONCLUSIVE else 0
    valid = [_valid(unit) for unit in grouped]
    sides = [now - before for unit in valid for now, before in unit]
    n_pairs = sum(map(len, grouped))
    now = _mean([[now for now, _ in unit] for unit in valid])
    before = _mean([[before for _, before in unit] for unit in valid])
    return Comparison(
        claim=claim,
        verdict=verdict,
        certified=rule.certified(verdict),
        n_pairs=n_pairs,
        n_units=n,
        n_invalid=n_pairs - len(sides),
        n_up=sum(side > 0 for side in sides),
        n_down=sum(side < 0 for side in sides),
        mean_now=now,
        mean_before=before,
        interval=_interval(rule, now, before) if n else None,
        n_more=more if 0 < more < max_units - n else None,
        p_value=min(1.0, 2 * min(rule.evidence_bounds()[:2])) if n else 1.0,
    )


def changed(
    statistic: Rate | Mean,
    pairs: Sequence[Pair],
    *,
    max_units: int,
    alpha: float = 0.05,
    units: Sequence[int] | None = None,
) -> Comparison:
    """Test whether a statistic changed, either way, at `alpha`: two one-sided tests at half of it each.

    Args:
        statistic: What the outcomes are averaged to.
        pairs: As in `compare`.
        max_units: As in `compare`.
        alpha: P(a change is reported although there is none), at most; in (0, 1).
        units: As in `compare`.

    Returns:
        The claim is that the statistic is not below what it was: supported, it rose; refuted, it fell. The
        interval is two-sided at 1 - alpha and agrees: it excludes 0 if the statistic changed.
    """
    claim = statistic >= baseline
    return compare(claim, pairs, max_units=max_units, alpha=alpha / 2, beta=alpha / 2, units=units)


def changed_somewhere(
    statistic: Rate | Mean,
    pairs: Sequence[Pair],
    *,
    max_units: int,
    alpha: float = 0.05,
    units: Sequence[int] | None = None,
) -> Comparison:
    """Test whether any case of a fixed list changed, with each case looked at once, in random order.

    What remains of such a list depends on what was seen, so its pairs are not a sample from one law, and
    `changed` and its interval say nothing certain about the mean change. They do about each case. If no case
    is better than before, the next pair has a mean of at most 0, given all earlier ones and whichever case
    it comes from; if none is worse, of at least 0; and if nothing changed it is exchangeable.

    Args:
        statistic: What the outcomes are averaged to.
        pairs: As in `compare`, one of each case.
        max_units: As in `compare`.
        alpha: P(a change is reported although no case changed), at most; in (0, 1).
        units: As in `compare`.

    Returns:
        Supported: some cases have a larger mean outcome than before; refuted: some have a smaller one. Each
        is wrong with probability alpha / 2 at most. There is no interval.
    """
    found = changed(statistic, pairs, max_units=max_units, alpha=alpha, units=units)
    return replace(found, certified=f"{found.certified} in some of these cases", interval=None)


def drift(
    entry: Entry,
    statistic: Rate | Mean,
    now: Sequence[StoredTurn],
    *,
    alpha: float = 0.05,
    max_units: int | None = None,
    units: Sequence[int] | None = None,
) -> Comparison | None:
    """Test how far a statistic has moved since the first accepted baseline.

    Ten accepted losses of 2 points add up to 20, which no comparison with the current baseline shows.

    Args:
        entry: The entry whose anchor is compared with.
        statistic: What the outcomes are averaged to.
        now: The turns of this run, in the order they were sampled.
        alpha: P(a change is reported although there is none), at most; in (0, 1).
        max_units: Most units there could have been; None: as many as the anchor has turns.
        units: The complete unit each turn of `now` belongs to; None: each turn is one.

    Returns:
        As in `changed`; None if the turns are not of the same cases in the same order.

    Raises:
        UsageError: `alpha` is outside (0, 1).
    """
    pairs = paired(now, entry.anchor.turns)
    if pairs is None:
        return None
    if units is not None and len(units) > len(pairs):  # the anchor ends inside a unit
        cut = units[len(pairs)]
        units = [unit for unit in units[: len(pairs)] if unit != cut]
        pairs = pairs[: len(units)]
    horizon = max(1, entry.anchor.n) if max_units is None else max_units
    return changed(statistic, pairs, max_units=horizon, alpha=alpha, units=units)


def paired(now: Sequence[StoredTurn], before: Sequence[StoredTurn]) -> list[Pair] | None:
    """Pair two samples, turn by turn, up to the end of the shorter; None if their cases differ."""
    shorter = list(zip(now, before, strict=False))
    if any(new[:2] != old[:2] for new, old in shorter):
        return None
    return [Pair(new.outcome, old.outcome) for new, old in shorter]


def _grouped(pairs: Sequence[Pair], units: Sequence[int] | None) -> list[list[Pair]]:
    """Return the pairs of each unit."""
    if units is None:
        return [[pair] for pair in pairs]
    numbered = groupby(zip(units, pairs, strict=True), key=lambda numbered: numbered[0])
    return [[pair for _, pair in unit] for _, unit in numbered]


def _fed(rule: Rule, grouped: Sequence[Sequence[Pair]], outcomes: Scale) -> Verdict:
    """Feed the units to a rule, which may decide at the last one, and return its verdict."""
    verdict = None
    for unit in grouped:
        verdict = rule.feed(*_bounds(unit, outcomes))
    return verdict or Verdict.INCONCLUSIVE


def _interval(rule: Rule, now: float | None, before: float | None) -> Interval | None:
    """Return the interval of the difference, which does not exclude the one observed."""
    difference = None if now is None or before is None else now - before
    at_stop = rule.interval_at_stop if isinstance(rule, HasIntervalAtStop) else None
    return reported(rule.evidence_bounds()[2], difference, at_stop).interval


def _bounds(unit: Sequence[Pair], outcomes: Scale) -> tuple[float, float]:
    """Return the bounds of the mean of (now - before + 1) / 2, outcomes mapped to [0, 1]."""

    def ends(outcome: float | None) -> tuple[float, float]:
        return (0.0, 1.0) if outcome is None else (outcomes.to_unit(outcome),) * 2

    low = high = 0.0
    for pair in unit:
        (now_low, now_high), (before_low, before_high) = ends(pair.now), ends(pair.before)
        low += (now_low - before_high + 1.0) / 2.0
        high += (now_high - before_low + 1.0) / 2.0
    return low / len(unit), high / len(unit)


def _valid(unit: Sequence[Pair]) -> list[tuple[float, float]]:
    return [(pair.now, pair.before) for pair in unit if pair.now is not None and pair.before is not None]


def _mean(units: Sequence[Sequence[float]]) -> float | None:
    """Return the mean over units of their means; None if all are empty."""
    means = [sum(unit) / len(unit) for unit in units if unit]
    return sum(means) / len(means) if means else None
