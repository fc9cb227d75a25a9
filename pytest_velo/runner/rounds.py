"""The trials of a ranking: round by round, of the arms that are still in play."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from typing import Protocol

from pytest_velo.case_sets import Planned
from pytest_velo.runner.frame import Frame
from pytest_velo.runner.lookahead import Reach
from pytest_velo.stats.contest.stages import stage_of


class Asking(Protocol):
    """Says which arms the next round draws, by the rounds that it has weighed."""

    @property
    def n(self) -> int:
        """Rounds weighed."""
        ...

    @property
    def in_play(self) -> tuple[int, ...]:
        """The places of the arms that are still in play."""
        ...


class Rounds(Reach):
    """The trials of a ranking, planned a stage at a time: the rounds whose arms are known together.

    Who is in play is decided between stages, by all rounds before them and by nothing else, so that the
    trials of a run, and its verdict, do not depend on how many are in flight or on which came first. An arm
    that leaves early in a stage is drawn to its end.

    Args:
        frame: Its trials are those of all arms, the arms of a turn one after the other.
        asking: Says which arms are in play.
        n_known: How many trials an earlier look at these draws had: none beyond them is started before they
            are all in.
    """

    def __init__(self, frame: Frame, asking: Asking, n_known: int = 0) -> None:
        super().__init__(n_known)
        self._n_arms = len(frame.arms)
        self._all = frame.trials()
        self._asking = asking
        self._stage: list[Planned] = []
        self._n_planned = 0
        self._n_given = 0
        self._n_rounds = 0

    def __iter__(self) -> Iterator[Planned]:
        return self

    def __next__(self) -> Planned:
        """Return the next trial; the next stage may only begin when the last one was weighed."""
        if self._n_given == self._n_planned:
            self._plan()
        if self._n_given == self._n_planned:
            raise StopIteration
        self._n_given += 1
        return self._stage[self._n_given - 1 - self._n_planned]

    def up_to(self, n_taken: int) -> int:
        """Return how many trials may have been launched in all, after `n_taken` were taken."""
        if self._closed:
            return 0
        if n_taken >= self._n_planned:
            self._plan()
        return self._within(self._n_planned or 1, n_taken)

    def rest(self, n_taken: int) -> list[Planned]:
        """Return what is left of the stage under way, after `n_taken` trials."""
        self.up_to(n_taken)
        return self._stage[n_taken - self._n_planned :] if n_taken < self._n_planned else []

    def _plan(self) -> None:
        """Plan the next stage, if the last one was weighed."""
        if self._asking.n < self._n_rounds:
            return
        arms = self._asking.in_play
        n_rounds = stage_of(self._n_rounds, len(arms))
        stage: list[Planned] = []
        for _ in range(n_rounds):
            turn = list(islice(self._all, self._n_arms))
            if not turn:
                break
            for arm in arms:
                planned = turn[arm]
                index = self._n_planned + len(stage)
                stage.append(replace(planned, index=index, unit=planned.turn, unit_size=len(arms)))
            self._n_rounds += 1
        self._stage = stage
        self._n_planned += len(stage)
