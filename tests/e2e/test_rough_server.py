"""A server that fails a third of the calls, in all ways there are, changes no verdict and no outcome."""

from __future__ import annotations

import asyncio
import hashlib
import json
import threading
from collections import Counter
from concurrent.futures import Future
from functools import partial

import pytest

from pytest_velo.report.document import result_to_json
from pytest_velo.sampling.retrying import RetryPolicy

TROUBLES = ("429", "529", "500", "garbage", "empty", "reset", "reset in the body", "slow body", "stalled")
PATIENCE_S = 300.0  # the endpoint's timeout_s, where nothing stalls
LEAST_PATIENCE_S = 1.0  # and where something does, at least

HYPOTHESES = """
SHARED = dict(over="population", max_trials=90, models=["rough/m"])
questions = [f"question {n}" for n in range(90)]

@pytest.mark.hypothesis(rate >= 0.5, cases=questions, **SHARED)
async def test_it_mostly_agrees(model, case):
    assert (await model(case)).answers("yes")

@pytest.mark.hypothesis(rate <= 0.2, cases=questions, **SHARED)
async def test_it_never_agrees(model, case):
    assert not (await model(case)).answers("yes")

@pytest.mark.hypothesis(rate >= 0.7, cases=questions, **SHARED)
async def test_it_always_agrees(model, case):
    chat = model.chat()
    first = await chat(case)
    assert (await chat("Are you sure?")).answers("yes") or first.answers("yes")
"""
# Of one run only: how long it took, what else was under way when the verdict came, and whether it waited.
OF_THE_RUN = {"circumstances", "notices"}
# A draw that the hypothesis before made ahead of its verdict is read, not made.
OF_THE_CLOCK = {"latency_s", "drawn_at", "cached"}


class Server:
    """Speaks chat completions and messages; while `rough`, each third prompt is failed once or twice."""

    def __init__(self) -> None:
        self.rough = False
        self.troubles: Counter[str] = Counter()
        self._attempts: Counter[str] = Counter()
        self._port: Future[int] = Future()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(
            target=self._loop.run_until_complete, args=(self._main(),), daemon=True
        )
        self._thread.start()
        self.port = self._port.result(60)

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(60)
        assert not self._thread.is_alive()
        self._loop.close()

    async def _main(self) -> None:
        self._stop = asyncio.Event()
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0, backlog=256)
        self._port.set_result(server.sockets[0].getsockname()[1])
        await self._stop.wait()
        server.close()
        connections = asyncio.all_tasks() - {asyncio.current_task()}
        for task in connections:
            task.cancel()
        await asyncio.gather(*connections, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
                length = int(head.split("content-length:")[1].split("\r\n")[0])
                body = json.loads(await reader.readexactly(length))
                messages = json.dumps(body["messages"])
                trouble = self._trouble(messages) if self.rough else ""
                self.troubles[trouble] += 1
                await self._answer(writer, trouble, reply("/v1/messages" in head, messages))
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            writer.transport.abort()

    def _trouble(self, messages: str) -> str:
        """Say what goes wrong with this attempt: two attempts of a sixth of the calls, one of a sixth."""
        drawn = hashlib.sha256(messages.encode()).digest()
        self._attempts[messages] += 1
        n_failures = (2, 1, 0, 0, 0, 0)[drawn[1] % 6]
        if self._attempts[messages] > n_failures:
            return ""
        return TROUBLES[(drawn[2] + self._attempts[messages]) % len(TROUBLES)]

    async def _answer(self, writer: asyncio.StreamWriter, trouble: str, body: bytes) -> None:
        match trouble:
            case "429" | "529" | "500":
                error = json.dumps({"error": {"message": f"trouble {trouble}", "type": "x"}}).encode()
                writer.write(head(len(error), trouble, "retry-after-ms: 20") + error)
            case "garbage":
                writer.write(head(30) + b"<html>502 Bad Gateway</html>  ")
            case "empty":
                writer.write(head(2) + b"{}")
            case "reset":
                raise ConnectionResetError
            case "reset in the body":
                writer.write(head(len(body)) + body[: len(body) // 2])
                await writer.drain()
                raise ConnectionResetError
            case "slow body":
                writer.write(head(len(body)))
                for place in range(0, len(body), 60):
                    writer.write(body[place : place + 60])
                    await asyncio.sleep(0.02)
            case "stalled":
                writer.write(head(len(body)) + body[:20])
                await asyncio.Event().wait()
            case _:
                writer.write(head(len(body)) + body)
        await writer.drain()


def head(length: int, status: str = "200", *more: str) -> bytes:
    lines = [f"HTTP/1.1 {status} X", f"content-length: {length}", "content-type: application/json", *more]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def reply(in_messages_api: bool, messages: str) -> bytes:
    """Say yes to two thirds of the conversations."""
    text = "no" if hashlib.sha256(messages.encode()).digest()[0] % 3 == 0 else "yes"
    usage = {"input_tokens": 9, "output_tokens": 1, "prompt_tokens": 9, "completion_tokens": 1}
    if in_messages_api:
        content = [{"type": "text", "text": text}]
        return json.dumps(
            {"model": "m", "content": content, "stop_reason": "end_turn", "usage": usage}
        ).encode()
    choice = {"message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
    return json.dumps({"model": "m", "choices": [choice], "usage": usage}).encode()


@pytest.fixture
def server():
    server = Server()
    yield server
    server.close()


def evidence(run):
    """Return all that a run's record says of its hypotheses, but for what only time decides."""
    told = []
    for result in run.record.results:
        data = result_to_json(result, result.trials)
        told.append({name: value for name, value in data.items() if name not in OF_THE_RUN})
    return without(told, OF_THE_CLOCK)


def slowest_s(run) -> float:
    """Return how long the slowest call of a run took, in seconds."""
    return max(
        call.reply.latency_s or 0.0
        for result in run.record.results
        for trial in result.trials
        for call in trial.calls
    )


def without(value, names):
    """Return JSON without the members of these names, at any depth."""
    if isinstance(value, dict):
        return {name: without(inner, names) for name, inner in value.items() if name not in names}
    return [without(inner, names) for inner in value] if isinstance(value, list) else value


@pytest.mark.slow
@pytest.mark.parametrize("api", ["openai-chat", "anthropic"])
def test_no_verdict_and_no_outcome_changes(run, server, api, monkeypatch):
    monkeypatch.setattr(
        "pytest_velo.sampling.retrying.RetryPolicy",
        partial(RetryPolicy, first_delay_s=0.02, longest_delay_s=0.1),
    )
    base = f"http://127.0.0.1:{server.port}{'/v1' if api == 'openai-chat' else ''}"
    run.file(HYPOTHESES)
    told, patience_s = [], PATIENCE_S
    for rough in (False, True):
        server.rough = rough
        run.ini(
            f"velo_endpoints =\n    rough: api={api} base_url={base} price=1/1 timeout_s={patience_s:.1f}"
        )
        shown = run("-m", "velo", "--velo-mode=refresh")
        told.append(evidence(run))
        # On a busy machine calls that do not stall take their time, too; a few of them may be given up.
        patience_s = max(LEAST_PATIENCE_S, 10 * slowest_s(run))
    smooth, rough_one = told
    assert [result["outcome"] for result in smooth] == ["supported", "refuted", "supported"]
    assert all(trial["kind"] in ("one", "zero") for result in smooth for trial in result["trials"])
    assert rough_one == smooth
    assert set(server.troubles) == {"", *TROUBLES}, "each trouble was met"
    shown.stdout.fnmatch_lines(["*attempt* timed out, came back unreadable or were abandoned*"])
    shown.stdout.fnmatch_lines(["*retries of calls, in all*"])
