"""The stream that a recorded hypothesis was sampled in: it gave the order of its cases, too."""

from __future__ import annotations

from collections.abc import Sequence

from pytest_velo.records import HypothesisResult, Repeat, RepeatKind, TrialRecord
from pytest_velo.runner.confirming import PREFIX, stream_named

REPLICATE = "replicate:"
"""How the streams of replications begin."""


def replicate_stream(number: int, stream: str) -> str:
    """Return the stream of a replication, by its number and the mark's own stream."""
    return f"{REPLICATE}{number}:{stream}"


def recorded_stream(
    result: HypothesisResult, trials: Sequence[TrialRecord], repeats: Repeat | None, stream: str
) -> str:
    """Return the stream of a recorded hypothesis: as its draws say, else as its record does.

    Args:
        result: The hypothesis.
        trials: Its trials.
        repeats: What its run repeats; None if it repeats none.
        stream: The mark's.
    """
    calls = (call for trial in trials for call in trial.calls)
    if (call := next(calls, None)) is not None:
        return call.address.stream
    if result.confirmation is not None:
        return stream_named(result.confirmation.hash, stream)
    if repeats is not None and repeats.kind is RepeatKind.REPLICATE:
        return replicate_stream(repeats.number, stream)
    return stream


def has_its_own_order(stream: str) -> bool:
    """Tell whether a stream has seeds and an order of its own."""
    return stream.startswith((PREFIX, REPLICATE))
