"""Small hypotheses without pytest or a model, and their runs: what tests of the runner work on."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING, Any, NoReturn

from pytest_velo.case_sets import CaseSet, pick_order, with_arms
from pytest_velo.claims import AnyClaim
from pytest_velo.errors import InvalidTrial
from pytest_velo.runner.hypothesis import Hypothesis, Reading
from support.hypotheses import hypothesis_of

if TYPE_CHECKING:
    from pytest_velo.records import HypothesisResult
    from pytest_velo.runner.run import Run
    from pytest_velo.sampling.trial import Trial
    from pytest_velo.verdicts import Decision

    Told = float | Mapping[str, float] | None
    """What a trial gives: a number, several by name, or nothing that counts."""


class _AsReturned:
    """Takes outcomes as they come; a failed assert is a 0."""

    @staticmethod
    def value(returned: Any) -> dict[str, float]:
        named = returned if isinstance(returned, Mapping) else {"": returned}
        return {name: float(outcome) for name, outcome in named.items()}

    @staticmethod
    def exception(error: BaseException) -> Reading:
        if isinstance(error, AssertionError):
            return Reading(against=True, detail=str(error))
        return Reading(error=error)


def hypothesis(
    claim: AnyClaim, outcomes: Sequence[Told], *, cases: CaseSet | None = None, **fields: Any
) -> Hypothesis:
    """Return a hypothesis whose trials come out as they are told.

    Args:
        claim: What is claimed.
        outcomes: Of each trial, in submission order; None for an invalid one. There are no more trials.
        cases: Each comes once; None for a body without cases.
        **fields: Of the hypothesis, where they are not the plainest.
    """
    arms = fields.get("arms", ())
    turns = pick_order(cases, "population", seed=0)

    async def body(case: object, arm: str, trial: Trial) -> Told:
        place = trial.index * len(arms) + arms.index(arm) if arms else trial.index
        if outcomes[place] is None:
            raise InvalidTrial("it says nothing")
        return outcomes[place]

    n = len(outcomes)
    known = {
        "claim": claim,
        "max_trials": n,
        "max_units": n // max(1, len(arms)),
        "trials": lambda: islice(with_arms(turns, arms) if arms else turns, n),
        "limit": 10,
        "set_digest": "" if cases is None else cases.digest,
        "body": body,
        "outcomes": _AsReturned(),
        "may_pay": False,
    }
    return hypothesis_of(**{**known, **fields})


class _Threads:
    """Threads for what takes seconds to compute; no body blocks."""

    def call(self, work: Coroutine[Any, Any, Any]) -> NoReturn:
        raise AssertionError("no body is on a thread")

    async def run_blocking(self, func: Callable[[], Any]) -> Any:
        return await asyncio.to_thread(func)

    def crew(self) -> NoReturn:
        raise AssertionError("there is no scorer")


def sampled(claim: AnyClaim, outcomes: Sequence[Told], *, cases: CaseSet | None = None, **fields: Any) -> Run:
    """Run a hypothesis to its end, whose trials come out as they are told.

    Args:
        claim: As for `hypothesis`, and the others too.
        outcomes: See there.
        cases: See there.
        **fields: See there.
    """
    from pytest_velo.runner.run import Run

    nobody: Any = None  # no model is asked
    run = Run(hypothesis(claim, outcomes, cases=cases, **fields), nobody, _Threads())
    asyncio.run(run.go())
    return run


def decided(result: HypothesisResult) -> Decision:
    """Return a result's decision but for the draws made ahead, whose number is a matter of timing."""
    assert result.decision is not None
    return replace(result.decision, n_unused=0)
