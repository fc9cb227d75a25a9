"""The rule of a ranking: one contest, fed round by round until its question is answered."""

from __future__ import annotations

import math
from array import array
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from pytest_velo.claims import Ranking
from pytest_velo.stats.contest.contest import SET_SHARE, Contest
from pytest_velo.stats.contest.wealth import bar_of, fewest_rounds
from pytest_velo.stats.engine.arrays import Flags
from pytest_velo.stats.engine.design import Design
from pytest_velo.stats.limits import constant, mean_limit
from pytest_velo.verdicts import Interval, Verdict

_FARTHEST = 20
"""Beyond this many times the rounds there were, an extrapolation says nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where an arm stands.

    Attributes:
        low, high: The first and the last rank that it may have, from 1; arms that are equally good share one.
        may_win: It may be the best, or among the first `top`.
        n: Rounds that count for it.
        interval: Of its mean, on the scale [0, 1]; those of all arms hold together. None before any round.
    """

    low: int
    high: int
    may_win: bool
    n: int
    interval: Interval | None


class RankingRule:
    """Which arms are the best, from bounds of their outcomes; on the scale [0, 1], and more is better.

    Attributes:
        n: Rounds fed.
    """

    kind = "ville"

    def __init__(self, claim: Ranking, arms: tuple[str, ...], design: Design) -> None:
        self.n = 0
        self._top = claim.top
        self._named = None if claim.best is None else arms.index(claim.best)
        self._design = design
        self._n_arms = n_arms = len(arms)
        self._margin = design.margin / claim.of.scale.span
        self._contest = Contest(1, n_arms, alpha=design.alpha, margin=self._margin, by_order=claim.top > 1)
        self._in, self._out = np.zeros(n_arms, dtype=bool), np.zeros(n_arms, dtype=bool)
        self._lows = [array("d") for _ in range(n_arms)]
        self._highs = [array("d") for _ in range(n_arms)]
        self.winners: tuple[int, ...] = ()
        self.is_refuted = False

    @property
    def in_play(self) -> tuple[int, ...]:
        """The arms that the next round draws: those whose place is open; never none, for rounds go on."""
        if self._top > 1:
            settled = self._in | self._out
            return tuple(np.flatnonzero(self._in if settled.all() else ~settled).tolist())
        playing = ~self._contest.left[0]
        if self._named is not None:
            playing[self._named] = True  # until it is refuted at its own level
        # Evidence may rule out everybody, in the few runs in which it is wrong.
        return tuple(np.flatnonzero(playing | ~playing.any()).tolist())

    def feed(self, bounds: Mapping[int, tuple[float, float] | None]) -> Verdict | None:
        """Take in a round: the bounds of each arm that was drawn; None for one that does not count."""
        shape = (1, self._n_arms)
        lows, highs = np.zeros(shape), np.zeros(shape)
        drawn, counted = np.zeros(shape, dtype=bool), np.zeros(shape, dtype=bool)
        for arm, ends in bounds.items():
            drawn[0, arm] = True
            if ends is not None:
                counted[0, arm] = True
                lows[0, arm], highs[0, arm] = ends
                self._lows[arm].append(ends[0])
                self._highs[arm].append(ends[1])
        self._contest.feed(lows, highs, drawn, counted)
        self.n += 1
        if self._top > 1:
            self._sort_out()
        return self._verdict() if self.n >= self._design.min_units else None

    def _sort_out(self) -> None:
        """Settle who is among the first, and who is not; each that is settled settles the others sooner.

        An arm that is better than all but `top` others is in. Once it is, the rest are asked for one place
        less among themselves. An arm to which as many are superior as there are places left is out.
        """
        beats, left = self._contest.beats[0], True
        while left:
            open_ = ~(self._in | self._out)
            places, n_open = self._top - int(self._in.sum()), int(open_.sum())
            among = beats & open_[:, None] & open_[None, :]
            enter = open_ & (among.sum(axis=1) >= n_open - places)
            leave = open_ & ~enter & (among.sum(axis=0) >= places)
            self._in |= enter
            self._out |= leave
            left = bool(enter.any() or leave.any())

    def _verdict(self) -> Verdict | None:
        if self._top > 1:
            if (self._in | self._out).all():
                self.winners = tuple(np.flatnonzero(self._in).tolist())
                return Verdict.SUPPORTED
            return None
        if self._named is not None:
            against = float(self._contest.log_e_against[0, self._named])
            self.is_refuted = self.is_refuted or against >= math.log(1.0 / self._design.beta)
        winner = self._winner()
        if winner is not None and self._named in (None, winner):
            self.winners = (winner,)
            return Verdict.SUPPORTED
        return Verdict.REFUTED if self.is_refuted else None

    def _winner(self) -> int | None:
        """Return the arm that is the best, within the margin; None while that is open."""
        left, near = self._contest.left[0], self._contest.near[0]
        settled: Flags = (near | left[None, :] | np.eye(self._n_arms, dtype=bool)).all(axis=1) & ~left
        if self._named is not None:
            return self._named if settled[self._named] else None
        found = np.where(settled, self._contest.sums[0], -np.inf)
        return int(found.argmax()) if settled.any() else None

    def min_more(self) -> int:
        """Return a number of further rounds before which no verdict can come."""
        bar = math.log(1.0 / max(self._design.alpha, self._design.beta))
        return max(1, fewest_rounds(bar) - self.n, self._design.min_units - self.n)

    def expected_more(self) -> int:
        """Guess the further rounds from the slowest of the arms that must leave."""
        left, in_all = self._design.max_units - self.n, self.rounds_in_sight()
        return max(1, left if in_all is None else min(left, in_all - self.n))

    def rounds_in_sight(self) -> int | None:
        """Guess the rounds that leave one arm, if evidence goes on as it did; None if none are in sight."""
        is_open = not (self.winners or self.is_refuted)
        log_e = np.sort(self._contest.log_e_against[0, list(self.in_play)])
        if not is_open or self._top > 1 or not self.n or len(log_e) < 2 or log_e[1] <= 0.0:
            return None
        in_all = math.ceil(self.n * self._contest.set_bar / float(log_e[1]))
        return in_all if in_all <= _FARTHEST * self.n else None

    def log_e_against(self) -> tuple[float, ...]:
        """Return the log evidence against each arm being the best."""
        return tuple(self._contest.log_e_against[0].tolist())

    def places(self) -> tuple[Place, ...]:
        """Return where each arm stands; all of them hold at once with probability 1 - alpha.

        The intervals are another statement: all of them hold at once with probability 1 - alpha.
        """
        beats, m = self._contest.beats[0], self._n_arms
        may_win = self._may_win()
        low, high = 1 + beats.sum(axis=0), m - beats.sum(axis=1)
        n_sure = len(self.winners) if not self._margin else 0
        low = np.where(may_win, low, np.maximum(low, self._top + 1))
        if n_sure:
            high = np.where(may_win, np.minimum(high, self._top), high)
        return tuple(
            Place(
                low=int(low[arm]),
                high=int(max(low[arm], high[arm])),
                may_win=bool(may_win[arm]),
                n=len(self._lows[arm]),
                interval=self._interval(arm),
            )
            for arm in range(m)
        )

    def _may_win(self) -> Flags:
        return ~self._out if self._top > 1 else ~self._contest.left[0]

    def _interval(self, arm: int) -> Interval | None:
        """Return a confidence sequence of an arm's mean, at its share of alpha: for the winner, too.

        Whoever wins was chosen by what is reported of it, so its own interval at 1 - alpha would be too
        narrow; of intervals that hold for all arms at once, and at any time, any may be chosen. Where earlier
        rounds ruled out what all of them show, it is the larger set of `rules.interval`.
        """
        lows, highs = self._lows[arm], self._highs[arm]
        if not lows:
            return None
        bars = constant(self._design.alpha / (2 * self._n_arms))
        low, high = mean_limit(lows, 1, bars), mean_limit(highs, -1, bars)
        least, most = sum(lows) / len(lows), sum(highs) / len(highs)
        if low > least or high < most:
            low = min(mean_limit(lows, 1, bars, at_stop=True), low, least)
            high = max(mean_limit(highs, -1, bars, at_stop=True), high, most)
        return Interval(low=low, high=high, level=1.0 - self._design.alpha)


def fewest_rounds_of(claim: Ranking, n_arms: int, design: Design) -> int:
    """Return the fewest rounds a ranking needs, if those who win it win every round outright."""
    if claim.top > 1:
        n_settled = claim.top * (n_arms - claim.top)
        return fewest_rounds(bar_of(design.alpha, shares=n_arms * (n_arms - 1) - n_settled + 1))
    return fewest_rounds(bar_of(design.alpha * SET_SHARE, shares=2.0 if design.margin else 1.0))
