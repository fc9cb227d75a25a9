"""Agents without a framework: what a run with tools shows, records and replays."""

from __future__ import annotations

from typing import Any

from .conftest import Answer, Inner, Lab, chat

TWO_PARTIES = """
from pytest_velo import ToolCall

def assistant(request):
    if any(message["role"] == "tool" for message in request.messages):
        return "12 degrees."
    return ToolCall(name="weather", arguments={"city": "Lyon"})

ASKING = scripted("asking", ["How warm is Lyon?"])
HELPING = scripted("helping", assistant)
STRICT = scripted("strict", ['{"answer": "no"}'])

def weather(city: str) -> str:
    "Return the weather."
    return f"{city}: 12 degrees"

@pytest.mark.hypothesis(rate >= 0.9, models=[HELPING], judge=STRICT, max_trials=40)
async def test_it_helps(velo, judge):
    question = await velo.model("scripted/asking", role="user sim")("Ask something.")
    talk = velo.model(role="helper").chat()
    reply = await talk.run(question, tools=[weather])
    return await judge("Is this right?", reply)
"""


def test_the_transcript_shows_who_spoke_and_what_the_tools_gave(run: Inner) -> None:
    run.file(TWO_PARTIES)

    shown = run().stdout.str()

    first = shown[shown.index("    user       Ask") : shown.index("    outcome")]
    said = [line.rstrip() for line in first.splitlines() if line[4:15].strip()]
    assert [line for line in said if "system" not in line] == [
        "    user       Ask something.",
        "    user sim   How warm is Lyon?",
        "    user       How warm is Lyon?",
        '    tool call  weather({"city": "Lyon"})',
        "    tool       weather: Lyon: 12 degrees",
        "    helper     12 degrees.",
        "    user       Is this right?",
        '    judge      {"answer": "no"}',
    ]
    assert "call 3 of 4 · to scripted/helping · finish: stop" in first
    assert [call.speaker for call in run.record.results[0].trials[0].calls] == [
        *("user sim", "helper", "helper", "judge")
    ]


AGENT = """
import os

def now() -> str:
    "Tell the time."
    return os.environ["LAB_NOW"]

@pytest.mark.hypothesis(rate >= 0.5, models=["lab/tiny"], max_trials=20)
async def test_it_knows_the_time(model):
    return "noon" in await model.chat().run("What time is it?", tools=[now])
"""


def answer(body: dict[str, Any]) -> Answer:
    """Ask the tool, then repeat what it gave."""
    last = body["messages"][-1]
    if last["role"] == "tool":
        return Answer(chat(f"It is {last['content']}."))
    call = {"id": "c1", "type": "function", "function": {"name": "now", "arguments": "{}"}}
    reply = chat("", "tool_calls")
    reply["choices"][0]["message"] = {"role": "assistant", "content": None, "tool_calls": [call]}
    return Answer(reply)


def test_a_replay_names_the_tool_that_gives_something_else(run: Inner, lab: Lab, monkeypatch: Any) -> None:
    monkeypatch.setenv("LAB_NOW", "noon")
    lab.answer = answer
    run.file(AGENT)
    run.ini(f"velo_endpoints = {lab.endpoint}")

    assert run("-m", "velo").ret == 0
    assert run.outcomes == ["supported"]
    n_calls = len(lab.calls)
    result = {"role": "tool", "content": "noon", "tool_call_id": "c1"}
    answered = [body["messages"][-1] for body in lab.calls].count(result)
    # A trial that was begun ahead of the verdict may have asked its question only.
    assert run.record["test_"].decision.evidence.n <= answered <= n_calls / 2

    assert run("--velo-mode=replay").ret == 0  # the same result is the same request
    monkeypatch.setenv("LAB_NOW", "midnight")
    changed = run("--velo-mode=replay")

    assert changed.ret == 1
    changed.stdout.fnmatch_lines(["*the tool now gave another result than when this was recorded*"])
    assert len(lab.calls) == n_calls
