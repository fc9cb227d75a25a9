"""A search while it is sampled: its stages become trials, and their outcomes its next stage."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from pytest_velo import searching
from pytest_velo.canonical import canonical
from pytest_velo.case_sets import Case, Planned, is_strategy
from pytest_velo.claims import EachCase
from pytest_velo.records import OutcomeKind, TrialRecord
from pytest_velo.runner.distance import Distance
from pytest_velo.runner.hypothesis import Hypothesis
from pytest_velo.runner.units import Units
from pytest_velo.runner.without_evidence import OfSeveral
from pytest_velo.searching.candidates import Candidate, Fresh, listed
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
