"""Logs of Inspect (`.eval` and `.json`), through its own reader, which knows every version of its format."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from inspect import signature
from pathlib import Path
from typing import Any
from zipfile import BadZipFile, ZipFile

from pytest_velo.errors import UsageError
from pytest_velo.logs.log import Kind, Log, Sample, as_number, as_text

_HEAVY = frozenset({"messages", "events", "store", "attachments", "events_data", "timelines"})
"""Fields that are large and say nothing about outcomes."""
_FITS = 16_000_000
"""Bytes of an unpacked log that may be in memory at once; read, they take several times as much."""
_STOPPED = (
    "pytest-velo itself wrote this log, and stopped sampling by what it saw: the error rates are those of the"
    " verdict in the log, not of one on how it ended",
)
_WORDS = {"C": 1.0, "P": 0.5, "I": 0.0, "N": 0.0, "yes": 1.0, "true": 1.0, "no": 0.0, "false": 0.0}
"""As Inspect's `value_to_float` reads them."""


def read(path: Path, digest: str) -> tuple[Log, ...]:
    """Read one log.

    Raises:
        UsageError: Inspect is not installed, or cannot read the file.
    """
    try:
        import inspect_ai.log  # noqa: F401 - an extra
    except ImportError:
        raise UsageError(
            "a log of Inspect needs the package inspect_ai",
            where=str(path),
            fix='pip install "pytest-velo[inspect]"',
        ) from None
    try:
        log = _read_log(path)
    except Exception as error:  # whatever the reader and its libraries raise
        raise UsageError(
            f"Inspect cannot read it ({type(error).__name__}: {error})",
            where=str(path),
            fix="is it whole? `inspect log dump` should show it; update inspect_ai if the log is newer",
        ) from error
    samples = tuple(_samples(log.samples or (), path))
    names = {name for sample in samples for name in (*sample.scores, *sample.faults)}
    return (
        Log(
            name=path.stem,
            path=path,
            kind=Kind.INSPECT,
            digest=digest,
            samples=samples,
            announced=_announced(log.eval),
            passed=next(iter(names)) if len(names) == 1 else "",
            model=log.eval.model,
            task=log.eval.task,
            notices=_STOPPED if "velo" in (log.eval.metadata or {}) else (),
        ),
    )


def _read_log(path: Path) -> Any:
    """Let Inspect read it, as fast as the log's size allows.

    From a file's name, Inspect leaves out heavy fields, and opens the file anew for every sample: that takes
    several times as long where samples are small.
    """
    from inspect_ai.log import read_eval_log  # weight: Inspect, for its own logs

    if _fits_in_memory(path):
        with path.open("rb") as file:
            return read_eval_log(file)
    known = signature(read_eval_log).parameters
    lean = {"exclude_fields": set(_HEAVY)} if "exclude_fields" in known else {}  # older versions read all
    return read_eval_log(str(path), **lean)


def _fits_in_memory(path: Path) -> bool:
    try:
        with ZipFile(path) as packed:
            return sum(member.file_size for member in packed.infolist()) <= _FITS
    except BadZipFile:  # JSON; or damaged, which Inspect tells better
        return False


def _announced(spec: Any) -> tuple[tuple[str, int], ...]:
    """Return the samples the run set out to make: a run that was cancelled has fewer."""
    epochs = spec.config.epochs or 1
    return tuple(
        (as_text(name), epoch) for name in spec.dataset.sample_ids or () for epoch in range(1, epochs + 1)
    )


def _samples(found: Any, path: Path) -> Iterator[Sample]:
    for sample in found:
        where = f"{path.name}: sample {sample.id}, epoch {sample.epoch}"
        scores, faults = _scores(sample.scores or {})
        yield Sample(
            id=as_text(sample.id),
            epoch=sample.epoch,
            scores=scores,
            invalid=_why_invalid(sample, bool(scores or faults)),
            faults=faults,
            fields=_fields(sample),
            where=where,
        )


def _why_invalid(sample: Any, has_scores: bool) -> str:
    if sample.error is not None:
        return f"error in the log: {_first_line(sample.error.message)}"
    if getattr(sample, "invalidation", None) is not None:
        return f"invalidated in the log: {_first_line(sample.invalidation.reason or 'no reason given')}"
    if has_scores:
        return ""
    limit = getattr(sample, "limit", None)
    return "no score in the log" + ("" if limit is None else f" (it reached its {limit.type} limit)")


def _scores(found: Mapping[str, Any]) -> tuple[dict[str, float], dict[str, str]]:
    """Return numbers by name, and why others are none; a value that is a dict has a name for each part."""
    scores: dict[str, float] = {}
    faults: dict[str, str] = {}
    for name, score in found.items():
        if isinstance(score.value, Mapping):
            parts = {f"{name}.{part}": value for part, value in score.value.items()}
        else:
            parts = {name: score.value}
        for part, value in parts.items():
            number = _number(value)
            if number is not None:
                scores[part] = number
            else:
                faults[part] = _why_no_number(value, getattr(score, "reason", None))
    return scores, faults


def _number(value: Any) -> float | None:
    if isinstance(value, str):
        if value in ("C", "P", "I", "N"):
            return _WORDS[value]
        text = value.lower()
        if text in _WORDS:
            return _WORDS[text]
        try:
            return as_number(float(text))
        except ValueError:
            return None
    return as_number(value)


def _why_no_number(value: Any, reason: Any) -> str:
    if isinstance(value, float) and math.isnan(value):
        return "unscored in the log" + (f": {_first_line(str(reason))}" if reason else "")
    return f"the score is no number: {_first_line(str(value))}"


def _fields(sample: Any) -> dict[str, Any]:
    completion = getattr(sample.output, "completion", "") or ""
    return {
        **sample.metadata,
        "input": _text_of(sample.input),
        "target": sample.target if isinstance(sample.target, str) else list(sample.target),
        "output": completion,
    }


def _text_of(prompt: Any) -> str:
    if isinstance(prompt, str):
        return prompt
    return "\n".join(f"{message.role}: {message.text}" for message in prompt)


def _first_line(text: str) -> str:
    lines = text.strip().splitlines()
    return lines[0][:200] if lines else "no message"
