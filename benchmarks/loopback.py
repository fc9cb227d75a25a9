"""A loopback server that speaks chat completions and messages, in its own process: its CPU is not counted.

The first part of the path says how it behaves (see `STYLES`); after a dash it may name a run, whose calls
are counted by themselves. A reply says Lyon in 7 of 10 calls, by the
seed of the request, else by its number; a judge's question is answered with yes.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from aiohttp import web

MODEL = "loopback-1"
STYLES = ("plain", "long", "lognormal", "hang", "rough")
PATIENCE_S = 1.0
"""How long clients wait for a reply from `hang` and `rough`."""
_LONG = "The city on the two rivers, seen from the hill, is a place of silk and of light. " * 100
_TROUBLES = (429, 529, "reset", "slow body", "garbage")
_HANGING = 20  # the number of the call that hangs, in each run


@contextmanager
def serving(latency_s: float) -> Iterator[str]:
    """Run the server; yields the base URL of its plain chat completions."""
    with serving_styles(latency_s) as address:
        yield f"{address}/plain/v1"


@contextmanager
def serving_styles(latency_s: float) -> Iterator[str]:
    """Run the server; yields its address, to which a style is to be added."""
    command = [sys.executable, __file__, "--latency-s", str(latency_s)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        try:
            yield f"http://127.0.0.1:{int(server.stdout.readline())}"
        finally:
            server.terminate()


def _text(style: str, sent: dict[str, Any], number: int) -> str:
    if "Answer as JSON" in str(sent["messages"][-1]["content"]):
        return '{"answer": "yes"}'
    drawn = random.Random(sent.get("seed", number)).random()
    answer = f"The answer you are looking for is {'Lyon' if drawn < 0.7 else 'Paris'}, as far as I can tell."
    return f"{_LONG[:8000]} {answer}" if style == "long" else answer


def _chat(text: str, number: int) -> dict[str, Any]:
    """Return a body of the size and shape that OpenAI sends."""
    message: dict[str, Any] = {"role": "assistant", "content": text, "refusal": None, "annotations": []}
    details = {"cached_tokens": 0, "audio_tokens": 0}
    output_details = {"reasoning_tokens": 0, "audio_tokens": 0, "accepted_prediction_tokens": 0}
    usage = {"prompt_tokens": 42, "completion_tokens": 14, "total_tokens": 56}
    return {
        "id": f"chatcmpl-{number:029d}",
        "object": "chat.completion",
        "created": 1_790_000_000,
        "model": MODEL,
        "choices": [{"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}],
        "usage": {**usage, "prompt_tokens_details": details, "completion_tokens_details": output_details},
        "service_tier": "default",
        "system_fingerprint": "fp_0123456789",
    }


def _message(text: str, number: int) -> dict[str, Any]:
    """Return a body of the size and shape that Anthropic sends."""
    cache = {"cache_creation_input_tokens": 0, "cache_read_input_tokens": 0}
    created = {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 0}
    return {
        "id": f"msg_{number:024d}",
        "type": "message",
        "role": "assistant",
        "model": MODEL,
        "content": [{"type": "text", "text": text}],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": {"input_tokens": 42, "output_tokens": 14, **cache, "cache_creation": created},
    }


class _Server:
    def __init__(self, latency_s: float) -> None:
        self._latency_s = latency_s
        self._n: Counter[str] = Counter()

    async def chat(self, request: web.Request) -> web.StreamResponse:
        """POST /{style}/v1/chat/completions."""
        return await self._answer(request, _chat)

    async def messages(self, request: web.Request) -> web.StreamResponse:
        """POST /{style}/v1/messages."""
        return await self._answer(request, _message)

    async def _answer(self, request: web.Request, form: Any) -> web.StreamResponse:
        run = request.match_info["style"]
        style, _, _ = run.partition("-")
        sent = json.loads(await request.read())
        number = self._n[run] = self._n[run] + 1
        if style == "hang" and number == _HANGING:
            await asyncio.sleep(100 * PATIENCE_S)
        if latency_s := self._latency(style, number):
            await asyncio.sleep(latency_s)
        body = json.dumps(form(_text(style, sent, number), number)).encode()
        if style == "rough" and random.Random(f"{number} fails").random() < 1 / 3:
            return await self._fail(request, _TROUBLES[number % len(_TROUBLES)], body)
        return web.Response(body=body, content_type="application/json")

    def _latency(self, style: str, number: int) -> float:
        if style == "lognormal":  # from 0.3 to 30 s around 3 s, at a hundredth of its length
            return 0.01 * min(30.0, max(0.3, random.Random(number).lognormvariate(1.1, 1.0)))
        return self._latency_s

    async def _fail(self, request: web.Request, trouble: int | str, body: bytes) -> web.StreamResponse:
        match trouble:
            case "reset":
                assert request.transport is not None
                request.transport.abort()
                return web.Response()
            case "garbage":
                return web.Response(body=body[: len(body) // 2], content_type="application/json")
            case "slow body":
                response = web.StreamResponse(headers={"Content-Length": str(len(body))})
                await response.prepare(request)
                for place in range(0, len(body), 200):
                    await response.write(body[place : place + 200])
                    await asyncio.sleep(self._latency_s / 2)
                return response
            case _:
                error = {"error": {"message": "slow down", "type": "rate_limit"}}
                return web.json_response(error, status=int(trouble), headers={"retry-after-ms": "50"})


async def _serve(latency_s: float) -> None:
    server = _Server(latency_s)
    app = web.Application()
    app.router.add_post("/{style}/v1/chat/completions", server.chat)
    app.router.add_post("/{style}/v1/messages", server.messages)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, backlog=1024)
    await site.start()
    print(runner.addresses[0][1], flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--latency-s", type=float, default=0.05)
    asyncio.run(_serve(parser.parse_args().latency_s))
