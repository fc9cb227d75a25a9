"""What a body returned or raised, in each trial and in all of them."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pytest_velo.bodies.outcomes import (
    Raised,
    classify_exception,
    line_in_test,
    location_of,
    read_outcomes,
)
from pytest_velo.bodies.shape import BodyFacts, never_failed
from pytest_velo.claims import AnyClaim
from pytest_velo.designing.parameters import CLIENTS
from pytest_velo.designing.supplies import Velo
from pytest_velo.errors import BodyError, StoreError, UsageError
from pytest_velo.runner.hypothesis import Reading
from pytest_velo.sampling.clients import Carrying, carriers
from pytest_velo.sampling.model import AsyncModel, Model
from pytest_velo.scorers.judge import AsyncJudge, Judge

_CALLERS = (AsyncModel, Model, AsyncJudge, Judge, Velo)


class BodyOutcomes:
    """Reads the outcomes of one hypothesis's body.

    Asserts in files of `folder`, the body's own, are its own even where it is installed (`--pyargs`).

    Attributes:
        failures: What a body raises to say that the trial is against the claim.
        never: Subclasses of these that mean something else.
    """

    failures: tuple[type[BaseException], ...] = (AssertionError,)
    never: tuple[type[BaseException], ...] = ()

    def __init__(self, facts: BodyFacts, claim: AnyClaim, folder: Path | None = None) -> None:
        self._facts = facts
        self._test_roots = () if folder is None else (folder,)
        self._claim = claim
        self._asserts = len(claim.statistics) == 1 and claim.statistics[0].binary
        self._n_outcomes = 0
        self._n_none = 0
        self._callers: list[Any] = []
        self._carriers: list[Carrying] = []

    def watch(self, fixtures: Iterable[Any]) -> None:
        """Ask these from now on whether a call lost its trial, in a thread of the body's own."""
        for fixture in fixtures:
            if isinstance(fixture, _CALLERS):
                self._callers.append(fixture)
            elif type(fixture).__module__.partition(".")[0] in CLIENTS.values():
                self._carriers += [carriers[fixture]] if fixture in carriers else []

    def _lost(self) -> BodyError | None:
        lost = (*(caller._lost for caller in self._callers), *(carrier.lost for carrier in self._carriers))
        return next((error for error in lost if error is not None), None)

    def value(self, returned: Any) -> dict[str, float]:
        """Return the named outcomes of what a body returned.

        Raises:
            BodyError: It is none; or a call lost its trial, and the body went on without it.
        """
        lost = self._lost()
        if lost is not None:
            raise lost
        outcomes = read_outcomes(returned, self._facts, self._claim.statistics)
        self._n_outcomes += 1
        self._n_none += returned is None
        return outcomes

    def exception(self, error: BaseException) -> Reading:
        """Say what an exception raised by a body means."""
        raised = classify_exception(error, self._test_roots, self.failures, self.never)
        if raised is Raised.AGAINST:
            if (lost := self._lost()) is not None:
                return Reading(error=lost)
            if not self._asserts:
                return Reading(error=self._no_outcome(error).with_traceback(error.__traceback__))
            self._n_outcomes += 1
            return Reading(against=True, detail=self.detail(error), location=self.place(location_of(error)))
        if isinstance(error, AssertionError):
            return Reading(
                error=BodyError(f"a library's assert failed: {error}").with_traceback(error.__traceback__)
            )
        if isinstance(error, BodyError | StoreError | UsageError):
            error.at(self.place(line_in_test(error, self._test_roots)))
        return Reading(error=error)

    def detail(self, error: BaseException) -> str:
        """Say what failed, for a reader of the trial."""
        return str(error)

    def place(self, location: str) -> str:
        """Return a `file:line` as it is shown: relative to the working directory, where it is inside it."""
        return location.removeprefix(os.getcwd() + os.sep)

    def _no_outcome(self, error: BaseException) -> BodyError:
        """Return the error of a failed assert in a body whose claim needs more than 0 or 1."""
        several = len(self._claim.statistics) > 1
        what = "return all outcomes, in a dict" if several else "return the score"
        about = "several outcomes" if several else str(self._claim.statistics[0])
        return BodyError(
            f"an assert failed, but the claim is about {about}: {error}",
            fix=f"{what}; call velo.invalid(why) in a trial that has none",
        )

    @property
    def tally(self) -> tuple[int, int]:
        """How many outcomes were read so far, and how many of them were a returned None."""
        return self._n_outcomes, self._n_none

    def add(self, n_outcomes: int, n_none: int) -> None:
        """Count outcomes that were read in other processes."""
        self._n_outcomes += n_outcomes
        self._n_none += n_none

    def never_failed(self) -> str | None:
        """Return a warning if no trial could be seen to fail; None if one failed or returned an outcome."""
        return never_failed(self._facts, self._n_outcomes, self._n_none)
