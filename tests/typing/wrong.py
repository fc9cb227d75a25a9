"""Mistakes that mypy --strict finds before pytest runs: each line says which. An ignore that is not
needed is itself an error, so the file is clean if and only if each mistake is found.
"""

from __future__ import annotations

import pytest

from pytest_velo import AsyncJudge, AsyncModel, Case, Judge, Model, Reply, Trial, cases, rate, scripted

UNSURE = rate >= "0.5"  # type: ignore[operator]


@pytest.mark.hypothesis(rate >= 0.5, cases=7)
async def test_async(model: AsyncModel, judge: AsyncJudge, trial: Trial) -> bool:
    """Mistakes of an async body."""
    reply: Reply = model("Is it?")  # type: ignore[assignment]
    text: str = await model("Is it?")  # type: ignore[assignment]
    await model("Is it?", temperature="hot")  # type: ignore[arg-type]
    await model(7)  # type: ignore[arg-type]
    if model("Is it?").answers("yes"):  # type: ignore[attr-defined]
        return await judge("Is it yes?", 7)  # type: ignore[arg-type]
    if trial.index:
        return judge("Is it yes?", reply)  # type: ignore[return-value]
    return reply.answer("yes") and text == ""  # type: ignore[attr-defined]


def test_plain(model: Model, judge: Judge, case: Case, trial: Trial) -> bool:
    """Mistakes of a plain body."""
    trial.note()  # type: ignore[call-arg]
    if model("q").text == trial.seed:  # type: ignore[comparison-overlap]
        return judge.score("How good?", case.q)  # type: ignore[return-value]
    return model("q")  # type: ignore[return-value]


rate.within(0.2)  # type: ignore[call-arg]
rate(0.5)  # type: ignore[arg-type]
cases([1], filter="case.q")  # type: ignore[arg-type]
cases([1], groups="topic")  # type: ignore[call-arg]
scripted("seven", 7)  # type: ignore[arg-type]
