"""The rows of each table: dicts of plain values, a value that is not known None."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol

from pytest_velo.baselines.written import Part, parts_of
from pytest_velo.claims import Change, Difference, Mean, Rate
from pytest_velo.claims.text import claim_in
from pytest_velo.errors import UsageError
from pytest_velo.records import Call, HypothesisResult, Outcome, OutcomeKind, TrialRecord, add_costs
from pytest_velo.report.conversation import FACTS, conversation
from pytest_velo.report.document import RunDocument
from pytest_velo.report.frames.columns import CASE, OUTCOME, Table
from pytest_velo.report.frames.counted import counted, pairs_of
from pytest_velo.report.record import JUDGED
from pytest_velo.report.stubs import stub_text
from pytest_velo.scorers.grading import rubric_of
from pytest_velo.verdicts import Decision, Interval

Row = dict[str, Any]


class Recorded(Protocol):
    """A recorded run."""

    @property
    def document(self) -> RunDocument:
        """Everything but its trials."""
        ...

    def trials_of(self, node_id: str) -> tuple[TrialRecord, ...]:
        """Return the trials of a test."""
        ...

    def n_trials_of(self, node_id: str) -> int:
        """Count the trials of a test, without reading them."""
        ...


def rows_of(run: Recorded, table: Table, unfinished: Iterable[str] = ()) -> Iterator[Row]:
    """Yield the rows of a table, in the order of the run's results.

    Args:
        run: The run.
        table: What a row is.
        unfinished: Node ids of tests whose process was killed before their result was written: nothing is
            known of them but their trials.
    """
    for result in run.document.results:
        yield from _rows(run, table, result)
    for node_id in unfinished:
        yield from _rows_of_unfinished(run, table, node_id)


def _rows(run: Recorded, table: Table, result: HypothesisResult) -> Iterator[Row]:
    match table:
        case Table.TRIALS:
            yield from _trial_rows(run, result)
        case Table.HYPOTHESES:
            yield _hypothesis_row(run, result)
        case Table.CLAIMS:
            yield from _claim_rows(run, result)
        case Table.MESSAGES:
            yield from _message_rows(run, result.node_id)


def _rows_of_unfinished(run: Recorded, table: Table, node_id: str) -> Iterator[Row]:
    match table:
        case Table.TRIALS:
            lone = HypothesisResult(
                node_id=node_id, belief="", claim="", scope="", outcome=Outcome.INCONCLUSIVE
            )
            for row in _trial_rows(run, lone):
                yield row | {"claim": None, "outcome": None, "counted": None}
        case Table.HYPOTHESES:
            yield {**_of_run(run, node_id), "n_trials": run.n_trials_of(node_id)}
        case Table.CLAIMS:
            pass  # what they claimed is in no record
        case Table.MESSAGES:
            yield from _message_rows(run, node_id)


def _trial_rows(run: Recorded, result: HypothesisResult) -> Iterator[Row]:
    trials = run.trials_of(result.node_id)
    weighed = counted(replace(result, trials=trials))
    pairs = pairs_of(trials)
    parts = parts_of(result.claim)
    for trial in trials:
        is_last = trial is trials[-1]
        failed = is_last and _ended(result, trial)
        invalid = trial.kind is OutcomeKind.INVALID and not failed
        yield {
            "run": run.document.run_id,
            "hypothesis": result.node_id,
            "claim": result.claim,
            "model": result.model,
            "arm": trial.arm or None,
            "case_id": trial.case_id or None,
            **_case(trial.case),
            "trial": trial.index,
            "repeat": trial.repeat,
            "pair": pairs.get(trial.index),
            "unit": trial.unit,
            "seed": trial.seed,
            "outcome": _outcome(trial, parts),
            **{f"{OUTCOME}{name}": value for name, value in trial.values.items() if name},
            "label": None if result.truth is None else result.truth.labels.get(trial.index),
            "invalid": invalid,
            "invalid_reason": trial.detail if invalid else None,
            "counted": None if weighed is None else trial.index in weighed,
            "error": trial.detail if failed else None,
            "detail": trial.detail or None if not invalid and not failed else None,
            "location": trial.location or None,
            "notes": "\n".join(trial.notes) if trial.notes else None,
            **_replies(trial.calls),
            **({} if run.document.mode == JUDGED else _spending(trial)),
        }


def _ended(result: HypothesisResult, last: TrialRecord) -> bool:
    """Tell whether the last trial is the one that ended its hypothesis as an error, without an outcome."""
    is_error = result.outcome is Outcome.ERROR
    return is_error and last.kind is OutcomeKind.INVALID and last.detail in result.problem


def _case(case: Any) -> Row:
    """Return a case's fields by their columns; one without fields is a value."""
    if isinstance(case, Mapping):
        return {f"{CASE}{name}": value for name, value in case.items()}
    return {"case": case}


def _outcome(trial: TrialRecord, parts: Sequence[Part] | None) -> float | None:
    """Return what the claim's only statistic is made of; None if there are several, or if it is invalid."""
    if trial.kind is OutcomeKind.INVALID or (parts is not None and len(parts) > 1):
        return None
    match trial.kind:
        case OutcomeKind.ONE:
            return 1.0
        case OutcomeKind.ZERO:
            return 0.0
        case _:
            name = parts[0].statistic.name or "" if parts else ""
            return trial.values.get(name)


def _replies(calls: Sequence[Call]) -> Row:
    """Return what the model under test said last, and the judge."""
    judged = [rubric_of(call.request) is not None for call in calls]
    said = [call.reply for call, is_judge in zip(calls, judged, strict=True) if not is_judge]
    graded = [call.reply for call, is_judge in zip(calls, judged, strict=True) if is_judge]
    last = said[-1] if said else None
    return {
        "text": None if last is None else last.text,
        "finish_reason": None if last is None else last.finish_reason.value,
        "refused": None if last is None else last.refused,
        "judgement": graded[-1].text if graded else None,
    }


def _spending(trial: TrialRecord) -> Row:
    """Return what a trial's calls took; a sum with an unknown part is unknown. A log has none."""
    replies = [call.reply for call in trial.calls]
    n_cached = sum(reply.cached for reply in replies)
    return {
        "n_calls": len(replies),
        "n_cached": n_cached,
        "cached": n_cached == len(replies) if replies else None,
        "input_tokens": _sum(reply.usage.input_tokens for reply in replies),
        "output_tokens": _sum(reply.usage.output_tokens for reply in replies),
        "reasoning_tokens": _sum(reply.usage.reasoning_tokens for reply in replies),
        "cost_usd": trial.cost_usd,
        "price_usd": add_costs(reply.cost_usd for reply in replies),
        "latency_s": add_costs(reply.latency_s for reply in replies),
    }


def _sum(counts: Iterable[int | None]) -> int | None:
    total = 0
    for count in counts:
        if count is None:
            return None
        total += count
    return total


def _of_run(run: Recorded, node_id: str) -> Row:
    document = run.document
    return {
        "run": document.run_id,
        "started_at": document.started_at,
        "mode": document.mode,
        "hypothesis": node_id,
    }


def _hypothesis_row(run: Recorded, result: HypothesisResult) -> Row:
    decision = result.decision
    return {
        **_of_run(run, result.node_id),
        "belief": result.belief,
        "claim": result.claim,
        "scope": result.scope,
        "model": result.model,
        "outcome": result.outcome.value,
        "problem": result.problem or None,
        **_evidence(decision),
        "unit": None if result.unit is None else result.unit.value,
        "n_trials": run.n_trials_of(result.node_id),
        "alpha": result.alpha,
        "beta": result.beta,
        "margin": result.margin,
        "max_trials": result.max_trials,
        "seed": result.seed,
        "family": None if result.family is None else result.family.name,
        **({} if _is_lost(result) else _spent(result)),
        "stubs": "\n".join(map(stub_text, result.stubs)) or None,
        "facts": "\n".join(result.facts) or None,
        "notices": "\n".join(result.notices) or None,
        "rerun": result.rerun or None,
    }


def _is_lost(result: HypothesisResult) -> bool:
    """Tell whether its worker crashed: no calls cost nothing, and what these cost is not known."""
    return result.n_calls == 0 and result.cost_usd is None


def _spent(result: HypothesisResult) -> Row:
    return {
        "n_calls": result.n_calls,
        "n_cached": result.n_cached,
        "cost_usd": result.cost_usd,
        "duration_s": result.duration_s,
    }


def _evidence(decision: Decision | None) -> Row:
    """Return what a verdict says and rests on; nothing of it is known where there is none."""
    if decision is None:
        return {}
    evidence = decision.evidence
    return {
        "verdict": decision.verdict.value,
        "certified": decision.certified or None,
        "stop": decision.stop.value,
        "estimate": evidence.estimate,
        **_interval(evidence.interval),
        "n": evidence.n,
        "n_invalid": evidence.n_invalid,
        "p_support": evidence.p_support,
        "p_refute": evidence.p_refute,
        "n_unused": decision.n_unused,
        "n_saved": decision.n_saved,
    }


def _interval(interval: Interval | None) -> Row:
    if interval is None:
        return {}
    return {"low": interval.low, "high": interval.high, "level": interval.level}


def _claim_rows(run: Recorded, result: HypothesisResult) -> Iterator[Row]:
    """Yield a row for the claim, or one for each part of a joint one; none without a decision."""
    decision = result.decision
    if decision is None:
        return
    told = {"run": run.document.run_id, "hypothesis": result.node_id, "model": result.model}
    for part in decision.parts:
        yield {
            **told,
            **_about(part.claim),
            "verdict": part.verdict.value,
            "certified": part.certified or None,
            "estimate": part.estimate,
            **_interval(part.interval),
            "n": decision.evidence.n,
        }
    if not decision.parts:
        yield {
            **told,
            **_about(result.claim),
            "verdict": decision.verdict.value,
            "certified": decision.certified or None,
            "estimate": decision.evidence.estimate,
            **_interval(decision.evidence.interval),
            "n": decision.evidence.n,
        }


def _about(claim: str) -> Row:
    """Return what a claim is about; of one that a plugin made, only its text is known."""
    try:
        statistic = claim_in(claim).statistics[0]
    except UsageError:
        return {"claim": claim}
    of = statistic.of if isinstance(statistic, Difference | Change) else statistic
    first, second = statistic.arms or (None, None)
    return {
        "claim": claim,
        "statistic": _STATISTICS[type(statistic)],
        "of": of.name or None,
        "first_arm": first,
        "second_arm": second,
    }


_STATISTICS = {Rate: "rate", Mean: "mean", Difference: "difference", Change: "change"}


def _message_rows(run: Recorded, node_id: str) -> Iterator[Row]:
    """Yield what was said in each trial; a message that is sent again with each call is there once."""
    for trial in run.trials_of(node_id):
        call = 0
        for place, said in enumerate(said for said in conversation(trial) if said.text):
            if said.role == FACTS:  # it ends what is said of a call
                call += 1
                continue
            yield {
                "run": run.document.run_id,
                "hypothesis": node_id,
                "arm": trial.arm or None,
                "case_id": trial.case_id or None,
                "trial": trial.index,
                "call": call,
                "place": place,
                "model": trial.calls[call].model,
                "role": said.role,
                "text": said.text,
            }
