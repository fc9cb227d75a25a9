"""Running the trials of a search: those that explore, those that confirm, and those of an attack."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

from pytest_velo.canonical import digest
from pytest_velo.case_sets import Planned
from pytest_velo.errors import BodyError, UsageError
from pytest_velo.records import Call, OutcomeKind
from pytest_velo.runner.hypothesis import Attack, Hypothesis, Outcomes, Reading
from pytest_velo.runner.searched import SearchWeigher, Sought
from pytest_velo.runner.trials import Finished, Threads, TrialRunner
from pytest_velo.sampling.drawing import Drawer
from pytest_velo.sampling.outside import Outside
from pytest_velo.sampling.trial import Trial
from pytest_velo.searching.candidates import candidate_of
from pytest_velo.searching.hunt import Hunt, Purpose


class SearchTrials:
    """Runs the trials of a search: those that confirm are drawn apart from all others, as is the attack.

    Nothing that chose a case has seen a draw of its confirmation. These are named after the claim and its
    design, too, so that another design has others.
    """

    def __init__(
        self, hypothesis: Hypothesis, weigher: SearchWeigher, drawer: Drawer, threads: Threads
    ) -> None:
        self._hypothesis = hypothesis
        self._weigher = weigher
        search = hypothesis.frame.search
        assert search is not None  # it is one
        stream, design = hypothesis.stream, hypothesis.design
        named = digest(
            [str(hypothesis.claim), design.alpha, design.beta, search.confirm, hypothesis.invalid.value]
        )
        runner = partial(TrialRunner, drawer=drawer, threads=threads)
        self._exploring = runner(replace(hypothesis, stream=f"{stream}:search"))
        self._confirming = runner(replace(hypothesis, stream=f"{stream}:confirm:{named[:16]}"))
        self._proposals: dict[int, Any] = {}
        self._attacking: TrialRunner | None = None
        if hypothesis.attack is not None:
            body = _AttackBody(hypothesis.attack, weigher.hunt, self._proposals, is_async=hypothesis.is_async)
            outcomes = _AttackOutcomes(hypothesis.outcomes)
            self._attacking = runner(
                replace(hypothesis, stream=f"{stream}:attack", body=body, outcomes=outcomes)
            )
        for each in self._each[1:]:
            each.outside = self._exploring.outside

    @property
    def _each(self) -> list[TrialRunner]:
        runners = [self._exploring, self._confirming]
        return runners if self._attacking is None else [*runners, self._attacking]

    @property
    def outside(self) -> Outside:
        """The connections that its bodies opened past the sampler."""
        return self._exploring.outside

    def stop(self) -> None:
        """Give running trials no more draws: they are about to be cancelled."""
        for each in self._each:
            each.stop()
        self._weigher.hunt.close()

    def scoring(self, spent_s: float) -> str:
        """Say that scorers took most of the `spent_s` seconds of the trials; empty if they did not."""
        return self._exploring.scoring(spent_s)

    async def run(self, planned: Planned) -> Finished:
        """Run one trial; every exception except a cancellation after `stop` is in the `Finished`."""
        assert isinstance(planned, Sought)  # its plan makes no others
        if planned.ask.candidate is not None:
            runner = self._confirming if planned.ask.purpose is Purpose.CONFIRM else self._exploring
            return _noted(await runner.run(planned))
        assert self._attacking is not None  # who else would propose
        attacked = await self._attacking.run(
            replace(planned, case_digest=digest(["attack", planned.index])[:32], case_id="attack")
        )
        if attacked.error is not None or attacked.record.kind is OutcomeKind.INVALID:
            return _unproposed(attacked)
        try:
            planned = self._with_proposal(planned, len(attacked.record.calls))
        except UsageError as error:
            return replace(attacked, error=error)
        finished = await self._exploring.run(planned)
        calls: tuple[Call, ...] = (*attacked.record.calls, *finished.record.calls)
        record = replace(finished.record, calls=calls, notes=(*attacked.record.notes, *finished.record.notes))
        notices = (*attacked.notices, *finished.notices)
        return _noted(replace(finished, planned=planned, record=record, notices=notices))

    def _with_proposal(self, planned: Sought, n_calls: int) -> Sought:
        value = self._proposals.pop(planned.turn)
        if value is None:
            raise UsageError(
                "the attack returned None", where="search", fix="return the next case, e.g. a prompt"
            )
        candidate = candidate_of(value)
        repeat = self._weigher.hunt.n_tried(candidate)
        return replace(
            planned,
            case=candidate.case,
            case_digest=candidate.digest,
            case_id=self._weigher.id_of(candidate),
            repeat=repeat,
            ask=replace(planned.ask, candidate=candidate, repeat=repeat),
            n_attacking=n_calls,
        )


class _AttackBody:
    """The attack as a body: what it proposes is kept, under the trial that asked."""

    def __init__(self, attack: Attack, hunt: Hunt, kept: dict[int, Any], *, is_async: bool) -> None:
        self._attack = attack
        self._hunt = hunt
        self._kept = kept
        self._is_async = is_async

    def __call__(self, case: Any, arm: str, trial: Trial, /) -> Any:
        del case, arm
        proposed = self._attack(self._hunt.history, trial)
        return self._awaited(proposed, trial) if self._is_async else self._keep(proposed, trial)

    async def _awaited(self, proposed: Any, trial: Trial) -> None:
        self._keep(await proposed, trial)

    def _keep(self, proposed: Any, trial: Trial) -> None:
        self._kept[trial.index] = proposed


class _AttackOutcomes:
    """Reads what an attack did: it has no outcome, and what it raises is no outcome either.

    Args:
        body: Those of the body, which know what is test code.
    """

    def __init__(self, body: Outcomes) -> None:
        self._body = body

    @staticmethod
    def value(returned: Any) -> dict[str, float]:
        """Return nothing that counts."""
        del returned
        return {"": 1.0}

    def exception(self, error: BaseException) -> Reading:
        """Return an error: a fault of the attack says nothing about the model."""
        if not isinstance(error, Exception):
            return Reading(error=error)
        if isinstance(error, BodyError | UsageError):
            return self._body.exception(error)  # it adds the line of the test
        told = BodyError(
            f"the attack raised {type(error).__name__}: {error}",
            fix="catch it in the attack; velo.invalid(why) passes over a proposal",
        )
        told.__cause__ = error
        return self._body.exception(told.with_traceback(error.__traceback__))


def _unproposed(attacked: Finished) -> Finished:
    """Return a trial without a case: the attack failed, or its own call gave nothing."""
    if attacked.error is not None:
        return attacked
    told = f"the attack proposed nothing: {attacked.record.detail}"
    return replace(attacked, record=replace(attacked.record, detail=told))


def _noted(finished: Finished) -> Finished:
    """Say in the trial what it was made for."""
    assert isinstance(finished.planned, Sought)  # it was planned here
    ask = finished.planned.ask
    told = {
        Purpose.EXPLORE: "looks for a case that breaks the claim",
        Purpose.SHRINK: "tells whether a smaller case breaks it, too",
        Purpose.CONFIRM: f"confirms finding {ask.finding}, on a draw of its own",
    }[ask.purpose]
    record = replace(finished.record, notes=(*finished.record.notes, told))
    return replace(finished, record=record)
