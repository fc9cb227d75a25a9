"""Logs of trainings: what the loss and the accuracy on held-out examples did."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pytest_velo.errors import UsageError
from pytest_velo.reading import json_in, read_bytes

_STEPS = ("step", "global_step", "iteration", "epoch")
_LOSSES = ("train_loss", "training_loss", "loss")
_ACCURACIES = (
    "held_out_accuracy",
    "eval_accuracy",
    "full_valid_mean_token_accuracy",
    "valid_mean_token_accuracy",
    "valid_accuracy",
    "validation_accuracy",
    "val_accuracy",
)
"""Names that OpenAI, Hugging Face and plain loops give to the same thing, the clearest first."""
_SHARE = 10
"""One row of so many at each end is averaged: the loss of a single step is noise."""

_FIX = "rows of step and loss as CSV or JSON lines, OpenAI's events, or trainer_state.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Training:
    """What a log says.

    Attributes:
        n: Rows with a loss.
        loss: At first and in the end: means over a tenth of the rows.
        accuracy: On held-out examples, first and last; None if the log has none.
    """

    n: int
    loss: tuple[float, float]
    accuracy: tuple[float, float] | None

    @property
    def text(self) -> str:
        """The training in words."""
        told = f"its training's loss went from {self.loss[0]:.4g} to {self.loss[1]:.4g} in {self.n:,} rows"
        if self.accuracy is not None:
            told += f", accuracy on held-out examples from {self.accuracy[0]:.4g} to {self.accuracy[1]:.4g}"
        return told


def read_log(path: Path, *, where: str) -> Training:
    """Read the log of a training; `where` is named in errors.

    Raises:
        UsageError: It cannot be read, or tells no loss.
    """
    try:
        content = read_bytes(path)
        rows = sorted(_rows(content), key=_step)
        losses = _numbers(rows, _LOSSES)
        accuracies = _numbers(rows, _ACCURACIES)
    except (OSError, ValueError) as problem:
        told = getattr(problem, "strerror", None) or problem
        raise UsageError(
            f"the training's log {path.name} cannot be read: {told}", where=where, fix=_FIX
        ) from None
    if len(losses) < 2:
        raise UsageError(
            f"the training's log {path.name} has {'no loss' if not losses else 'one row with a loss'}",
            where=where,
            fix=_FIX,
        )
    n = max(1, len(losses) // _SHARE)
    return Training(
        n=len(losses),
        loss=(sum(losses[:n]) / n, sum(losses[-n:]) / n),
        accuracy=(accuracies[0], accuracies[-1]) if accuracies else None,
    )


def _rows(content: bytes) -> Iterator[Mapping[str, Any]]:
    """Yield the rows of any of the formats."""
    text = content.decode("utf-8-sig")
    if text.lstrip()[:1] not in ("{", "["):
        yield from csv.DictReader(io.StringIO(text))
        return
    try:
        whole = [json_in(content)]
    except ValueError:
        whole = [json_in(line.encode()) for line in text.splitlines() if line.strip()]
    for value in whole:
        yield from _rows_of(value)


def _rows_of(value: Any) -> Iterator[Mapping[str, Any]]:
    """Yield the rows in a JSON value: a list of them, a trainer's state, events, an event, a row."""
    if isinstance(value, list):
        for each in value:
            yield from _rows_of(each)
    elif isinstance(value, Mapping):
        inner = value.get("log_history", value.get("data"))
        if isinstance(inner, list | Mapping):
            yield from _rows_of(inner)
        else:
            yield value


def _step(row: Mapping[str, Any]) -> float:
    """Return where a row stands; events of OpenAI's come in the order of the newest."""
    return next((found for name in _STEPS if (found := _number(row, name)) is not None), math.inf)


def _numbers(rows: list[Mapping[str, Any]], names: tuple[str, ...]) -> list[float]:
    """Return the values of the first name that any row has.

    Raises:
        ValueError: One is not finite: the training diverged.
    """
    for name in names:
        found = [value for row in rows if (value := _number(row, name)) is not None]
        if found:
            if not all(map(math.isfinite, found)):
                raise ValueError(f"{name} is not a finite number in some row: the training diverged")
            return found
    return []


def _number(row: Mapping[str, Any], name: str) -> float | None:
    """Return a number of a row; None if it has none of that name."""
    value = row.get(name)
    if isinstance(value, bool) or value is None or value == "":
        return None
    if isinstance(value, int | float | str):
        return float(value)
    return None
