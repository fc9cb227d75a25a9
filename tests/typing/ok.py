"""What users write, as mypy --strict sees it: nothing to complain about."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_velo import (
    Agreement,
    AsyncChat,
    AsyncJudge,
    AsyncModel,
    Case,
    Chat,
    Finding,
    Judge,
    Model,
    Replies,
    Reply,
    Sweep,
    ToolCall,
    ToolResult,
    Trial,
    Velo,
    ask,
    ask_sync,
    audio,
    cases,
    check,
    check_sync,
    image,
    load,
    rate,
    scripted,
)

YES = scripted("typing-yes", ["yes"])
LOUD = scripted("typing-loud", lambda request: str(request.messages[-1]["content"]).upper())
QUESTIONS = cases([{"q": "Lyon?", "topic": "places"}], group="topic", filter=lambda case: bool(case.q))


@pytest.mark.hypothesis(rate >= 0.5, models=[YES], cases=QUESTIONS)
async def test_async(model: AsyncModel, judge: AsyncJudge, case: Case, trial: Trial) -> bool:
    """An async body: calls are awaited."""
    reply: Reply = await model(f"{case.q}", temperature=0.5, max_tokens=5)
    text: str = reply.text
    trial.note(text)
    score: float = await judge.score("How good, from 0 to 10?", reply, context=None)
    agreement: Agreement = await judge.validate("labels.csv", "Is it yes?")
    rate_or_none: float | None = agreement.rate
    agrees = rate_or_none is not None and rate_or_none > 0.5
    return reply.answers("yes") and await judge("Is it yes?", reply) and score > 5 and agrees


@pytest.mark.hypothesis(rate("asr").within(0.1, 0.9))
def test_plain(model: Model, judge: Judge, velo: Velo, trial: Trial) -> dict[str, bool]:
    """A plain body: calls block."""
    chat: Chat = model.chat(system="Be brief.")
    reply: Reply = chat("Hello?")
    if not reply.text:
        velo.invalid("silence")
    pick: float = trial.rng.random()
    again: Agreement = judge.validate([{"text": "yes", "label": True}], "Is it yes?", level=0.9)
    return {
        "asr": judge("Is it yes?", reply, context=[{"role": "user", "content": "Yes?"}]),
        "other": pick < 0.5 and again.n > 0,
    }


async def talk(model: AsyncModel) -> Reply:
    """A helper of an async body."""
    chat: AsyncChat = model.chat()
    await chat("Hello?")
    await chat([image("cup.png"), "What is it?"])
    await chat.run("How warm is it?", tools=[warmth], max_turns=3)
    results: list[ToolResult] = chat.fork(at=0, edit=str.upper).tool_results
    reply: Reply = await (await chat("And now?")).fork(at=-1, edit=str)
    return reply if not results else await model(audio(b"", media_type="audio/wav"))


def warmth(city: str, days: int = 0) -> float:
    """A tool."""
    return float(days)


CALLS = scripted("typing-calls", lambda request: [ToolCall(name="warmth", arguments={"city": "Lyon"})])


def read() -> list[str]:
    """A record is read with types, too."""
    run = load()
    verdicts: list[str] = [result.outcome.value for result in run.results]
    first: Any = run["test_async"].trials
    assert first is not None
    return verdicts


async def notebook() -> None:
    """Without a test: replies are a sequence of them."""
    replies: Replies = await ask("local/smollm2-135m", "Lyon?", 3, temperature=0.5)
    first: Reply = replies[0]
    rest: list[Reply] = replies[1:]
    texts: list[str] = ask_sync([YES, LOUD], lambda case: f"{case.q}", cases=QUESTIONS, budget=0.5).texts
    print(first.text, rest, texts, [group.n for group in replies.groups], replies.by_model[YES].cost_usd)


async def agrees(model: AsyncModel, case: Case) -> bool:
    """A body of a check."""
    return bool((await model(str(case))).answers("yes"))


async def explore() -> str:
    """A check gives a finding, and over a mapping a sweep."""
    finding: Finding = await check(rate >= 0.3, agrees, cases=[1, 2], models=[YES], over="cases")
    sweep: Sweep = await check(rate >= 0.3, agrees, cases=[1, 2], over={"model": [YES]})
    rows: list[dict[str, Any]] = sweep.rows
    first: Finding = check_sync(rate >= 0.3, agrees, cases=[1, 2], models=[YES])
    return f"{finding.verdict} {rows} {first.to_test().text}"
