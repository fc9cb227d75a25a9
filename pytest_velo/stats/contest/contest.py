"""The evidence of a contest of arms that are drawn in rounds, for many runs of it at once.

In a round every arm still in play gets one trial on the same case. Arms that are out get no more. Which arms
are in play depends on earlier rounds alone, so all that is said here holds whatever decides when they leave
and when sampling stops.

**The set that may hold the best.** Each arm has one test martingale against "this arm is the best". In each
round it bets on one rival: the one that leads before the round (the runner-up, for the leader itself). If the
arm is the best, then given the past the mean of (rival - arm) is at most 0 whoever the rival is, so no bet on
it pays, and the arm leaves the set with probability at most alpha, ever. There is one best arm, so nothing is
multiplied: P(the best leaves) <= alpha for 30 arms as for 2. Of several that are equally good, each stays
with that probability. Averaging over all rivals instead would cost up to log(m - 1) of evidence.

**The order.** Each ordered pair has a martingale against "a is no better than b", and `stepdown` says which
of them are rejected together.

**As good as the best.** With a margin, an arm is said to be as good as the best if every other one either has
left the set or is not better by the margin or more. Let b be the best. Wrong are b's own leaving, and a
rejection of "b is better than a by the margin" for an a of which it is true; there are at most m - 1 of them.
Half of alpha for the first and half for the others together keeps P(wrong) <= alpha, by the union bound.

Sources: Ville (1939); Even-Dar, Mannor and Mansour (2006), JMLR 7:1079, for elimination in rounds; Howard and
Ramdas (2022), "Sequential estimation of quantiles with applications to A/B testing and best-arm
identification", Bernoulli 28:1704, for doing so with always-valid evidence. Loaded on use: it needs numpy.
"""

from __future__ import annotations

import numpy as np

from pytest_velo.stats.contest.stepdown import rejected
from pytest_velo.stats.contest.wealth import N_BETS, bar_of, log_evidence, log_gains
from pytest_velo.stats.engine.arrays import Flags, Floats

SET_SHARE = 0.9
"""Of alpha, for the set that may hold the best; the order of the others has the rest.

So whatever a table says holds at once with probability 1 - alpha, and the verdict pays next to nothing for
it: log(1/0.9) = 0.1 of evidence.
"""


class Contest:
    """The evidence of `n_runs` contests of `n_arms` arms; outcomes are in [0, 1], and more is better.

    Args:
        n_runs: Contests that are fed together.
        n_arms: From 2.
        alpha: P(anything that is said is wrong), at most, at any time.
        margin: Differences below this do not matter, from 0, on the scale [0, 1].
        by_order: All of alpha goes to the order of pairs, for the question who is among the first k.
        ordered: Compare all pairs; the set alone needs none of them.

    Attributes:
        left: Which arms are out of the set that may hold the best.
        beats: Which arm (second axis) is better than which (third).
        near: Which arm is not worse than which by the margin or more; nothing without a margin.
        sums: The sum of each arm's outcomes.
    """

    def __init__(
        self,
        n_runs: int,
        n_arms: int,
        *,
        alpha: float,
        margin: float = 0.0,
        by_order: bool = False,
        ordered: bool = True,
    ) -> None:
        level = alpha * SET_SHARE
        self.set_bar = bar_of(level, shares=2.0 if margin else 1.0)
        self.near_bar = bar_of(level, shares=2.0 * (n_arms - 1))
        self.order_level = alpha if by_order else alpha * (1.0 - SET_SHARE)
        self.left: Flags = np.zeros((n_runs, n_arms), dtype=bool)
        self.beats: Flags = np.zeros((n_runs, n_arms, n_arms), dtype=bool)
        self.near: Flags = np.zeros((n_runs, n_arms, n_arms), dtype=bool)
        self.sums: Floats = np.zeros((n_runs, n_arms))
        self._by_order = by_order
        self._ordered = ordered or by_order
        self._margin = margin
        self._against: Floats = np.zeros((n_runs, n_arms, N_BETS))
        pairs = (n_runs, n_arms, n_arms, N_BETS)
        self._pairs: Floats = np.zeros(pairs if self._ordered else 0)
        self._close: Floats = np.zeros(pairs if margin else 0)
        self._off_diagonal = ~np.eye(n_arms, dtype=bool)

    @property
    def log_e_against(self) -> Floats:
        """The log evidence against each arm being the best."""
        return log_evidence(self._against)

    def rivals(self, in_play: Flags) -> np.ndarray[tuple[int, ...], np.dtype[np.intp]]:
        """Return whom each arm is compared with in a round of the arms `in_play`: known before it."""
        standing = np.where(in_play, self.sums, -np.inf)
        leader = standing.argmax(axis=1)
        runs = np.arange(len(leader))
        standing[runs, leader] = -np.inf
        rivals = np.repeat(leader[:, None], standing.shape[1], axis=1)
        rivals[runs, leader] = standing.argmax(axis=1)
        return rivals

    def feed(self, lows: Floats, highs: Floats, in_play: Flags, counted: Flags) -> None:
        """Take in a round: the bounds of each arm's outcome, shape (runs, arms).

        `in_play` are the arms that were drawn, `counted` those of them whose outcome counts: one that is left
        out moves no evidence that it is part of.
        """
        rivals = self.rivals(in_play)
        both = counted & np.take_along_axis(counted, rivals, axis=1)
        ahead = np.take_along_axis(lows, rivals, axis=1) - highs
        self._against += log_gains(np.where(both, ahead, 0.0))
        self.sums += np.where(counted, (lows + highs) / 2.0, 0.0)
        if self._ordered or self._margin:
            pairs = counted[:, :, None] & counted[:, None, :] & self._off_diagonal
            better = lows[:, :, None] - highs[:, None, :]
            if self._ordered:
                self._pairs += log_gains(np.where(pairs, better, 0.0))
                self._compare()
            if self._margin:
                self._close += log_gains(np.where(pairs, better + self._margin, 0.0))
                self.near |= log_evidence(self._close) >= self.near_bar
        if self._by_order:
            self.left |= self.beats.any(axis=1)
        else:
            self.left |= (self.log_e_against >= self.set_bar) | self.beats.any(axis=1)

    def _compare(self) -> None:
        """Keep the pairs whose order is settled."""
        log_e = log_evidence(self._pairs)[:, self._off_diagonal]
        if (log_e >= bar_of(self.order_level)).any():
            self.beats[:, self._off_diagonal] |= rejected(log_e, self.order_level)
