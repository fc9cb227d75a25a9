"""What stood beside the outcomes: a number known of each case, labels of a few trials."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pytest_velo.verdicts import Interval


@dataclass(frozen=True, slots=True, kw_only=True)
class CovariateSeen:
    """What a covariate was expected to say about the outcomes, and what it said.

    Attributes:
        name: Where it comes from: a field, a function, an earlier run, the trials before.
        used: The verdict uses it. That was settled before the sampling.
        expected: Its correlation with the outcomes as it was expected, without a sign; `declared` by its
            author, or assumed.
        correlation: As it was observed; None of few units, or where one of both never varied.
        adjusted: The mean outcome at the covariate's mean over the list, in the statistic's own units; None
            likewise.
        n_saved: Units that it saved (below 0: cost), as an estimate from the observed correlation; None
            without a verdict.
        low, high, variance: The range and the variance of the centres over the list.
        centres: How far the number of each case that came up lies from the mean over the list, in widths of
            its range, by the id of the case. Of a learned one, as it was foreseen at the end.
        kinds: The kind of each case that came up, by its id, if it was learned; else None.
        shares: What share of the list each kind is that came up; None likewise.
    """

    name: str
    used: bool
    expected: float
    declared: bool
    correlation: float | None
    adjusted: float | None
    n_saved: int | None
    low: float
    high: float
    variance: float
    centres: Mapping[str, float]
    kinds: Mapping[str, str] | None = None
    shares: Mapping[str, float] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TruthSeen:
    """What people said of a few trials, beside what was judged of all.

    Attributes:
        source: The file of the labels, as the test names it.
        every: One trial in so many is labelled.
        by: Whose labels count; empty for those of all.
        n_judged: Trials of complete blocks: those that were judged.
        n_labelled: Labels that count, skipped ones included; `n_skipped` of them cannot say.
        n_waiting: Trials that are chosen and have no label yet.
        n_changed: Of these, trials that have a label of something else that was said.
        judged: The mean of what was judged, in the statistic's own units; None without any.
        judged_interval: Anytime-valid, about what is judged and not about the truth.
        correlation: Of labels and judged outcomes; None of few labels, or where one of both never varied.
        agreement: Share of the labels that are what was judged, of 0/1 outcomes that have both; None without
            any, and for scores.
        n_alone: Labels that would have decided it without any judge, as an estimate; None without a verdict.
        labels: What was said of the trials, by their indices, in the statistic's own units; None for skipped.
    """

    source: str
    every: int
    by: str = ""
    n_judged: int
    n_labelled: int
    n_skipped: int
    n_waiting: int
    n_changed: int
    judged: float | None
    judged_interval: Interval | None
    correlation: float | None
    agreement: float | None
    n_alone: int | None
    labels: Mapping[int, float | None]
