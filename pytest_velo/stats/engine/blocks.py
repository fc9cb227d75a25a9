"""Centres from blocks: one of several outcomes, less their mean, where only that one is labelled.

A judge says f of every trial, people say y of few: of each block of K consecutive trials, one is chosen by
the seed alone, and labelled. The unit of evidence is the label, and its centre is

    g = share * (f of the chosen trial - mean f of its block).

The choice depends on no outcome. So given all that came before and the f of the whole block, g is 0 on
average, whatever the judge says: right, wrong, constant, inverted or chosen to mislead. And given what came
before, the label's mean is the true mean, since each trial of the block has it. So y - c * g has the true
mean for every c that is settled before the block, and `engine.centred` bets on it: nothing of its theorem
changes.

Two things would break it, and ``tests/calibration/test_truth.py`` shows that they do: a choice that looks at
the outcomes, and a mean of f over other trials than the block's.

What is gained is variance: that of y falls by the squared correlation of y and f, and rises by
c^2 var(f) / K, because the mean of f is known from K trials only.

How much may be bet depends on the largest centre that can come, which is near 1 if nothing is known. But the
mean of f varies little from block to block. So each block has `ends` that are foreseen from earlier ones, and
where a block's f would exceed them, its `share` is as small as it takes; else it is 1. The share depends on
the f of the block as a whole, so g is still 0 on average.

Sources: Angelopoulos, Bates, Fannjiang, Jordan & Zrnic (2023), "Prediction-powered inference", Science
382:6671 (labels for a few, predictions for all); Csillag, Struchiner & Goedert (2025), "Prediction-powered
e-values" (that such estimates can be bet on). The blocks, which need no known share of labels, are ours.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from pytest_velo.stats.engine.centred import Centring, Stakes

USUAL_SHARE = 0.5
"""The coefficient before any label: that of a judge which is right more often than not."""

NEAREST_END = 0.1
"""No foreseen end is nearer to 0."""

WIDTHS = 2.5
"""Deviations of the blocks' means from the foreseen mean to the farthest one that the ends reckon with."""

PRIOR_BLOCKS = 1.0
PRIOR_MEAN = 0.5
PRIOR_SQUARES = 0.04
"""What stands for earlier blocks: one, at this mean, and this sum of squares around it."""

LEAST_WIDTH = 0.02

STAKES = Stakes(effects=(0.15, 0.3, 0.6, 1.2), weights=(0.225, 0.225, 0.225, 0.225, 0.1))
"""A label is dear, so the bets aim nearer than those of `engine.adaptive`; see ``benchmarks/truth.py``."""

CENTRING = Centring(-1.0, 1.0, 0.25, start=USUAL_SHARE, nearest=NEAREST_END, stakes=STAKES)
"""What is known of such centres before the first block."""


class Blocks:
    """Foresees the ends of each block's centre, and gives the centre."""

    __slots__ = ("_n", "_squares", "_sum")

    def __init__(self) -> None:
        self._n = 0
        self._sum = 0.0
        self._squares = 0.0

    def centre(self, judged: Sequence[float | None], chosen: int) -> tuple[float, tuple[float, float]]:
        """Take in the next block; return the centre of its chosen trial, and the ends foreseen for it.

        Args:
            judged: What the judge says of each trial, in [0, 1]; None where it says nothing. That counts as
                the mean of the others, so it foresees nothing.
            chosen: Which of them is labelled, from 0.
        """
        low, high = self._foreseen()
        said = [value for value in judged if value is not None]
        mean = math.fsum(said) / len(said) if said else PRIOR_MEAN
        value = judged[chosen]
        above, below = max(said, default=mean) - mean, mean - min(said, default=mean)
        share = min(1.0, high / above if above > high else 1.0, -low / below if below > -low else 1.0)
        self._n += 1
        self._sum += mean
        self._squares += mean * mean
        return (0.0 if value is None else share * (value - mean)), (low, high)

    def _foreseen(self) -> tuple[float, float]:
        n = self._n
        mean = (self._sum + PRIOR_BLOCKS * PRIOR_MEAN) / (n + PRIOR_BLOCKS)
        squares = self._squares - self._sum**2 / n if n else 0.0
        deviation = math.sqrt((max(0.0, squares) + PRIOR_SQUARES) / (n + PRIOR_BLOCKS))
        width = max(LEAST_WIDTH, WIDTHS * deviation)
        return -max(NEAREST_END, min(1.0, mean + width)), max(NEAREST_END, min(1.0, 1.0 - mean + width))
