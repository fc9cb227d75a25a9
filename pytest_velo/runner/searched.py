"""A search while it is sampled: its stages become trials, and their outcomes its next stage."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from pytest_velo import searching
from pytest_velo.canonical import canonical, digest
from pytest_velo.case_sets import Case, Planned, is_strategy
from pytest_velo.claims import EachCase
from pytest_velo.errors import BodyError, UsageError
from pytest_velo.records import Call, OutcomeKind, TrialRecord
from pytest_velo.runner.distance import Distance
from pytest_velo.runner.hypothesis import Attack, Hypothesis, Outcomes, Reading
from pytest_velo.runner.trials import Finished, Threads, TrialRunner
from pytest_velo.runner.units import Units
from pytest_velo.runner.without_evidence import OfSeveral
from pytest_velo.sampling.drawing import Drawer
from pytest_velo.sampling.outside import Outside
from pytest_velo.sampling.trial import Trial
from pytest_velo.searching.candidates import Candidate, Fresh, candidate_of, listed
from pytest_velo.searching.hunt import Answer, Ask, Hunt, Purpose, Pursued
from pytest_velo.searching.search import Search
from pytest_velo.searching.shrinking import Shrinker, by_words, greedily
from pytest_velo.verdicts import FoundCase, Searched, Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Sought(Planned):
    """A trial of a search.

    Attributes:
        ask: What it is for.
        n_attacking: How many of its calls are the attack's.
    """

    ask: Ask
    n_attacking: int = 0


class SearchWeigher(OfSeveral):
    """The claim that a rate holds on each case, tried on those that a search chooses."""

    kind = "calibrated"

    def __init__(self, hypothesis: Hypothesis, claim: EachCase) -> None:
        search = hypothesis.frame.search
        assert search is not None  # a frame of such a claim has one
        self._claim = claim
        self._search = search
        self._design = hypothesis.design
        self.hunt = _hunt(hypothesis, claim, search)
        self.plan = Stages(self)
        self.units = Units(claim.claim.statistic, invalid=hypothesis.invalid)
        self.all_units: Sequence[Units] = (self.units,)
        self._distances: list[Distance] = []
        self._ids: dict[str, str] = {}
        self.n = 0

    def id_of(self, candidate: Candidate) -> str:
        """Return the name of a case among the trials: the place at which it was first tried."""
        return self._ids.setdefault(candidate.digest, str(len(self._ids)))

    def add(self, record: TrialRecord, planned: Planned) -> Verdict | None:
        """Take in the next trial; refuted once the search has ended with a finding that is confirmed."""
        assert isinstance(planned, Sought)  # its plan makes no others
        self.n += 1
        self.units.add(record, planned)
        against = self._against(record)
        far = 1.0 if planned.ask.purpose is Purpose.CONFIRM else 0.5
        self._distances.append(None if against is None else far if against else -far)
        replies = tuple(call.reply.text for call in record.calls[planned.n_attacking :])
        self.hunt.take(Answer(candidate=planned.ask.candidate, against=against, replies=replies))
        return Verdict.REFUTED if not self.hunt.stage and self.is_refuted else None

    def _against(self, record: TrialRecord) -> bool | None:
        if record.kind is OutcomeKind.INVALID:
            return None
        one = bool(record.values[self._claim.claim.statistic.name or ""])
        return one if self._claim.claim.high is not None else not one

    @property
    def is_refuted(self) -> bool:
        """Whether a finding is confirmed, whatever the search does next."""
        return self.hunt.n_confirmed > 0

    def min_more(self) -> int:
        """Return the trials of the stage that are still to come."""
        return max(0, self.plan.n_planned - self.n)

    def expected_more(self) -> int:
        """Return the same: what comes after them depends on them."""
        return self.min_more()

    @staticmethod
    def n_needed() -> None:
        """Return None: no number of trials would show that there is no such case."""
        return

    def distances(self) -> list[Distance]:
        """Return how each trial speaks against its case: most of all where it confirmed a finding."""
        return [*self._distances]

    def certified(self, verdict: Verdict) -> str:
        """Return what a verdict says about the findings."""
        confirmed = [pursued for pursued in self.hunt.pursued if pursued.is_confirmed]
        if verdict is not Verdict.REFUTED or not confirmed:
            return f"nothing is confirmed against {self._claim}"
        return "; ".join(
            f"{_certified(pursued)} on the case {_text(pursued.smallest.case)}" for pursued in confirmed
        )

    def searched(self) -> Searched:
        """Return what the search did and found."""
        return Searched(
            source=self._search.told,
            n_cases=self.hunt.n_cases,
            n_exploring=self.hunt.n_trials[Purpose.EXPLORE],
            n_shrinking=self.hunt.n_trials[Purpose.SHRINK],
            n_confirming=self.hunt.n_trials[Purpose.CONFIRM],
            findings=tuple(found for pursued in self.hunt.pursued if (found := self._found(pursued))),
        )

    def _found(self, pursued: Pursued) -> FoundCase | None:
        confirmation = pursued.confirmation
        if confirmation is None:
            return None  # it was not finished being made smaller
        p_value, interval = confirmation.evidence()
        return FoundCase(
            found=_json(pursued.found.case),
            smallest=_json(pursued.smallest.case),
            case_id=self.id_of(pursued.smallest),
            n_smaller=pursued.n_smaller,
            is_smallest=pursued.is_smallest,
            verdict=confirmation.verdict,
            certified=confirmation.certified,
            level=confirmation.level,
            n=confirmation.n,
            n_against=confirmation.n_against,
            n_invalid=confirmation.n_invalid,
            estimate=confirmation.estimate,
            interval=interval,
            p_value=p_value if confirmation.n else None,
        )

    def confirmed_cases(self) -> tuple[Any, ...]:
        """Return the confirmed cases, as small as they became."""
        return tuple(pursued.smallest.case for pursued in self.hunt.pursued if pursued.is_confirmed)


def _certified(pursued: Pursued) -> str:
    assert pursued.confirmation is not None  # it is confirmed
    return pursued.confirmation.certified


def _json(case: Any) -> str:
    return canonical(vars(case) if isinstance(case, Case) else case).decode()


def _text(case: Any) -> str:
    return json.dumps(json.loads(_json(case)), ensure_ascii=False)


def _hunt(hypothesis: Hypothesis, claim: EachCase, search: Search) -> Hunt:
    """Begin the search of a hypothesis."""
    source = None
    if search.attack is None:
        found = (
            searching.drawn(search.source, hypothesis.seed)
            if is_strategy(search.source)
            else listed(search.source, hypothesis.folder)
        )
        source = Fresh(found)
    return Hunt(
        search,
        claim,
        max_trials=hypothesis.design.max_units,
        alpha=hypothesis.design.alpha,
        beta=hypothesis.design.beta,
        invalid=hypothesis.invalid,
        source=source,
        shrinker=None if search.shrink is False else partial(_shrinker, search, hypothesis.seed),
    )


def _shrinker(search: Search, seed: int, found: Candidate) -> Shrinker:
    if callable(search.shrink):
        return greedily(search.shrink, found)
    if is_strategy(search.source):
        return searching.simplified(search.source, seed, found)
    return greedily(by_words, found)


class Stages:
    """The trials of a search, planned a stage at a time; see `Rounds` for the same of a ranking."""

    def __init__(self, weigher: SearchWeigher) -> None:
        self._weigher = weigher
        self._stage: Sequence[Ask] = ()
        self._n_given = 0
        self._closed = False
        self.n_planned = 0

    def __iter__(self) -> Iterator[Planned]:
        return self

    def __next__(self) -> Planned:
        """Return the next trial; there is none once the search has ended."""
        self._plan()
        if self._n_given == self.n_planned:
            raise StopIteration
        ask = self._stage[self._n_given - self.n_planned]
        index = self._n_given
        self._n_given += 1
        candidate = ask.candidate
        return Sought(
            index=index,
            turn=index,
            unit=index,
            case=None if candidate is None else candidate.case,
            case_digest="" if candidate is None else candidate.digest,
            case_id="" if candidate is None else self._weigher.id_of(candidate),
            repeat=ask.repeat,
            unit_size=1,
            ask=ask,
        )

    def close(self) -> None:
        """Plan nothing more: a trial failed, but trials in flight may still decide before it."""
        self._closed = True

    @staticmethod
    def knows(n_taken: int) -> bool:
        """Return False: nothing is ever started beyond what is needed."""
        del n_taken
        return False

    def up_to(self, n_taken: int) -> int:
        """Return how many trials may have been launched in all, after `n_taken` were taken."""
        if self._closed:
            return 0
        self._plan()
        return self.n_planned if self._weigher.hunt.stage else n_taken + 1  # which finds that there is none

    def rest(self, n_taken: int) -> list[Planned]:
        """Return nothing: what comes next is known when it comes."""
        del n_taken
        return []

    def _plan(self) -> None:
        """Go on to the next stage, if the last one was taken."""
        stage = self._weigher.hunt.stage
        if stage is not self._stage:
            self._stage = stage
            self.n_planned += len(stage)


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
