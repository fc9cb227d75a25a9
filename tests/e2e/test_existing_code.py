"""A program that knows nothing of us, tested by a short hypothesis: its client is given to it, or adopted."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from e2e.conftest import CANARY, Inner

from support.commands import velo
from support.sdk_server import Body, SdkServer

PROGRAM = Path(__file__).parents[2] / "examples" / "existing-code" / "helpdesk.py"

GIVEN = """
from helpdesk import answer

@pytest.mark.hypothesis(rate >= 0.5, models=["lab/gpt-4o-mini"], max_trials=20)
async def test_it_tells_the_state_of_an_order(openai_client):
    assert "Monday" in await answer("Where is my order A17?", openai_client)
"""
ADOPTED = """
from helpdesk import answer

@pytest.mark.hypothesis(rate >= 0.5, clients="adopt", max_trials=20)
async def test_it_tells_the_state_of_an_order():
    assert "Monday" in await answer("Where is my order A17?")
"""


def said(body: Body, n_before: int) -> str:
    """Look the order up, then tell what was found, most of the time."""
    if body.get("tools"):
        return "TOOL " + json.dumps({"order": "A17"})
    found = body["messages"][-1]["content"]
    return "I cannot say." if n_before % 5 == 4 else f"Your order was {found}."


@pytest.fixture
def server(run: Inner, monkeypatch: pytest.MonkeyPatch) -> Iterator[SdkServer]:
    monkeypatch.setenv("LAB_KEY", CANARY)
    serving = SdkServer()
    serving.said = said
    run.ini(
        f"pythonpath = {PROGRAM.parent}\n"
        f"velo_endpoints =\n    lab: api=openai-chat base_url={serving.address}/v1 key=LAB_KEY price=1/1"
    )
    monkeypatch.setenv("OPENAI_API_KEY", CANARY)
    monkeypatch.setenv("OPENAI_BASE_URL", f"{serving.address}/v1")
    yield serving
    serving.close()


@pytest.mark.slow
@pytest.mark.parametrize("source", [GIVEN, ADOPTED], ids=["given", "adopted"])
def test_a_program_with_retrieval_a_tool_and_a_stream(run: Inner, server: SdkServer, source: str) -> None:
    assert "pytest_velo" not in PROGRAM.read_text(encoding="utf-8")
    run.file(source)
    run("--velo-mode=auto", "--velo-budget=0.0001").assert_outcomes()
    (stopped,) = run.record.results
    assert stopped.outcome == "inconclusive"
    assert stopped.decision is not None
    assert stopped.decision.stop == "budget"

    run("--velo-mode=auto").assert_outcomes(passed=1)
    first = len(server.calls)
    (result,) = run.record.results
    (told, *_) = [trial.calls for trial in result.trials if trial.kind == "one"]
    texts = ["[4 embeddings of 4 numbers]", "", "Your order was sent on Monday."]
    assert [call.reply.text for call in told] == texts
    assert told[1].reply.tool_calls[0].arguments == {"order": "A17"}
    assert result.models_served == ("gpt-4o-mini-2026-11-01", "text-embedding-3-small")
    assert not result.outside
    assert not result.notices

    run("--velo-mode=auto").assert_outcomes(passed=1)
    assert len(server.calls) == first
    server.close()
    run("--velo-mode=replay").assert_outcomes(passed=1)
    (replayed,) = run.record.results
    assert replayed.decision is not None
    assert result.decision is not None
    assert replayed.decision.verdict == result.decision.verdict
    assert replayed.decision.evidence == result.decision.evidence
    files = [path for path in run.path.rglob("*") if path.is_file()]
    assert not [path for path in files if CANARY.encode() in path.read_bytes()]


PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "existing-code.md"


@pytest.mark.slow
def test_the_blocks_of_the_page_run(run: Inner, server: SdkServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """And their draws replay from a cassette, whose lines hold the answers as the clients are given them."""
    server.said = lambda _body, _n: "Paris."
    blocks = re.findall(r"^```python\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    assert len(blocks) == 2
    for number, block in enumerate(blocks):
        run.file(block, f"test_block_{number}.py")
    run("--velo-mode=auto", "--velo-budget=none").assert_outcomes(passed=2)
    assert {*server.paths()} == {"/v1/chat/completions", "/v1/responses"}  # which comes first is a race
    velo("cassette", "export", "--cache-dir", str(run.path / ".pytest_velo"), str(run.path / "c.jsonl"))
    server.close()
    shutil.rmtree(run.path / ".pytest_velo")
    run("--velo-mode=replay", "--velo-cassette=c.jsonl").assert_outcomes(passed=2)
    assert CANARY not in (run.path / "c.jsonl").read_text(encoding="utf-8")
