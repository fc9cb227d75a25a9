"""Runs the trials of one hypothesis on workers, as `runner.trials.TrialRunner` runs them here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

from pytest_velo.case_sets import Planned
from pytest_velo.runner.hypothesis import Hypothesis
from pytest_velo.runner.trials import Finished, TrialRunner, seed_of
from pytest_velo.sampling.outside import Outside
from pytest_velo.shards import plain
from pytest_velo.shards.fleet import Fleet


class Counts(Protocol):
    """Counts the outcomes of one hypothesis's body."""

    def add(self, n_outcomes: int, n_none: int) -> None:
        """Count outcomes that were read in other processes."""
        ...


class TrialsElsewhere:
    """Runs trials on workers; those that an earlier look has read, here, where their draws are.

    Args:
        hypothesis: What is sampled.
        here: Runs trials in this process.
        fleet: The workers.
        n_known: How many trials an earlier look at these draws had.
        outcomes: Counts outcomes.
        say: Shows what a body printed or logged, by kind.
        known: Exceptions that come back as themselves, by name.
    """

    def __init__(
        self,
        hypothesis: Hypothesis,
        here: TrialRunner,
        fleet: Fleet,
        *,
        n_known: int,
        outcomes: Counts,
        say: Callable[[str, str], None],
        known: Mapping[str, type[BaseException]],
    ) -> None:
        self._hypothesis = hypothesis
        self._here = here
        self._fleet = fleet
        self._n_known = n_known
        self._outcomes = outcomes
        self._say = say
        self._known = known
        self._run: int | None = None

    @property
    def outside(self) -> Outside:
        """The connections that its bodies opened past the sampler, wherever they ran."""
        return self._here.outside

    def stop(self) -> None:
        """End the run, here and there."""
        self._here.stop()
        if self._run is not None:
            self._fleet.end(self._run)

    def scoring(self, spent_s: float) -> str:
        """Say what scorers took of the trials that ran here."""
        return self._here.scoring(spent_s)

    async def run(self, planned: Planned) -> Finished:
        """Run one trial; every exception except a cancellation is in the `Finished`."""
        if planned.index < self._n_known:
            return await self._here.run(planned)
        if self._run is None:
            self._run = self._fleet.add(self._hypothesis)
        seed = seed_of(self._hypothesis, planned.turn)
        try:
            told = await self._fleet.finish(self._run, planned, seed)
        except Exception as error:
            return plain.failed(planned, seed, error)
        for kind, text in told["said"]:
            self._say(kind, text)
        self._outcomes.add(*told["tally"])
        self.outside.add(told["outside"])
        if "error" in told:
            return plain.failed(planned, seed, plain.error_from_plain(told["error"], self._known))
        return plain.finished_from_plain(planned, told["finished"], known=self._known)
