"""The exact law of a sequential rule on 0/1 units: which verdict comes, and when.

A forward pass over (further units, further ones), with every barrier of the rule active. Loaded on use: it
needs numpy.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pytest_velo.stats.engine.arrays import Floats
from pytest_velo.stats.engine.barrier import Barrier
from pytest_velo.stats.engine.design import PRIOR

Flags = NDArray[np.bool_]

GiveUp = Callable[[int], Mapping[int, Flags]]
"""Tells, after so many further units, for which numbers of ones sampling ends without a verdict.

By latched tests for the claim (as bits), one flag per number of ones.
"""


class Race(NamedTuple):
    """Probabilities of the verdicts within the horizon, and the mean number of further units."""

    supported: Floats
    refuted: Floats
    mean_units: Floats


class Edge:
    """Where a barrier lies among the numbers of ones, followed from look to look."""

    def __init__(self, barrier: Barrier, units: int) -> None:
        self._barrier = barrier
        self._units = units
        # Counted from the barrier's far end: `_edge` ones (side +1) or zeros (side -1) are needed.
        self._edge = units + 1
        self._settle()

    def excess(self, ones: int) -> float:
        """Return the log evidence beyond the barrier at a number of ones."""
        return self._barrier.ahead(ones, self._units - ones) - self._barrier.log_bar

    def move(self, units: int) -> None:
        """Follow the barrier to the next look."""
        self._units = units
        self._edge = min(self._edge + 1, units + 1)
        self._settle()

    def _settle(self) -> None:
        while self._edge > 0 and self._crosses(self._edge - 1):
            self._edge -= 1
        while self._edge <= self._units and not self._crosses(self._edge):
            self._edge += 1

    def _crosses(self, needed: int) -> bool:
        return self.excess(needed if self._barrier.side > 0 else self._units - needed) >= 0.0

    @property
    def crossing(self) -> slice:
        """The numbers of ones that cross at this look."""
        if self._barrier.side > 0:
            return slice(self._edge, self._units + 1)
        return slice(0, self._units + 1 - self._edge)


class _Field:
    """Probability mass of the paths without a verdict, by number of ones and latched tests."""

    def __init__(self, tests: int, batch: int, steps: int) -> None:
        self.full = (1 << tests) - 1
        self.masses = {latched: np.zeros((batch, steps + 1)) for latched in range(self.full)}
        self.masses[0][:, 0] = 1.0
        self.supported = np.zeros(batch)
        self.refuted = np.zeros(batch)

    def open(self) -> Floats:
        """Return the probability that there is no verdict yet."""
        return np.asarray(sum(mass.sum(axis=1) for mass in self.masses.values()))

    def step(self, units: int, chance: Floats) -> None:
        """Draw one further unit, so that there are `units`."""
        for mass in self.masses.values():
            risen = mass[:, :units] * chance
            mass[:, :units] -= risen
            mass[:, 1 : units + 1] += risen

    def latch(self, test: int, crossing: slice) -> None:
        """Let one of the tests for the claim reject where it crosses."""
        for latched, mass in self.masses.items():
            if latched >> test & 1:
                continue
            moved = mass[:, crossing]
            if latched | 1 << test == self.full:
                self.supported += moved.sum(axis=1)
            else:
                self.masses[latched | 1 << test][:, crossing] += moved
            mass[:, crossing] = 0.0

    def refute(self, crossing: slice) -> None:
        """Let the test against the claim reject where it crosses."""
        for mass in self.masses.values():
            self.refuted += mass[:, crossing].sum(axis=1)
            mass[:, crossing] = 0.0

    def end(self, given_up: Mapping[int, Flags]) -> None:
        """End the paths at these numbers of ones, by latched tests, without a verdict."""
        for latched, ones in given_up.items():
            self.masses[latched][:, : len(ones)][:, ones] = 0.0

    def held(self, crossing: slice) -> Sequence[int]:
        """Return the numbers of ones within a slice that hold any mass."""
        held = np.any([mass[:, crossing].any(axis=0) for mass in self.masses.values()], axis=0)
        return [int(ones) + crossing.start for ones in np.flatnonzero(held)]


def race(
    support: Sequence[Barrier],
    refute: Sequence[Barrier],
    *,
    steps: int,
    first_look: int,
    chance: Callable[[int], Floats],
    give_up: GiveUp | None = None,
) -> Race:
    """Run the units still to come against a rule's barriers; the result has arrays over the batch.

    Args:
        support: Barriers that must all be crossed for "supported", each latched; at least one.
        refute: Barriers of which any one refutes.
        steps: Further units up to the horizon, >= 0.
        first_look: Further units before a verdict may come, >= 1.
        chance: P(the next unit is a 1) given the number of further units so far, as an array that broadcasts
            over (batch, number of ones so far).
        give_up: Where sampling ends without a verdict before the horizon; None for nowhere.
    """
    nothing = np.zeros(len(chance(0)))
    law = Race(supported=nothing, refuted=nothing, mean_units=nothing)
    passing = unfold(support, refute, steps=steps, first_look=first_look, chance=chance, give_up=give_up)
    for law in passing:  # noqa: B007
        pass
    return law


def as_it_looks(
    support: Sequence[Barrier],
    refute: Sequence[Barrier],
    *,
    steps: int,
    ones: float,
    n: int,
    first_look: int = 1,
) -> Race:
    """Return the law of `race` under a Jeffreys prior on the rate, updated with `ones` among n units so far.

    Fractions of ones are allowed.
    """
    rising = np.arange(steps + 1.0) + PRIOR + ones
    total = n + 2 * PRIOR

    def chance(units: int) -> Floats:
        return np.divide(rising[None, : units + 1], total + units)

    return race(support, refute, steps=steps, first_look=first_look, chance=chance)


def unfold(
    support: Sequence[Barrier],
    refute: Sequence[Barrier],
    *,
    steps: int,
    first_look: int,
    chance: Callable[[int], Floats],
    give_up: GiveUp | None = None,
) -> Iterator[Race]:
    """Yield the law of `race` up to each further unit: the first, the second, ... up to all `steps`."""
    field = _Field(len(support), len(chance(0)), steps)
    mean = np.zeros_like(field.supported)
    followed = follow(support, refute, steps=steps, first_look=first_look)
    for units, (for_claim, against) in enumerate(followed, start=1):
        mean = mean + field.open()
        field.step(units, chance(units - 1))
        _refute_ties(field, for_claim, against)
        for test, edge in enumerate(for_claim):
            field.latch(test, edge.crossing)
        for edge in against:
            field.refute(edge.crossing)
        if give_up is not None:
            field.end(give_up(units))
        yield Race(supported=field.supported.copy(), refuted=field.refuted.copy(), mean_units=mean)


def follow(
    support: Sequence[Barrier], refute: Sequence[Barrier], *, steps: int, first_look: int
) -> Iterator[tuple[Sequence[Edge], Sequence[Edge]]]:
    """Yield where the barriers lie at each further unit; none before the first look.

    The edges are the same objects each time: they move when the generator is advanced.
    """
    edges: list[Edge] = []
    for units in range(1, steps + 1):
        if units == first_look:
            edges = [Edge(barrier, units) for barrier in (*support, *refute)]
        for edge in edges if units > first_look else ():
            edge.move(units)
        yield edges[: len(support)], edges[len(support) :]


def _refute_ties(field: _Field, for_claim: Sequence[Edge], against: Sequence[Edge]) -> None:
    """If both verdicts are reached at one look, let the larger excess win."""
    for theirs in against:
        for ours in for_claim:
            start = max(ours.crossing.start, theirs.crossing.start)
            stop = min(ours.crossing.stop, theirs.crossing.stop)
            for ones in field.held(slice(start, stop)) if start < stop else ():
                if theirs.excess(ones) > min(edge.excess(ones) for edge in for_claim):
                    field.refute(slice(ones, ones + 1))
