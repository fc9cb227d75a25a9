"""The look log: how repeated looks at the same draws change the error rates, reported or refused.

Editing a threshold costs nothing: the boundaries are nested. Raising max_trials has a price, which is known
exactly. A changed body or design on draws already seen makes the result exploratory, and so does a changed
prompt of a test whose replies were seen.

A look is remembered under the test's name and under the draws themselves, as the first trial found them: a
test that was renamed still looks at the same draws.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Protocol

from pytest_velo.bodies.instruments import CUT, instruments_of
from pytest_velo.cache.looks import LastSeen, Look
from pytest_velo.canonical import digest
from pytest_velo.claims import Claim, Estimation
from pytest_velo.errors import UsageError
from pytest_velo.records import HypothesisResult, add_costs
from pytest_velo.runner.hypothesis import Hypothesis
from pytest_velo.runner.run import Run
from pytest_velo.stats import exact
from pytest_velo.stats.engine.nulls import nulls_of
from pytest_velo.verdicts import StopReason


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
        """Refuse a raised max_trials if verdicts must keep their error rates.

        Raises:
            UsageError: Under strict, with the exact error that the history would have.
        """
        history = self._horizons()
        if strict and len(history) > 1 and history[-1] == self._hypothesis.design.max_units:
            raise UsageError(
                f"max_trials was raised after a look: {self._history_text(history)}",
                where=self._hypothesis.node_id,
                fix="go back to the first max_trials; or draw a fresh stream with --velo-profile=confirm; or"
                " set extend=True from the first look on",
            )

    def recognise(self, run: Run, *, strict: bool) -> None:
        """Find the looks at the draws of a run that ended, under whatever name; refuse them as `check` does.

        Another test of the same draws with another body, design or parameters asks another question. A
        refusal is the run's error; its draws are kept.
        """
        calls = run.trials[0].calls if run.trials else ()
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
        if run.error is None:
            try:
                self.check(strict=strict)
            except UsageError as refused:
                run.error = refused

    @property
    def n_known(self) -> int:
        """The most trials that an earlier look under this seed had: their draws are in the cache."""
        return max((look.n_trials for look in self._earlier if look.seed == self._hypothesis.seed), default=0)

    def note(self, run: Run, result: HypothesisResult) -> HypothesisResult:
        """Log this look, and return the result with what the log has to say about it."""
        notices = (*result.notices, *self._notices(result))
        if run.error is None and run.stop is not StopReason.INTERRUPTED:
            self._enter_stubbed(result) if result.stubs else self._enter(result)
        return replace(result, notices=notices)

    def _enter_stubbed(self, result: HypothesisResult) -> None:
        """Log a look through a stub apart: no evidence about the real thing, but its draws were seen."""
        look = self._look(result, self._stubbed)
        if look not in [replace(earlier, looked_at="") for earlier in self._log.looks_at(self._stubbed)]:
            self._log.log_look(replace(look, looked_at=datetime.now(UTC).isoformat(timespec="seconds")))

    def _look(self, result: HypothesisResult, draws: str) -> Look:
        hypothesis, decision = self._hypothesis, result.decision
        assert decision is not None
        return Look(
            draws=draws,
            claim=hypothesis.design_hash,
            scorer=hypothesis.body_digest,
            rule=decision.evidence.rule,
            n=decision.evidence.n,
            max_trials=hypothesis.design.max_units,
            seed=hypothesis.seed,
            verdict=decision.verdict.value,
            looked_at="",
            n_trials=len(result.trials),
            prompt=_prompt_of(result),
        )

    def _enter(self, result: HypothesisResult) -> None:
        look = self._look(result, self._draws)
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

    def _notices(self, result: HypothesisResult) -> list[str]:
        hypothesis, prompt = self._hypothesis, _prompt_of(result)
        if result.stubs:
            return []  # it says in its verdict that it is no evidence about the real thing
        notices = []
        seen_through_a_stub = self._log.looks_at(self._stubbed) if result.n_cached else ()
        if any(look.seed == hypothesis.seed for look in seen_through_a_stub):
            notices.append(_changed("what was stubbed"))
        history = self._horizons(prompt)
        if len(history) > 1:
            notices.append(self._history_text(history))
        seeds = sorted({look.seed for look in self._earlier} - {hypothesis.seed})
        if seeds:
            told = ", ".join(map(str, seeds))
            notices.append(f"exploratory: this hypothesis was looked at under other seeds before ({told})")
        same = [look for look in self._earlier if look.seed == hypothesis.seed]
        if hypothesis.design.extend and any(look.rule in _HORIZONED for look in same):
            notices.append(
                "exploratory: a design that holds at any horizon (extend=True, or e-BH) came after a look"
                " by one that ended at max_trials"
            )
        elif result.n_cached and any(look.claim != hypothesis.design_hash for look in same):
            notices.append(
                _changed("the design (alpha, beta, margin, min_trials, invalid, cases, direction)")
            )
        guards = hypothesis.reference is not None  # a comparison with a baseline is about what changed
        others = [look for look in same if _is_other(look.prompt, prompt)]
        if not guards and any(look.claim == hypothesis.design_hash for look in others):
            notices.append(_changed("the prompt", "replies to another one"))
        elif result.n_cached and any(look.scorer != hypothesis.body_digest for look in same):
            notices.append(_changed("the body"))
        return notices

    def _horizons(self, prompt: str = "") -> list[int]:
        """Return the horizons of all looks of this design at these draws, including this one, rising.

        Only thresholds that were calibrated to a horizon count; all others hold for every horizon. Looks at
        the replies to another `prompt` are looks at other draws.
        """
        hypothesis = self._hypothesis
        if hypothesis.design.extend:
            return [hypothesis.design.max_units]
        earlier = {
            look.max_trials
            for look in self._earlier
            if look.claim == hypothesis.design_hash
            and look.seed == hypothesis.seed
            and look.rule in _HORIZONED
            and not _is_other(look.prompt, prompt)
        }
        return sorted(earlier | {hypothesis.design.max_units})

    def _history_text(self, history: list[int]) -> str:
        worst, level = self._history_error(history)
        looks = " and ".join(map(str, history))
        return f"looks at {looks}: the chance of a wrong verdict is up to {worst:.1%}, not {level:.1%}"

    def _history_error(self, history: list[int]) -> tuple[float, float]:
        """Return the chance of a wrong verdict in any of the looks, and the level of a single one.

        It is exact for a claim about one rate, at the worst of its nulls; for all others it is the sum. What
        refutes `within` holds for every horizon.
        """
        hypothesis, claim = self._hypothesis, self._hypothesis.claim
        if not hypothesis.calibrated:
            measuring = isinstance(claim, Estimation)
            level = (
                hypothesis.design.alpha if measuring else max(hypothesis.design.alpha, hypothesis.design.beta)
            )
            return min(1.0, len(history) * level), level
        assert isinstance(claim, Claim)  # no other is calibrated as one
        design = hypothesis.design
        nulls = nulls_of(claim, design.margin)
        tests = [(null, design.alpha) for null in nulls.support]
        if len(nulls.refute) == 1:
            tests.append((nulls.refute[0], design.beta))
        return max(
            (exact.history_error(null.threshold, null.side, level, history, design.min_units), level)
            for null, level in tests
        )


_HORIZONED = ("calibrated", "mixed")
"""The rules with thresholds that hold for one `max_trials`."""


def draws_of(node_id: str, model: str | None, stream: str) -> str:
    """Identify the draws of a test by its name."""
    return digest([node_id, model, stream])


def _prompt_of(result: HypothesisResult) -> str:
    """Return the hash of the prompt of the first trial, and of its judges; empty if it asked nobody."""
    if not result.trials or not result.trials[0].calls:
        return ""
    return digest(list(instruments_of(result.trials[0])))[:CUT]


def _is_other(then: str, now: str) -> bool:
    """Tell whether two known hashes differ."""
    return bool(then and now) and then != now


def _changed(what: str, seen: str = "its draws") -> str:
    return f"exploratory: {what} changed after {seen} had been looked at; {CONFIRM_ANEW}"


CONFIRM_ANEW = "--velo-profile=confirm draws anew"
"""How to have draws that nobody has seen."""
