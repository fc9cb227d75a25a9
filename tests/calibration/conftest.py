"""What the calibration of claims shares: trials made by hand, fed to what ships, from weigher to verdict."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from functools import cache
from itertools import islice
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest

from pytest_velo.case_sets import Planned
from pytest_velo.records import OutcomeKind, TrialRecord
from pytest_velo.runner.hypothesis import Hypothesis, Invalid
from pytest_velo.runner.weighing import weigh
from pytest_velo.verdicts import Verdict

Unit = Sequence[TrialRecord]
"""The trials of one unit, in the order they are fed."""


@cache
def trial(arm: str = "", /, **values: float) -> TrialRecord:
    """Return a trial with named outcomes; `_` stands for the only one, which has no name."""
    named = {"" if name == "_" else name: value for name, value in values.items()}
    first = next(iter(named.values()))
    kind = {1.0: OutcomeKind.ONE, 0.0: OutcomeKind.ZERO}.get(first, OutcomeKind.VALUE)
    return TrialRecord(index=0, case_id="", repeat=0, seed=0, kind=kind, values=named, arm=arm)


class Calibration:
    """Weighs trials made by hand, as a run would, without its event loop."""

    trial = staticmethod(trial)
    alpha = 0.05
    beta = 0.08
    """Another than alpha, so that the two cannot be mistaken for each other."""
    n_runs = 20_000

    @staticmethod
    def most(level: float, n_runs: int = n_runs) -> float:
        """Return the share of wrong verdicts that is allowed: the level and three standard errors of it."""
        return level + 3 * (level * (1 - level) / n_runs) ** 0.5

    def hypothesis(self, claim: Any, max_units: int, **changes: Any) -> Hypothesis:
        """Return a hypothesis that is only weighed, never run."""
        fields: dict[str, Any] = {
            "node_id": "test_a.py::test_b",
            "belief": "b",
            "claim": claim,
            "alpha": self.alpha,
            "beta": self.beta,
            "margin": 0.0,
            "max_trials": max_units,
            "min_trials": 1,
            "invalid": Invalid.BOUND,
            "extend": False,
            "stream": "",
            "seed": 0,
            "model": None,
            "plan": lambda: iter(()),
            "max_units": max_units,
            "unit_size": 1,
            "limit": 1,
            "scope": "",
            "set_digest": "",
            "body_digest": "",
            "body": None,
            "is_async": True,
            "outcomes": None,
            "may_pay": True,
        }
        return Hypothesis(**{**fields, **changes})

    def verdict(self, hypothesis: Hypothesis, units: Iterable[Unit]) -> Verdict | None:
        """Feed units until one decides."""
        weigher = weigh(hypothesis)
        for unit, turn in zip(islice(units, hypothesis.max_units), _turns(), strict=False):
            for record in unit:
                verdict = weigher.add(record, _planned(turn, len(unit)))
            if verdict is not None:
                return verdict
        return None

    def shares(
        self, hypothesis: Hypothesis, runs: Callable[[int], Iterable[Iterable[Unit]]], n_runs: int = n_runs
    ) -> Mapping[Verdict | None, float]:
        """Return how often each verdict comes, where `runs(n)` gives the units of n runs."""
        found = Counter(self.verdict(hypothesis, units) for units in runs(n_runs))
        assert found.total() == n_runs
        return MappingProxyType({v: found[v] / n_runs for v in (Verdict.SUPPORTED, Verdict.REFUTED, None)})

    def law(
        self,
        hypothesis: Hypothesis,
        letters: Mapping[Hashable, Unit],
        chances: Callable[[Counter[Any]], Any],
        of_path: Callable[[Sequence[Any]], Hypothesis] | None = None,
    ) -> dict[Verdict, np.ndarray[Any, Any]]:
        """Return the probability of each verdict, exactly, for several truths at once.

        A forward pass over what has been seen. Paths with the same units in another order, of which the
        same tests have rejected, are one state: none of the rules for rates, tosses and lists asks for the
        order. Every state is reached by feeding one of its paths to a fresh weigher.

        Args:
            hypothesis: What is weighed.
            letters: The units there can be, by name.
            chances: For what was seen so far the probability of each letter, an array over the truths.
            of_path: Makes the hypothesis for a path, where it holds a part of the data itself.
        """
        found: dict[Verdict, Any] = {Verdict.SUPPORTED: 0.0, Verdict.REFUTED: 0.0}
        states: dict[Hashable, tuple[tuple[Hashable, ...], Any]] = {(): ((), 1.0)}
        for _ in range(hypothesis.max_units):
            after: dict[Hashable, tuple[tuple[Hashable, ...], Any]] = {}
            for path, mass in states.values():
                for letter, chance in chances(Counter(path)).items():
                    if not np.any(moved := mass * chance):
                        continue
                    longer = (*path, letter)
                    weigher = weigh(of_path(longer) if of_path else hypothesis)
                    for turn, name in enumerate(longer):
                        for record in letters[name]:
                            verdict = weigher.add(record, _planned(turn, len(letters[name])))
                    if verdict is not None:
                        found[verdict] = found[verdict] + moved
                        continue
                    state = (frozenset(Counter(longer).items()), _rejected(weigher))
                    known, there = after.get(state, (longer, 0.0))
                    after[state] = known, there + moved
            states = after
        return {verdict: np.atleast_1d(mass) for verdict, mass in found.items()}


def _rejected(weigher: Any) -> tuple[bool, ...]:
    """Return which tests have rejected their null; they stay so."""
    rule = weigher._rule
    tests = [test for part in getattr(rule, "parts", ()) for test in (*part.support, part.refute)]
    return tuple(test.crossed for test in tests or (*rule._support, rule._refute))


def _turns() -> Iterator[int]:
    turn = 0
    while True:
        yield turn
        turn += 1


@cache
def _planned(unit: int, size: int) -> Planned:
    return Planned(
        index=unit, turn=unit, unit=unit, case=None, case_digest="", case_id="", repeat=0, unit_size=size
    )


@pytest.fixture(scope="session")
def calibration() -> Calibration:
    """Weigh trials made by hand."""
    return Calibration()
