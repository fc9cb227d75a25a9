"""The look log: how repeated looks at the same draws change the error rates, reported or refused.

Editing the threshold of one end costs nothing: the boundaries are nested. Another max_trials, another
half-width, other rules, or thresholds that went both ways have a price (`runner.history`). A changed body or
design on draws already seen makes the result exploratory, and so does a changed prompt of a test whose
replies were seen.

A run that was interrupted, or that an error ended, was a look at what it had seen: until then its thresholds
could have been crossed.

A look is remembered under the test's name and under the draws themselves, as the first trial found them: a
test that was renamed still looks at the same draws.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Protocol

from pytest_velo.bodies.instruments import CUT, instruments_of
from pytest_velo.cache.looks import LastSeen, Look
from pytest_velo.canonical import digest
from pytest_velo.claims import EachCase
from pytest_velo.errors import UsageError
from pytest_velo.records import HypothesisResult, TrialRecord, add_costs
from pytest_velo.runner.history import HORIZONED, History, asked_of, ends_of, history_of, horizon_of
from pytest_velo.runner.hypothesis import Hypothesis
from pytest_velo.runner.run import Run
from pytest_velo.runner.weigher import weigh
from pytest_velo.stats.edition import EDITION
from pytest_velo.verdicts import StopReason, Verdict


class LookLog(Protocol):
    """Where looks are stored, next to the draws."""

    def looks_at(self, draws: str) -> tuple[Look, ...]:
        """Return every look at a set of draws, oldest first."""
        ...

    def log_look(self, look: Look) -> None:
        """Append a look."""
        ...

    def note_seen(self, node: str, seen: LastSeen) -> None:
        """Store what a trial of a test took."""
        ...


class Looks:
    """The looks at one hypothesis's draws."""

    def __init__(self, log: LookLog, hypothesis: Hypothesis) -> None:
        self._log = log
        self._hypothesis = hypothesis
        self._draws = draws_of(hypothesis.recorded_as, hypothesis.model, hypothesis.stream)
        self._stubbed = digest([self._draws, "stubbed"])
        self._earlier = log.looks_at(self._draws)
        self._found = ""

    def check(self, *, strict: bool) -> None:
        """Refuse a look by another rule than the first one's if verdicts must keep their error rates.

        Where the body was another one, so may be what it sends: `recognise` refuses that once it is known.

        Raises:
            UsageError: Under strict, with the error that the history would have.
        """
        hypothesis = self._hypothesis
        alike = all(look.scorer == hypothesis.body_digest for look in self._earlier)
        if strict and self._earlier and alike and not isinstance(hypothesis.claim, EachCase):
            self._refuse(self._history(self._look_by(weigh(hypothesis).kind)))

    def _refuse(self, history: History) -> None:
        if not history.costs or history.is_first:
            return
        changed = "the claim or what its verdict goes by was changed"
        if history.by_horizon:
            changed = f"max_trials was {'raised' if history.is_largest else 'lowered'}"
        back = "first max_trials" if history.by_horizon else "claim and the settings of the first look"
        extend = "; or set extend=True from the first look on" if history.by_horizon else ""
        raise UsageError(
            f"{changed} after a look: {history}",
            where=self._hypothesis.node_id,
            fix=f"go back to the {back}; or draw a fresh stream with --velo-profile=confirm{extend}",
        )

    def recognise(self, run: Run, *, strict: bool) -> None:
        """Find the looks at the draws of a run that ended, under whatever name; refuse them as `check` does.

        Another test of the same draws with another body, design or parameters asks another question. A
        refusal is the run's error; its draws are kept.
        """
        self._find(run.trials)
        if run.error is None and strict:
            try:
                seen = replace(self._look_by(run.weigher.kind), prompt=_prompt_of(run.trials))
                self._refuse(self._history(seen))
            except UsageError as refused:
                run.error = refused

    def _find(self, trials: Sequence[TrialRecord]) -> None:
        """Add the looks at the draws of the first trial, under whatever name."""
        calls = trials[0].calls if trials else ()
        if not calls or self._found:
            return
        hypothesis = self._hypothesis
        addresses = [[call.address.key, call.address.slot] for call in calls]
        parameters = hypothesis.node_id.partition("[")[2]
        self._found = digest([hypothesis.model, hypothesis.stream, parameters, addresses])
        known = {replace(look, draws="") for look in self._earlier}
        self._earlier += tuple(
            look
            for look in self._log.looks_at(self._found)
            if (look.claim, look.scorer) == (hypothesis.design_hash, hypothesis.body_digest)
            and replace(look, draws="") not in known
        )

    @property
    def n_known(self) -> int:
        """The most trials that an earlier look under this seed had: their draws are in the cache."""
        return max((look.n_trials for look in self._earlier if look.seed == self._hypothesis.seed), default=0)

    def note(self, run: Run, result: HypothesisResult) -> HypothesisResult:
        """Log this look, and return the result with what the log has to say about it."""
        notices = (*result.notices, *self._notices(run, result))
        refused = isinstance(run.error, UsageError)
        if not refused and (run.weigher.n or (run.error is None and run.stop is not StopReason.INTERRUPTED)):
            self._enter_stubbed(run, result) if result.stubs else self._enter(run, result)
        return replace(result, notices=notices)

    def _enter_stubbed(self, run: Run, result: HypothesisResult) -> None:
        """Log a look through a stub apart: no evidence about the real thing, but its draws were seen."""
        look = self._look(run, result, self._stubbed)
        if look not in [replace(earlier, looked_at="") for earlier in self._log.looks_at(self._stubbed)]:
            self._log.log_look(replace(look, looked_at=datetime.now(UTC).isoformat(timespec="seconds")))

    def _look(self, run: Run, result: HypothesisResult, draws: str) -> Look:
        decision = result.decision
        assert decision is not None
        return replace(
            self._look_by(decision.evidence.rule),
            draws=draws,
            n=decision.evidence.n,
            verdict=ERROR if run.error is not None else decision.verdict.value,
            n_trials=len(run.trials),
            stop="" if run.stop is None else run.stop.value,
            prompt=_prompt_of(result.trials),
            labels=_labels_of(result),
            n_confirming=None if decision.searched is None else decision.searched.n_confirming,
        )

    def _look_by(self, rule: str) -> Look:
        """Return a look by a rule of this kind, before anything is seen."""
        hypothesis = self._hypothesis
        return Look(
            draws=self._draws,
            claim=hypothesis.design_hash,
            scorer=hypothesis.body_digest,
            rule=rule,
            n=0,
            max_trials=hypothesis.design.max_units,
            seed=hypothesis.seed,
            verdict=Verdict.INCONCLUSIVE.value,
            looked_at="",
            edition=EDITION,
            horizon=horizon_of(hypothesis, rule),
            asked=asked_of(hypothesis),
            ends=ends_of(hypothesis.claim),
        )

    def _enter(self, run: Run, result: HypothesisResult) -> None:
        look = self._look(run, result, self._draws)
        known = [replace(earlier, looked_at="") for earlier in self._earlier]
        for draws in filter(None, (self._draws, self._found)):
            if replace(look, draws=draws) not in known:
                looked_at = datetime.now(UTC).isoformat(timespec="seconds")
                self._log.log_look(replace(look, draws=draws, looked_at=looked_at))
        if result.trials:
            calls = [call for trial in result.trials for call in trial.calls]
            usd = add_costs(call.reply.cost_usd for call in calls)
            n = len(result.trials)
            seen = LastSeen(calls_per_trial=len(calls) / n, usd_per_trial=None if usd is None else usd / n)
            self._log.note_seen(self._hypothesis.recorded_as, seen)

    def _notices(self, run: Run, result: HypothesisResult) -> list[str]:
        if result.stubs:
            return []  # it says in its verdict that it is no evidence about the real thing
        # What no call made comes from the seeds, and is the same again.
        again = bool(result.n_cached) or not (result.n_calls or result.outside)
        notices = []
        seen_through_a_stub = self._log.looks_at(self._stubbed) if again else ()
        if any(look.seed == self._hypothesis.seed for look in seen_through_a_stub):
            notices.append(_changed("what was stubbed"))
        if result.decision is not None:
            now = self._look(run, result, self._draws)
            history = self._history(now)
            notices += [f"{history}; {CONFIRM_ANEW}"] if history.costs else []
            notices += filter(None, [self._moved_stop(now)])
        labels = _labels_of(result)
        return [*notices, *self._changes(_prompt_of(result.trials), labels, again=again)]

    def _changes(self, prompt: str, labels: str, *, again: bool) -> Iterator[str]:
        """Say what makes the result exploratory; `again` tells whether draws were those of an earlier run."""
        hypothesis = self._hypothesis
        # A run that an error ended gave no verdict, and the mistake behind it may be mended.
        shown = [look for look in self._earlier if look.verdict != ERROR]
        seeds = sorted({look.seed for look in shown} - {hypothesis.seed})
        if seeds:
            told = ", ".join(map(str, seeds))
            yield f"exploratory: this hypothesis was looked at under other seeds before ({told})"
        same = [look for look in shown if look.seed == hypothesis.seed]
        if hypothesis.design.extend and any(look.rule in HORIZONED for look in same):
            yield (
                "exploratory: a design that holds at any horizon (extend=True, or e-BH) came after a look"
                " by one that ended at max_trials"
            )
        elif again and any(look.claim != hypothesis.design_hash for look in same):
            yield _changed(
                "the design (alpha, beta, margin, min_trials, invalid, cases, covariate, direction)"
            )
        guards = hypothesis.reference is not None  # a comparison with a baseline is about what changed
        others = [look for look in same if _is_other(look.prompt, prompt)]
        if not guards and any(look.claim == hypothesis.design_hash for look in others):
            yield _changed("the prompt", "replies to another one")
        elif again and any(look.scorer != hypothesis.body_digest for look in same):
            yield _changed("the body")
        if again and any(not _goes_on(look.labels, labels) for look in same):
            yield _changed("a label", "what it makes of the claim")

    def _moved_stop(self, now: Look) -> str:
        """Say what it means for e-BH that a member goes on after it had ended; empty if it does not.

        Who raises `max_trials` has seen the others, so it no longer stopped by its own data alone. One over
        its largest evidence is still a p-value, with which e-BH is the procedure of Benjamini and Yekutieli.
        """
        family = self._hypothesis.frame.family
        if family is None or family.procedure != "ebh":
            return ""
        ended = [look for look in self._earlier if (look.claim, look.seed) == (now.claim, now.seed)]
        if not any(look.stop in _BY_ITSELF and look.n < now.n for look in ended):
            return ""
        worst = min(1.0, family.alpha * math.fsum(1.0 / k for k in range(1, family.size + 1)))
        return (
            "it went on after a look at which it had ended, so it did not stop by its own data alone: under"
            f" e-BH the expected share of false verdicts is up to {worst:.1%}, not {family.alpha:.1%}"
        )

    def _history(self, now: Look) -> History:
        """Return what earlier looks of this design at these draws mean for the error of one more.

        Looks at the replies to another prompt are looks at other draws. A design for any horizon after one
        that ended at max_trials is told by itself.
        """
        hypothesis = self._hypothesis
        earlier = [
            look
            for look in self._earlier
            if look.claim == now.claim
            and look.seed == now.seed
            and not _is_other(look.prompt, now.prompt)
            and not (hypothesis.design.extend and look.rule in HORIZONED)
        ]
        return history_of(hypothesis, [*earlier, now])


_BY_ITSELF = {
    StopReason.DECIDED,
    StopReason.MAX_TRIALS,
    StopReason.CASES_EXHAUSTED,
    StopReason.FUTILITY,
    StopReason.ALL_INVALID,
}
"""What ends a run by its own data, or by what was fixed before."""

ERROR = "error"
"""The verdict of a look whose run an error ended: its thresholds were in force until then."""


def draws_of(node_id: str, model: str | None, stream: str) -> str:
    """Identify the draws of a test by its name."""
    return digest([node_id, model, stream])


def _prompt_of(trials: Sequence[TrialRecord]) -> str:
    """Return the hash of the prompt of the first trial, and of its judges; empty if it asked nobody."""
    if not trials or not trials[0].calls:
        return ""
    return digest(list(instruments_of(trials[0])))[:CUT]


def _labels_of(result: HypothesisResult) -> str:
    """Return a few digits of each label that counted, in the order of their trials."""
    if result.truth is None:
        return ""
    return "".join(digest([index, label])[:4] for index, label in sorted(result.truth.labels.items()))


def _goes_on(then: str, now: str) -> bool:
    """Tell whether labels are those of then, or more of them, or fewer."""
    n = min(len(then), len(now))
    return then[:n] == now[:n]


def _is_other(then: str, now: str) -> bool:
    """Tell whether two known hashes differ."""
    return bool(then and now) and then != now


def _changed(what: str, seen: str = "its draws") -> str:
    return f"exploratory: {what} changed after {seen} had been looked at; {CONFIRM_ANEW}"


CONFIRM_ANEW = "--velo-profile=confirm draws anew"
"""How to have draws that nobody has seen."""
