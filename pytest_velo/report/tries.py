"""What is said of the attempts at a belief."""

from __future__ import annotations

from collections.abc import Iterator

from pytest_velo.records import Attempt, HypothesisResult
from pytest_velo.report.numbers import count, percent

NOT_SHOWN = "this attempt does not show the belief; another prompt or model may"
"""What a refutation is about: one body, prompt and model."""


def attempt_rows(result: HypothesisResult) -> Iterator[tuple[str, str]]:
    """Say which attempt at its belief a result is, in labels and texts.

    Nothing is said of a first one, unless its number sets alpha.
    """
    attempt = result.attempt
    if attempt is None or (attempt.number == 1 and attempt.alpha is None):
        return
    yield "attempt", _which(attempt)
    if attempt.alpha is not None:
        yield (
            "level",
            f"alpha {attempt.alpha:g} for all attempts together, of which attempt {attempt.number:,} has"
            f" {result.alpha:.2g}",
        )
    if attempt.untried:
        yield (
            "untried",
            f"{attempt.n_still} attempts in a row moved nothing; not tried yet, the cheapest first:"
            f" {', '.join(attempt.untried)}",
        )


def attempts_risk(result: HypothesisResult) -> str:
    """Say which error rate covers a supported claim whose attempts share alpha; empty for any other."""
    attempt = result.attempt
    if attempt is None or attempt.alpha is None:
        return ""
    return f"of all attempts at a false claim any is supported at most {percent(attempt.alpha)} of the time"


def _which(attempt: Attempt) -> str:
    kinds = (
        ("prompt", "prompts", attempt.n_prompts),
        ("body", "bodies", attempt.n_bodies),
        ("model", "models", attempt.n_models),
        ("rung", "rungs", attempt.n_rungs),
    )
    others = [count(n, one, many) for one, many, n in kinds if n > 1]
    since = f", since {attempt.since}" if attempt.number > 1 else ""
    return f"attempt {attempt.number:,} on this belief{''.join(f', {text}' for text in others)}{since}"
