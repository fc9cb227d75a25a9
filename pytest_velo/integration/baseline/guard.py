"""Claims about a baseline: storing one, checking that it fits, and comparing with it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from pytest_velo.baselines.entry import CASE_LENGTH, Entry, Sampled
from pytest_velo.baselines.file import BaselineFile
from pytest_velo.bodies.instruments import instruments_of
from pytest_velo.canonical import digest
from pytest_velo.case_sets import CaseSet, Planned
from pytest_velo.claims import Change, Claim, Estimation, Guards
from pytest_velo.designing.frame import in_order_of
from pytest_velo.errors import StoreError
from pytest_velo.integration.baseline.facts import accepted_drift, compared_with, stored_fact
from pytest_velo.integration.baseline.pairs import beside_stored, pairs_of, sampled_of
from pytest_velo.integration.collect.frame import case_set
from pytest_velo.integration.collect.stash import SPEC
from pytest_velo.integration.session import VeloSession
from pytest_velo.records import HypothesisResult, Invalid, Outcome, TrialRecord, UnitKind
from pytest_velo.report.stubs import stub_text, stubs_of
from pytest_velo.runner.frame import Frame, Over
from pytest_velo.runner.hypothesis import Hypothesis
from pytest_velo.runner.run import Run
from pytest_velo.settings import Update
from pytest_velo.verdicts import StopReason, Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Guard:
    """How a claim about a baseline is run.

    Attributes:
        hypothesis: What to sample; None if nothing.
        problem: Why nothing is sampled; empty otherwise.
        finish: Adds facts about the baseline to the result, and stores a new baseline.
        is_look: The run counts as a look at the draws, for the look log; storing a baseline does not.
    """

    hypothesis: Hypothesis | None
    problem: str = ""
    finish: Callable[[Run, HypothesisResult], HypothesisResult] = lambda _, result: result
    is_look: bool = True


def guard_of(item: pytest.Item, session: VeloSession, hypothesis: Hypothesis) -> Guard | None:
    """Return how an item's claim about a baseline is run; None for any other claim.

    `hypothesis` is the item's as it would be sampled without a baseline.

    Raises:
        StoreError: The baseline file cannot be read.
        UsageError: As in `make_frame`.
    """
    spec, settings = item.stash[SPEC], session.settings
    if not spec.against_baseline:
        return None
    stored = BaselineFile.load(settings.baseline)
    entry = stored.get(hypothesis.node_id, hypothesis.model or "", str(_change(hypothesis).of))
    if settings.update is Update.ALL or (settings.update is Update.NEW and entry is None):
        return _recording(hypothesis, entry, settings.baseline)
    if entry is None:
        return Guard(hypothesis=None, problem=_missing(hypothesis, settings.baseline))
    # The order comes from the baseline's seed, the draws from this run's.
    problem = _misfit(entry, hypothesis)
    if problem:
        return Guard(hypothesis=None, problem=_not_compared(entry, problem))
    cases = case_set(item, settings)
    frame = in_order_of(hypothesis.frame, spec, cases, entry.current.seed)
    return _comparing(hypothesis, entry, frame, cases, spec.get("guards", Guards.MODEL))


def unsampled_result(hypothesis: Hypothesis, problem: str) -> HypothesisResult:
    """Return the result of a hypothesis that was not sampled: undecided, at no cost."""
    return HypothesisResult(
        node_id=hypothesis.node_id,
        belief=hypothesis.belief,
        claim=str(hypothesis.claim),
        scope=hypothesis.frame.scope,
        outcome=Outcome.INCONCLUSIVE,
        model=hypothesis.model,
        problem=problem,
        alpha=hypothesis.design.alpha,
        beta=hypothesis.design.beta,
        margin=hypothesis.design.margin,
        max_trials=hypothesis.frame.max_trials,
        seed=hypothesis.seed,
        notices=hypothesis.notices,
        rerun=f"{hypothesis.rerun} --velo-update",
        claim_hash=hypothesis.claim_hash,
    )


def _change(hypothesis: Hypothesis) -> Change:
    assert isinstance(hypothesis.claim, Claim)  # `against_baseline` says so
    assert isinstance(hypothesis.claim.statistic, Change)
    return hypothesis.claim.statistic


def _missing(hypothesis: Hypothesis, path: Path) -> str:
    model = f" on {hypothesis.model}" if hypothesis.model else ""
    return f"{path.name} has no baseline for this test{model}: --velo-update samples and stores one"


def _frame_hash(frame: Frame) -> str:
    """Identify how a baseline was sampled: turns of another frame cannot be paired with it."""
    return digest([frame.over.value, frame.turns_per_unit, frame.invalid.value])


def _misfit(entry: Entry, hypothesis: Hypothesis) -> str:
    """Say why the baseline cannot be compared, if that is clear without a trial."""
    stored = entry.current
    if stored.body != hypothesis.body_digest:
        return (
            "the body has changed since. Keep what you guard outside the body, e.g. the prompt in a constant"
            ' or a file, with guards="prompt"'
        )
    if entry.design != _frame_hash(hypothesis.frame):
        return "the design (over, draws_per_case, groups or invalid) has changed since"
    if stored.set_digest and not hypothesis.set_digest:
        return "it had cases then and has none now"
    if stored.set_digest != hypothesis.set_digest and hypothesis.frame.turns_per_unit > 1:
        return "the cases have changed since, and this design does not compare them one by one"
    return ""


def _not_compared(entry: Entry, why: str) -> str:
    day = entry.current.made_at[:10]
    return f"not compared with the baseline of {day}: {why}. --velo-update stores a new one"


def _recording(hypothesis: Hypothesis, entry: Entry | None, path: Path) -> Guard:
    """Sample all units without an early stop, which would bias the stored outcomes, and store them."""
    change, frame = _change(hypothesis), hypothesis.frame

    def finish(run: Run, result: HypothesisResult) -> HypothesisResult:
        if run.verdict is not Verdict.MEASURED:
            why = "sampling ended before all trials were finished"
            return replace(result, facts=(*result.facts, f"no baseline was stored: {why}"))
        if stubs_of(result):
            told = "; ".join(map(stub_text, stubs_of(result)))
            return replace(
                result, facts=(*result.facts, f"no baseline was stored: it rests on a stub, {told}")
            )
        sampled = sampled_of(run, frame.trials(), hypothesis)
        accepted = BaselineFile().accept(
            hypothesis=hypothesis.node_id,
            model=hypothesis.model or "",
            statistic=str(change.of),
            design=_frame_hash(frame),
            sampled=sampled,
        )
        try:
            BaselineFile.update(path, accepted.entries.values())
        except StoreError as error:
            run.error = error  # ends the test; its trials stay in the record
            return replace(result, outcome=Outcome.ERROR, problem=str(error))
        drift = () if entry is None else accepted_drift(entry, change.of, sampled, hypothesis)
        return replace(result, facts=(*result.facts, stored_fact(path, change.of, sampled), *drift))

    # Regardless of the mark's `invalid=`: what is shown holds however invalid trials would have come out.
    sampled_to_the_end = replace(
        hypothesis,
        claim=Estimation(statistic=change.of, halfwidth=None),
        frame=replace(
            frame,
            invalid=Invalid.BOUND,
            unit=UnitKind.TRIAL if frame.unit is UnitKind.PAIR else frame.unit,
        ),
        to_the_end=True,
    )
    return Guard(hypothesis=sampled_to_the_end, finish=finish, is_look=False)


def _comparing(
    hypothesis: Hypothesis, entry: Entry, frame: Frame, cases: CaseSet | None, guards: Guards
) -> Guard:
    """Compare case by case with what was stored."""
    stored = entry.current
    trials, reference = pairs_of(stored, frame, cases)
    problem = _unknown_instruments(stored, trials, guards)
    if problem:
        return Guard(hypothesis=None, problem=_not_compared(entry, problem))
    compared = replace(
        hypothesis,
        frame=replace(
            frame,
            design=replace(frame.design, max_units=min(frame.design.max_units, trials[-1].unit + 1)),
            trials=lambda: iter(trials),
            scope=_scope(hypothesis, stored),
        ),
        reference=reference,
        accepts=lambda first: _changed_instruments(first, entry, hypothesis.seed, guards),
    )

    def finish(run: Run, result: HypothesisResult) -> HypothesisResult:
        if run.refusal is not None:  # from the first trial on, so there is no evidence to report
            return replace(result, decision=None, rerun=f"{hypothesis.rerun} --velo-update")
        if run.error is not None or not run.trials:
            return result
        facts = compared_with(entry, sampled_of(run, iter(trials), hypothesis), result, compared)
        ended = _at_the_baselines_end(result, compared.design.max_units < hypothesis.design.max_units)
        noted = beside_stored(result.trials, reference)
        return replace(ended, trials=noted, facts=(*result.facts, *facts))

    return Guard(hypothesis=compared, finish=finish)


def _unknown_instruments(stored: Sampled, trials: Sequence[Planned], guards: Guards) -> str:
    """Say why nothing can be compared, or why it is unknown whether prompt and judge changed.

    Both are identified by what the baseline's first trial sent, which may include its case.
    """
    if not trials:
        return "none of its cases is left"
    there = trials[0].case_digest[:CASE_LENGTH] == stored.turns[0].case
    if there or not (stored.judge or (stored.prompt and guards is Guards.MODEL)):
        return ""
    what = "judge" if stored.judge else "prompt"
    return f"the case that identifies its {what} is gone, so it is unknown whether the {what} changed"


def _changed_instruments(first: TrialRecord, entry: Entry, seed: int, guards: Guards) -> str | None:
    """Say why a comparison ends at its first trial: the prompt or the judge is another one."""
    stored, now = entry.current, instruments_of(first)
    changed = [] if guards is Guards.PROMPT or now.prompt == stored.prompt else ["prompt"]
    # A trial may end before it asks its judge: then there is nothing to compare it by.
    changed += [] if not (now.judge and stored.judge) or now.judge == stored.judge else ["judge"]
    if not changed:
        return None
    hint = ""
    if "prompt" in changed:
        drawn = "" if seed == stored.seed else "; or it contains draws of trial.rng, and the seed differs"
        hint = f' (if you guard the prompt: guards="prompt"{drawn})'
    return _not_compared(entry, f"the {' and the '.join(changed)} changed{hint}")


def _scope(hypothesis: Hypothesis, stored: Sampled) -> str:
    """Say what is compared: if the cases changed, those in both sets."""
    if stored.set_digest == hypothesis.set_digest or hypothesis.frame.over is not Over.CASES:
        return hypothesis.frame.scope
    return "over the cases that its baseline has, too, paired on the case"


def _at_the_baselines_end(result: HypothesisResult, is_shorter: bool) -> HypothesisResult:
    """Say that the baseline ended, not the cases."""
    decision = result.decision
    if decision is None or not is_shorter or decision.stop is not StopReason.CASES_EXHAUSTED:
        return result
    return replace(result, decision=replace(decision, stop=StopReason.BASELINE_ENDS))
