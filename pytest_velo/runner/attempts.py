"""Attempts at a belief: which one this is, what it costs, and what was predicted before.

A rerun that shows the same evidence is no new attempt: the same claim, prompt, body and model, on the same
draws. Everything else is, and a rerun until the result pleases shows as what it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Protocol

import msgspec

from pytest_velo.bodies.instruments import CUT, template_of
from pytest_velo.cache.attempt_ledger import attempts_in, now
from pytest_velo.cache.attempts import Entry, Foretold, Found, Tried
from pytest_velo.canonical import digest
from pytest_velo.claims import Claim, Direction
from pytest_velo.errors import UsageError
from pytest_velo.records import (
    Attempt,
    Belief,
    HypothesisResult,
    Outcome,
    Prediction,
    Said,
    TrialRecord,
)
from pytest_velo.runner.hypothesis import Hypothesis
from pytest_velo.runner.reruns import until_green
from pytest_velo.runner.run import Run
from pytest_velo.runner.standstill import n_still, untried
from pytest_velo.settings import Api
from pytest_velo.stats.multiplicity import attempt_share
from pytest_velo.verdicts import Verdict


class AttemptBook(Protocol):
    """Where attempts are remembered."""

    def history(self, belief: Belief) -> list[Entry]:
        """Return every entry about a belief, oldest first."""
        ...

    def add(self, entries: Iterable[Entry]) -> list[Entry]:
        """Add entries that are not there yet; return them."""
        ...

    def number(self, attempt: Tried) -> Tried:
        """Enter an attempt with its number, unless it is there already; return what is there."""
        ...


class Attempts:
    """The attempts at one hypothesis's belief."""

    def __init__(
        self, book: AttemptBook, hypothesis: Hypothesis, *, profile: str, replays: bool = False
    ) -> None:
        assert hypothesis.tries is not None  # whoever makes it for a run knows its belief
        self._book = book
        self._hypothesis = hypothesis
        self._belief = hypothesis.tries
        self._profile = profile
        self._replays = replays
        self._made: Tried | None = None

    def history(self) -> list[Entry]:
        """Return every entry about the belief, oldest first."""
        return self._book.history(self._belief)

    def foretell(self) -> None:
        """Enter what the author predicts, before the first draw."""
        hypothesis = self._hypothesis
        if hypothesis.predicted is None:
            return
        history = self._book.history(self._belief)
        model = hypothesis.model or ""
        said = self._said(history)
        if said and said[-1].p == hypothesis.predicted:
            return
        seen = any(attempt.model == model for attempt in attempts_in(history))
        self._book.add(
            [
                Foretold(
                    test=self._belief.test,
                    sentence=self._belief.sentence,
                    claim=str(hypothesis.claim),
                    claim_hash=hypothesis.claim_hash,
                    model=model,
                    p=hypothesis.predicted,
                    seen=seen,
                    at=now(),
                )
            ]
        )

    def alpha(self, first: TrialRecord) -> float:
        """Enter this attempt, and return its share of alpha.

        The number depends on what was sent and where its draws are, and on no outcome; so it is fixed before
        evidence is weighed.
        """
        whole = self._hypothesis.frame.attempts_alpha
        assert whole is not None  # else nobody asks
        attempt = self._attempt(self._hypothesis, first)
        if self._replays and _is_recorded(first) and not attempts_in(self._book.history(self._belief)):
            raise UsageError(
                "the number of this attempt sets its alpha, and no attempt at this belief is known here",
                where=self._hypothesis.node_id,
                fix="where it was made: `velo cassette export FILE`, and commit the file of attempts beside"
                " FILE too (.attempts.json)",
            )
        self._made = self._book.number(attempt)
        return whole * attempt_share(self._made.number)

    def note(self, run: Run, result: HypothesisResult) -> HypothesisResult:
        """Enter what was found, and return the result with which attempt it is and what was predicted."""
        if self._made is None and run.trials and run.error is None:
            self._made = self._book.number(self._attempt(run.hypothesis, run.trials[0]))
        made, outcomes = self._made, _outcomes_of(run.trials)
        if made is not None and run.error is None and result.decision is not None:
            history = self._book.history(self._belief)
            if _came_out_otherwise(history, made, outcomes):
                made = self._book.number(
                    msgspec.structs.replace(made, body=f"{made.body} {digest(outcomes)[:CUT]}", at=now())
                )
                result = self._at_number(run, result, made.number)
            self._book.add([self._found(made, result, outcomes)])
        history = self._book.history(self._belief)
        attempt = None if made is None else self._told(made, history, result)
        rerun = "" if attempt is None else until_green(attempt.fresh, is_paid_for=attempt.alpha is not None)
        return replace(
            result,
            attempt=attempt,
            prediction=self._prediction(history, result),
            notices=(*result.notices, *filter(None, [rerun])),
        )

    def _attempt(self, hypothesis: Hypothesis, first: TrialRecord) -> Tried:
        return Tried(
            test=self._belief.test,
            sentence=self._belief.sentence,
            number=1,
            claim=str(hypothesis.claim),
            claim_hash=hypothesis.claim_hash,
            prompt=digest(list(template_of(first)))[:CUT] if first.calls else "",
            body=hypothesis.body_digest,
            draws=_draws_of(hypothesis, first),
            model=hypothesis.model or "",
            rung=hypothesis.rung,
            profile=self._profile,
            stream=hypothesis.stream,
            seed=hypothesis.seed,
            at=now(),
        )

    def _at_number(self, run: Run, result: HypothesisResult, number: int) -> HypothesisResult:
        """Return a result at the alpha of a later attempt than the one it was sampled as.

        The p-value is valid at any level that does not depend on the outcomes. Code outside of the body
        changed them, on draws that were seen; so this is the least that it costs.
        """
        whole, decision = self._hypothesis.frame.attempts_alpha, result.decision
        if whole is None or decision is None:
            return result
        alpha = whole * attempt_share(number)
        p_value = decision.evidence.p_support
        if decision.verdict is not Verdict.SUPPORTED or (p_value is not None and p_value <= alpha):
            return replace(result, alpha=alpha)
        problem = (
            f"the same draws came out otherwise before, so this is attempt {number}, and its evidence (p ="
            f" {p_value if p_value is None else round(p_value, 5)}) is not enough for its share of alpha"
            f" ({alpha:.2g})"
        )
        open_again = replace(
            decision,
            verdict=Verdict.INCONCLUSIVE,
            certified=run.weigher.certified(Verdict.INCONCLUSIVE),
        )
        return replace(
            result, alpha=alpha, outcome=Outcome.INCONCLUSIVE, decision=open_again, problem=problem
        )

    def _found(self, made: Tried, result: HypothesisResult, outcomes: str) -> Found:
        claim, decision = self._hypothesis.claim, result.decision
        assert decision is not None  # the caller looked
        ends = decision.evidence.interval
        return Found(
            test=self._belief.test,
            sentence=self._belief.sentence,
            attempt=made.id,
            n=decision.evidence.n,
            max_trials=result.max_trials,
            measure=" & ".join(map(str, claim.statistics)),
            towards=_TOWARDS.get(claim.direction, 0) if isinstance(claim, Claim) else 0,
            estimate=decision.evidence.estimate,
            low=None if ends is None else ends.low,
            high=None if ends is None else ends.high,
            verdict=decision.verdict.value,
            oldest=result.oldest_draw or "",
            outcomes=outcomes,
            ends=self._hypothesis.is_last_rung,
            at=now(),
        )

    def _told(self, made: Tried, history: Sequence[Entry], result: HypothesisResult) -> Attempt:
        """Say which attempt this is; what came after it belongs to a later one."""
        tried = [attempt for attempt in attempts_in(history) if attempt.number <= made.number]
        findings = latest_findings(history)
        supported = result.decision is not None and result.decision.verdict is Verdict.SUPPORTED
        still = n_still([findings.get(attempt.id) for attempt in tried])
        verdicts = (findings[each.id].verdict if each.id in findings else "unfinished" for each in tried)
        return Attempt(
            number=made.number,
            n_prompts=_n_different(attempt.prompt for attempt in tried),
            n_bodies=_n_different(attempt.body for attempt in tried),
            n_models=_n_different(attempt.model for attempt in tried),
            n_rungs=_n_different(attempt.rung for attempt in tried),
            since=min(attempt.at for attempt in tried)[:10],
            fresh=tuple(
                verdict
                for verdict, attempt in zip(verdicts, tried, strict=True)
                if attempt.kind_of == made.kind_of
            ),
            n_still=still,
            untried=() if supported else untried(tried, still),
            alpha=self._hypothesis.frame.attempts_alpha,
        )

    def _said(self, history: Iterable[Entry]) -> list[Foretold]:
        """Return what was predicted of this design."""
        design = (self._hypothesis.claim_hash, self._hypothesis.model or "")
        return [
            entry
            for entry in history
            if isinstance(entry, Foretold) and (entry.claim_hash, entry.model) == design
        ]

    def _prediction(self, history: Sequence[Entry], result: HypothesisResult) -> Prediction | None:
        p = self._hypothesis.predicted
        if p is None:
            return None
        before = [said for said in self._said(history) if not said.seen]
        if not before:
            return Prediction(p=p, said=Said.AFTER)
        kept = before[-1]
        if kept.p != p:
            return Prediction(p=p, said=Said.AFTER, at=kept.at, first=kept.p)
        is_older = result.oldest_draw is not None and result.oldest_draw < kept.at
        return Prediction(p=p, said=Said.ON_OLDER_DRAWS if is_older else Said.BEFORE, at=kept.at)


def begun(
    book: AttemptBook,
    hypothesis: Hypothesis,
    *,
    profile: str,
    replays: bool = False,
    is_look: bool = True,
) -> tuple[Attempts, Hypothesis]:
    """Enter what is predicted, before the first draw; return the attempts, and the hypothesis to sample.

    `replays`: recorded draws alone are read, perhaps on another machine than where they were made. `is_look`
    tells whether its verdict counts; else it is no attempt.
    """
    attempts = Attempts(book, hypothesis, profile=profile, replays=replays)
    if is_look:
        attempts.foretell()
        if hypothesis.frame.attempts_alpha is not None:
            hypothesis = replace(hypothesis, attempt_alpha=attempts.alpha)
    return attempts, hypothesis


_TOWARDS = {Direction.AT_LEAST: 1, Direction.AT_MOST: -1}


def latest_findings(history: Iterable[Entry]) -> dict[str, Found]:
    """Return the last finding of each attempt, by the attempt's id."""
    return {entry.attempt: entry for entry in history if isinstance(entry, Found)}


def _came_out_otherwise(history: Iterable[Entry], made: Tried, outcomes: str) -> bool:
    """Tell whether an earlier run of the same body on the same draws had other outcomes.

    Then code outside of the body changed, or the body has a source of chance that no seed sets.
    """
    first = next((entry for entry in history if isinstance(entry, Found) and entry.attempt == made.id), None)
    return first is not None and first.contradicts(outcomes)


def _outcomes_of(trials: Sequence[TrialRecord]) -> str:
    return "".join(digest([trial.kind.value, dict(trial.values)])[:4] for trial in trials[:_COMPARED])


_COMPARED = 64
"""Trials whose outcomes are compared with those of an earlier run."""


def _draws_of(hypothesis: Hypothesis, first: TrialRecord) -> str:
    """Identify a set of draws by those of its first trial.

    Draws that were made again at the same places are fresh ones. Scripted replies are computed each time, so
    the time of them tells nothing.
    """
    calls = [
        [
            call.address.key,
            call.address.slot,
            call.reply.text,
            "" if call.request.api == Api.SCRIPTED else call.drawn_at,
        ]
        for call in first.calls
    ]
    return digest([hypothesis.seed, hypothesis.stream, calls])[:CUT]


def _is_recorded(first: TrialRecord) -> bool:
    return any(call.request.api != Api.SCRIPTED for call in first.calls)


def _n_different(names: Iterable[str]) -> int:
    return len({name for name in names if name})
