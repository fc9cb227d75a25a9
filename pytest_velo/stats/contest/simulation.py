"""Contests played many times at given true rates: how many rounds and trials they take."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pytest_velo.stats.contest.contest import Contest
from pytest_velo.stats.contest.stages import stage_of
from pytest_velo.stats.engine.arrays import Counts, Flags


@dataclass(frozen=True, slots=True, kw_only=True)
class Simulated:
    """What became of the contests, one value a run.

    Attributes:
        n_trials: Trials of all arms.
        n_rounds: Rounds.
        settled: One arm was left, or one was as good as the best.
        left: Which arms were out at the end.
        beats: Which arm was found better than which.
    """

    n_trials: Counts
    n_rounds: Counts
    settled: Flags
    left: Flags
    beats: Flags


def simulate(
    rates: Sequence[float],
    *,
    alpha: float,
    max_rounds: int,
    n_runs: int,
    seed: int = 0,
    alike: float = 0.0,
    ordered: bool = False,
    to_the_end: bool = False,
) -> Simulated:
    """Play contests whose arms come out 1 at the given rates, in stages as a run does.

    Args:
        rates: The true rate of each arm.
        alpha: As in `Contest`.
        max_rounds: Where an open contest ends.
        n_runs: How many are played.
        seed: Of the outcomes.
        alike: The chance that an arm's outcome goes by how hard the round's case is, which all arms share;
            else it is the arm's own luck.
        ordered: Compare all pairs, too.
        to_the_end: Go on to `max_rounds`: whoever looks at all times sees all there is.
    """
    rng = np.random.default_rng(seed)
    p = np.asarray(rates, dtype=float)
    contest = Contest(n_runs, len(p), alpha=alpha, ordered=ordered)
    n_trials, n_rounds = np.zeros(n_runs, dtype=np.int64), np.zeros(n_runs, dtype=np.int64)
    settled = np.zeros(n_runs, dtype=bool)
    drawn, ends = ~contest.left, np.zeros(n_runs, dtype=np.int64)
    for n in range(max_rounds):
        begins = ends <= n
        drawn[begins] = ~contest.left[begins]
        sizes = [stage_of(n, n_drawn) for n_drawn in range(len(p) + 1)]
        ends[begins] = n + np.take(sizes, drawn[begins].sum(axis=1))
        in_play = drawn & ~(settled[:, None] & (not to_the_end))
        n_trials += in_play.sum(axis=1)
        n_rounds += in_play.any(axis=1)
        own, shared = rng.random((n_runs, len(p))), rng.random((n_runs, 1))
        luck = np.where(rng.random((n_runs, len(p))) < alike, shared, own)
        outcomes = (luck < p).astype(float)
        contest.feed(outcomes, outcomes, in_play, in_play)
        settled |= (~contest.left).sum(axis=1) <= 1
        if settled.all() and not to_the_end:
            break
    return Simulated(
        n_trials=n_trials, n_rounds=n_rounds, settled=settled, left=contest.left, beats=contest.beats
    )
