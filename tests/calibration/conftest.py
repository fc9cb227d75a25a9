"""What the calibration of claims shares: trials made by hand, fed to what ships, from weigher to verdict."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import islice
from pathlib import Path
from types import MappingProxyType, SimpleNamespace
from typing import Any, Literal

import numpy as np
import pytest
from scipy.stats import binom

from pytest_velo.baselines.entry import Sampled
from pytest_velo.baselines.file import BaselineFile
from pytest_velo.case_sets import Planned, load
from pytest_velo.claims import Change, Claim, Estimation
from pytest_velo.designing.frame import make_frame
from pytest_velo.designing.spec import Spec
from pytest_velo.integration.baseline.pairs import pairs_of, sampled_of
from pytest_velo.records import OutcomeKind, TrialRecord
from pytest_velo.runner.evidence import Weigher
from pytest_velo.runner.frame import Over
from pytest_velo.runner.hypothesis import Hypothesis
from pytest_velo.runner.weigher import weigh
from pytest_velo.settings import Settings
from pytest_velo.stats.engine.mixture import log_e_counts
from pytest_velo.stats.exact.thresholds import calibrated_log_threshold
from pytest_velo.stats.limits.mean import max_log_evidence
from pytest_velo.verdicts import Verdict
from support.hypotheses import changed, hypothesis_of


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark all that is in this folder, which a plain run leaves out."""
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker("calibration")


Unit = Sequence[TrialRecord]
"""The trials of one unit, in the order they are fed."""


@cache
def trial(arm: str = "", /, **values: float) -> TrialRecord:
    """Return a trial with named outcomes; `_` stands for the only one, which has no name."""
    named = {"" if name == "_" else name: value for name, value in values.items()}
    first = next(iter(named.values()))
    kind = {1.0: OutcomeKind.ONE, 0.0: OutcomeKind.ZERO}.get(first, OutcomeKind.VALUE)
    return TrialRecord(index=0, case_id="", repeat=0, seed=0, kind=kind, values=named, arm=arm)


def tell(shares: Mapping[Any, Any]) -> None:
    """Print the probabilities of the verdicts: `pytest -rP` shows them."""
    print(*(f"{verdict or 'open'} {np.round(share, 4)}" for verdict, share in shares.items()))


BATCH = 4_000
NEAR = 0.05
"""Log evidence that a run may lack of rejecting a null and is weighed all the same."""


@dataclass(frozen=True)
class Null:
    """What a verdict has to reject: the mean of `worth` lies at the edge, or beyond it.

    Attributes:
        worth: What each unit is worth, on the scale of [0, 1].
        edge: On the same scale.
        side: +1: the null is "mean <= edge"; -1: it is "mean >= edge".
        level: Of its test.
        calibrated: Its test is the exact one of a rate, not Ville's.
    """

    worth: Sequence[float]
    edge: float
    side: Literal[1, -1]
    level: float
    calibrated: bool = False

    def nearly_rejected(self, places: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        """Tell for each run, a row of `places`, whether its evidence is ever near enough to reject this."""
        paths = np.asarray(self.worth, dtype=float)[places]
        n_units = paths.shape[1]
        if self.calibrated:
            bar = calibrated_log_threshold(self.edge, self.side, self.level, n_units) - NEAR
            table = np.zeros((n_units + 1, n_units + 1), dtype=bool)
            for n in range(1, n_units + 1):
                table[n, : n + 1] = [log_e_counts(n, s, self.edge, self.side) >= bar for s in range(n + 1)]
            return np.asarray(table[np.arange(1, n_units + 1), paths.cumsum(axis=1).astype(int)].any(axis=1))
        bar = math.log(1 / self.level) - NEAR
        batches = (paths[first : first + BATCH] for first in range(0, len(paths), BATCH))
        return np.concatenate([max_log_evidence(some, [self.edge], self.side) >= bar for some in batches])


class Calibration:
    """Weighs trials made by hand, as a run would, without its event loop."""

    null = staticmethod(Null)

    trial = staticmethod(trial)
    tell = staticmethod(tell)
    alpha = 0.05
    beta = 0.08
    """Another than alpha, so that the two cannot be mistaken for each other."""
    n_runs = 20_000

    @staticmethod
    def most(level: float, n_runs: int = n_runs) -> float:
        """Return the share of wrong verdicts that is allowed: the exact binomial bound.

        A rule that errs with just that probability shows no more with 998 seeds of 1,000. In 20,000 runs it
        is a little less than the level and three standard errors: 5.45% for 5%, 8.56% for 8%.
        """
        return float(binom.ppf(0.998, n_runs, level)) / n_runs

    def assert_errors_are_rare(self, found: Mapping[Verdict, float], *, least: float) -> None:
        """Hold both errors to their levels, and the simulation to be so near to the edge that errors show."""
        wrongly_supported, wrongly_refuted = found[Verdict.SUPPORTED], found[Verdict.REFUTED]
        assert wrongly_supported <= self.most(self.alpha), found
        assert wrongly_refuted <= self.most(self.beta), found
        assert max(wrongly_supported, wrongly_refuted) >= least, found

    def hypothesis(self, claim: Any, max_units: int, **changes: Any) -> Hypothesis:
        """Return a hypothesis that is only weighed, never run."""
        fields = {
            "claim": claim,
            "alpha": self.alpha,
            "beta": self.beta,
            "max_trials": max_units,
            "scope": "",
        }
        return hypothesis_of(**{**fields, **changes})

    def weighed(self, hypothesis: Hypothesis, units: Iterable[Unit]) -> tuple[Weigher, Verdict | None]:
        """Feed units until one decides; return the weigher with the verdict."""
        weigher, verdict = weigh(hypothesis), None
        for unit, turn in zip(islice(units, hypothesis.design.max_units), _turns(), strict=False):
            for record in unit:
                verdict = weigher.add(record, _planned(turn, len(unit)))
            if verdict is not None:
                break
        return weigher, verdict

    def verdict(self, hypothesis: Hypothesis, units: Iterable[Unit]) -> Verdict | None:
        """Feed units until one decides."""
        return self.weighed(hypothesis, units)[1]

    def shares(
        self, hypothesis: Hypothesis, runs: Callable[[int], Iterable[Iterable[Unit]]], n_runs: int = n_runs
    ) -> Mapping[Verdict | None, float]:
        """Return how often each verdict comes, where `runs(n)` gives the units of n runs."""
        found = Counter(self.verdict(hypothesis, units) for units in runs(n_runs))
        assert found.total() == n_runs
        shares = {v: found[v] / n_runs for v in (Verdict.SUPPORTED, Verdict.REFUTED, None)}
        tell(shares)
        return MappingProxyType(shares)

    def shares_near(
        self,
        hypothesis: Hypothesis,
        units: Sequence[Unit],
        places: np.ndarray[Any, Any],
        nulls: Sequence[Null],
    ) -> Mapping[Verdict | None, float]:
        """Return how often each verdict comes in runs of which most cannot have one.

        A verdict has to reject one of `nulls`. Runs whose evidence, computed for all of them at once, comes
        near to that at some moment are weighed. So are 1,000 of the others: none of them
        may have a verdict, so that with 999 chances of 1,000 fewer than 0.7% of them have.

        Args:
            hypothesis: What is weighed.
            units: The units there can be.
            places: Which of them comes when, an array of shape (runs, units).
            nulls: At least one of them is rejected whenever there is a verdict.
        """

        def verdict(run: int) -> Verdict | None:
            return self.verdict(hypothesis, [units[place] for place in places[run].tolist()])

        return self.shares_where(verdict, [null.nearly_rejected(places) for null in nulls])

    def shares_where(
        self,
        verdict: Callable[[int], Verdict | None],
        near: Sequence[np.ndarray[Any, Any]],
        n_others: int = 1_000,
    ) -> Mapping[Verdict | None, float]:
        """The same, where `verdict` weighs a run by its number, and `near` tells of each null which may.

        Of the other runs `n_others` are weighed.
        """
        some = np.logical_or.reduce(near)
        found = Counter(verdict(run) for run in np.flatnonzero(some).tolist())
        others = np.flatnonzero(~some).tolist()
        assert {verdict(run) for run in others[:n_others]} == {None}
        print(f"weighed {some.mean():.3f}", end=" ")
        return self.told(found + Counter({None: len(others)}))

    def told(self, found: Mapping[Verdict | None, int]) -> Mapping[Verdict | None, float]:
        """Print and return the shares of the verdicts in all runs."""
        assert sum(found.values()) == self.n_runs
        shares = {v: found.get(v, 0) / self.n_runs for v in (Verdict.SUPPORTED, Verdict.REFUTED, None)}
        tell(shares)
        return MappingProxyType(shares)

    def counted(self, hypothesis: Hypothesis, runs: Iterable[Iterable[float]]) -> Counter[Verdict | None]:
        """Count how often each verdict comes of a rate of single trials, whose evidence is in two counts.

        Runs that are open with the same counts are one state, as for `law`: each is weighed once.
        """
        paths: dict[tuple[int, int], tuple[float, ...]] = {(0, 0): ()}
        steps: dict[tuple[int, int, float], Verdict | None] = {}
        found: Counter[Verdict | None] = Counter()
        for run in runs:
            n = ones = 0
            verdict = None
            for one in islice(run, hypothesis.design.max_units):
                path, step = paths[n, ones], (n, ones, one)
                n, ones = n + 1, ones + int(one)
                if step not in steps:
                    longer = (*path, one)
                    steps[step] = self.verdict(hypothesis, [[trial(_=value)] for value in longer])
                    paths.setdefault((n, ones), longer)
                verdict = steps[step]
                if verdict is not None:
                    break
            found[verdict] += 1
        return found

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
        for _ in range(hypothesis.design.max_units):
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
        law = {verdict: np.atleast_1d(mass) for verdict, mass in found.items()}
        tell(law)
        return law


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


class Guarded:
    """A claim about a baseline over new cases, as a test's mark would make it.

    Args:
        claim: About a baseline.
        n_cases: How many cases there are, each once.
        draws_per_case: Trials of each.
        levels: `alpha` and `beta`, where they are not those of `Calibration`.
    """

    def __init__(self, claim: Claim, n_cases: int, draws_per_case: int = 1, **levels: float) -> None:
        self.cases = load([f"case {place}" for place in range(n_cases)], base=Path())
        options = {"max_trials": n_cases, "over": Over.POPULATION, "draws_per_case": draws_per_case, **levels}
        self.frame = make_frame(Spec(claim=claim, options=options), self.cases, Settings(seed=0))
        self.hypothesis = Calibration().hypothesis(
            claim, n_cases, turns_per_unit=draws_per_case, set_digest=self.cases.digest, **levels
        )
        self.planned = tuple(self.frame.trials())

    @property
    def _change(self) -> Change:
        statistic = self.hypothesis.claim.statistics[0]
        assert isinstance(statistic, Change)
        return statistic

    def sampled(
        self, records: Sequence[TrialRecord], trials: Sequence[Planned] = (), **changes: Any
    ) -> Sampled:
        """Sample a baseline to its end and return it as it is stored.

        Args:
            records: What came out.
            trials: In another order than that of seed 0.
            changes: Fields of the hypothesis that go with such an order.
        """
        statistic, trials = self._change.of, trials or self.planned
        measured = Estimation(statistic=statistic, halfwidth=None)
        recording = changed(self.hypothesis, claim=measured, to_the_end=True, **changes)
        weigher = weigh(recording)
        for record, planned in zip(records, trials, strict=True):
            verdict = weigher.add(record, planned)
        assert verdict is Verdict.MEASURED
        run: Any = SimpleNamespace(trials=records, hypothesis=recording)
        return sampled_of(run, iter(trials), recording)

    def accepted(self, file: BaselineFile, records: Sequence[TrialRecord], **order: Any) -> BaselineFile:
        """Return the file with a baseline sampled anew; `order` as for `sampled`."""
        return file.accept(
            hypothesis=self.hypothesis.node_id,
            model="",
            statistic=str(self._change.of),
            design="",
            sampled=self.sampled(records, **order),
        )

    def verdict(self, stored: Sampled, records: Sequence[TrialRecord]) -> Verdict | None:
        """Compare trials with a stored baseline."""
        trials, reference = pairs_of(stored, self.frame, self.cases)
        assert len(trials) == len(records)
        weigher = weigh(replace(self.hypothesis, reference=reference))
        for record, planned in zip(records, trials, strict=True):
            verdict = weigher.add(record, planned)
            if verdict is not None:
                return verdict
        return None


@pytest.fixture(scope="session")
def calibration() -> Calibration:
    """Weigh trials made by hand."""
    return Calibration()


@pytest.fixture(scope="session")
def guarded() -> type[Guarded]:
    """Sample, store and compare by hand."""
    return Guarded
