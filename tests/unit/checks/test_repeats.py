"""F03: one request again and again at temperature 0."""

from __future__ import annotations

import pytest

from pytest_velo.checks.repeats import CHECK
from pytest_velo.records import OutcomeKind
from support.seen import found, seen, trial

COLD = [trial(at, temperature=0) for at in range(6)]


@pytest.mark.parametrize("temperature", [0, 0.0])
def test_the_same_reply_again_and_again(temperature: float) -> None:
    (said,) = found(CHECK, seen(trials=[trial(at, temperature=temperature) for at in range(6)]))
    assert said.message.startswith("5 of 6 trials")
    assert said.trials == (1, 2, 3, 4, 5)


@pytest.mark.parametrize(
    "trials",
    [
        COLD[:5],
        [trial(at) for at in range(9)],
        [trial(at, temperature=1) for at in range(9)],
        [trial(at, f"Question {at}?", temperature=0) for at in range(9)],
        [trial(at, reply=f"{at}", temperature=0) for at in range(9)],
        [trial(at, temperature=0, kind=OutcomeKind.INVALID) for at in range(9)],
        [trial(at, temperature=0, arm=f"arm {at}") for at in range(9)],
    ],
    ids=["few", "no temperature", "warm", "other requests", "other replies", "invalid", "arms share a draw"],
)
def test_what_is_no_repetition(trials: list[object]) -> None:
    assert found(CHECK, seen(trials=trials)) == []  # type: ignore[arg-type]
