"""A loopback server that speaks chat completions, in a process of its own so that its CPU is not counted.

Every reply takes the same time and says Lyon or Paris, by the seed of the request.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from aiohttp import web

MODEL = "loopback-1"


@contextmanager
def serving(latency_s: float) -> Iterator[str]:
    """Run the server; yields its base URL."""
    command = [sys.executable, __file__, "--latency-s", str(latency_s)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        try:
            yield f"http://127.0.0.1:{int(server.stdout.readline())}/v1"
        finally:
            server.terminate()


def _reply(seed: int) -> dict[str, Any]:
    """Return a body of the size and shape that OpenAI sends."""
    city = "Lyon" if seed % 2 else "Paris"
    message = {
        "role": "assistant",
        "content": f"The answer you are looking for is {city}, as far as I can tell.",
        "refusal": None,
        "annotations": [],
    }
    details = {"cached_tokens": 0, "audio_tokens": 0}
    output_details = {"reasoning_tokens": 0, "audio_tokens": 0, "accepted_prediction_tokens": 0}
    usage = {"prompt_tokens": 42, "completion_tokens": 14, "total_tokens": 56}
    return {
        "id": f"chatcmpl-{seed:029d}",
        "object": "chat.completion",
        "created": 1_790_000_000,
        "model": MODEL,
        "choices": [{"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}],
        "usage": {**usage, "prompt_tokens_details": details, "completion_tokens_details": output_details},
        "service_tier": "default",
        "system_fingerprint": "fp_0123456789",
    }


async def _serve(latency_s: float) -> None:
    async def complete(request: web.Request) -> web.Response:
        seed = json.loads(await request.read()).get("seed", 0)
        if latency_s:
            await asyncio.sleep(latency_s)
        return web.json_response(_reply(seed))

    app = web.Application()
    app.router.add_post("/v1/chat/completions", complete)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, backlog=1024)
    await site.start()
    assert site._server is not None
    print(site._server.sockets[0].getsockname()[1], flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--latency-s", type=float, default=0.05)
    asyncio.run(_serve(parser.parse_args().latency_s))
