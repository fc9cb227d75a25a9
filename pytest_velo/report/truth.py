"""What a result says of the labels that its claim is about: in words, and as JSON."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any

from pytest_velo.records import HypothesisResult, JsonObject, Outcome, TruthSeen
from pytest_velo.report.decisions import interval_from_json, interval_to_json
from pytest_velo.report.numbers import count, interval, percent, rate
from pytest_velo.report.text import inline
from pytest_velo.report.transcript import number_from_json, number_to_json
from pytest_velo.verdicts import StopReason

_PLAIN = (
    "source",
    "every",
    "by",
    "n_judged",
    "n_labelled",
    "n_skipped",
    "n_waiting",
    "n_changed",
    "n_alone",
)
_NUMBERS = ("judged", "correlation", "agreement")
_LONGEST = 60
_FEW_LABELS = 10


def truth_rows(result: HypothesisResult) -> Iterator[tuple[str, str]]:
    """Say under which label what people said, and the judge; nothing where no label counts."""
    truth = result.truth
    if truth is None:
        return
    yield "truth", truth_text(result, truth)
    if truth.n_labelled:
        yield "judge", judge_text(result, truth)
    if truth.n_waiting:
        yield "to label", waiting_text(truth)


def truth_text(result: HypothesisResult, truth: TruthSeen) -> str:
    """Say from what the truth is known: `0.41 [0.36, 0.47] from 1,600 judged and 80 labelled trials`.

    It is about what people say. What is judged is never said in its place.
    """
    evidence = None if result.decision is None else result.decision.evidence
    if evidence is None or evidence.estimate is None:
        return f"unknown: no label in {inline(truth.source, _LONGEST)} is of these trials"
    told = (
        f"{rate(evidence.estimate)} {interval(evidence.interval)} by {inline(truth.source, _LONGEST)}, from"
        f" {truth.n_judged - truth.n_waiting * truth.every:,} judged and {truth.n_labelled:,} labelled trials"
    )
    if truth.n_skipped:
        told += f", {truth.n_skipped:,} of them skipped, which may be either"
    if truth.by:
        told += f"; labels by {inline(truth.by, _LONGEST)}"
    if truth.n_alone is not None and result.outcome in (Outcome.SUPPORTED, Outcome.REFUTED):
        more = truth.n_alone > truth.n_labelled
        told += (
            f"; labels alone would have needed about {truth.n_alone:,} (an estimate)"
            if more
            else "; the judge saved no labels"
        )
    return told


def judge_text(result: HypothesisResult, truth: TruthSeen) -> str:
    """Say what the judge says alone, and how it goes with the labels."""
    if truth.judged is None:
        return "said nothing of any trial"
    told = f"alone says {rate(truth.judged)} {interval(truth.judged_interval)}, which is not the truth"
    estimate = None if result.decision is None else result.decision.evidence.estimate
    if estimate is not None and truth.n_labelled >= _FEW_LABELS:
        told += f": off by {truth.judged - estimate:+.2f}"
    if truth.agreement is not None:
        told += f"; agrees with {percent(truth.agreement)} of the labels"
    if truth.correlation is not None:
        told += f", correlation {truth.correlation:.2f}"
    return told


def waiting_text(truth: TruthSeen) -> str:
    """Say which trials people have to label."""
    told = f"{count(truth.n_waiting, 'trial')} of this run, one in {truth.every}"
    if truth.n_changed:
        told += (
            f"; {count(truth.n_changed, 'label')} of the same case and repeat"
            f" {'is' if truth.n_changed == 1 else 'are'} of something else that was said, or of another test,"
            f" and {'does' if truth.n_changed == 1 else 'do'} not count"
        )
    return told


def ran_out_of_labels(result: HypothesisResult) -> bool:
    """Tell whether people have to say more before anything else helps."""
    return result.decision is not None and result.decision.stop is StopReason.UNLABELLED


def label_command(result: HypothesisResult, truth: TruthSeen) -> str:
    """Return the command that asks for the labels.

    It has the whole node id, since a name may be part of others. Which trials, whose labels and, of a test,
    which file: the record says so, wherever the command is typed.
    """
    command = f"velo label latest -k {_quoted(result.node_id)}"
    if result.rerun:
        return command
    place = PurePosixPath(result.node_id.partition("::")[0]).parent / truth.source  # as the call names it
    return f"{command} --to {_quoted(str(place))}"


def _quoted(text: str) -> str:
    plain = all(sign.isalnum() or sign in "_-./:" for sign in text)
    return text if plain else "'" + text.replace("'", "'\\''") + "'"


def truth_to_json(truth: TruthSeen) -> dict[str, Any]:
    """Return what a result says of its labels as JSON."""
    return {
        **{name: getattr(truth, name) for name in _PLAIN},
        **{name: number_to_json(getattr(truth, name)) for name in _NUMBERS},
        "judged_interval": interval_to_json(truth.judged_interval),
        "labels": {str(index): value for index, value in truth.labels.items()},
    }


def truth_from_json(data: JsonObject) -> TruthSeen:
    """Undo `truth_to_json`.

    Raises:
        KeyError, TypeError, ValueError: A field is missing or has an invalid value.
    """
    fields: dict[str, Any] = {
        **{name: data[name] for name in _PLAIN},
        **{name: number_from_json(data[name]) for name in _NUMBERS},
    }
    if not fields["every"] >= 2:
        raise ValueError(f"one trial in {fields['every']!r} is not labelled")
    return TruthSeen(
        **fields,
        judged_interval=interval_from_json(data["judged_interval"]),
        labels={int(index): value for index, value in data["labels"].items()},
    )
