"""CPU per live request through the whole path, against bare clients on the same loopback server.

The whole path: a trial's model call, gate, retries, the SDK's transport, the store's commit, the verdict's
arithmetic. The server answers after 50 ms, in a process of its own; 50 requests are in flight.
"""

from __future__ import annotations

import argparse
import asyncio
import shutil
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from statistics import median
from typing import Any

import aiohttp
import openai
from loopback import MODEL, serving
from measuring import machine, print_table, profile_sampling, ratio, taking_turns
from workload import run_hypothesis, settings_for

from pytest_velo.sampling.model import AsyncModel
from pytest_velo.settings import Mode

PROMPT = "Which city is it? Answer with one word. " * 10
MESSAGES = [{"role": "user", "content": PROMPT}]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--requests", type=int, default=1000, help="requests a run (default 1000)")
    parser.add_argument("--in-flight", type=int, default=50, help="requests at once (default 50)")
    parser.add_argument("--latency-s", type=float, default=0.05, help="the server's (default 0.05)")
    parser.add_argument("--rounds", type=int, default=7, help="runs of each, in turn (default 7)")
    parser.add_argument("--profile", action="store_true", help="profile our path instead")
    options = parser.parse_args()
    with serving(options.latency_s) as base_url:
        bench = _Bench(base_url, options.requests, options.in_flight)
        if options.profile:
            profile_sampling(bench.ours)
            return
        works = {
            "AsyncOpenAI + gather": bench.sdk,
            "AsyncOpenAI over aiohttp + gather": bench.sdk_over_aiohttp,
            "aiohttp + gather": bench.bare_aiohttp,
            "pytest-velo": bench.ours,
        }
        taking_turns(1, *works.values())  # imports and connections to everything once
        timings = dict(zip(works, taking_turns(options.rounds, *works.values()), strict=True))
    print(machine("openai", "aiohttp", "httpx2"))
    base = timings["AsyncOpenAI + gather"]
    aio = timings["aiohttp + gather"]
    rows = []
    for name, taken in timings.items():
        cpu, wall = [timing.cpu_s for timing in taken], [timing.wall_s for timing in taken]
        rows.append(
            [
                name,
                f"{1e3 * median(cpu) / options.requests:.2f} ms",
                f"{ratio(cpu, [timing.cpu_s for timing in base]):.2f}",
                f"{median(wall):.2f} s",
                f"{ratio(wall, [timing.wall_s for timing in aio]):.2f}",
            ]
        )
    title = (
        f"{options.requests} requests, {options.in_flight} in flight, {1e3 * options.latency_s:g} ms latency,"
        f" median of {options.rounds} rounds in turn"
    )
    print_table(title, ["client", "CPU a request", "CPU / AsyncOpenAI", "wall", "wall / aiohttp"], rows)


class _Bench:
    """Four ways to make the same requests."""

    def __init__(self, base_url: str, n_requests: int, n_in_flight: int) -> None:
        self._base_url = base_url
        self._n_requests = n_requests
        self._n_in_flight = n_in_flight

    def sdk(self) -> None:
        """The OpenAI SDK as it comes."""
        asyncio.run(self._gather_sdk(None))

    def sdk_over_aiohttp(self) -> None:
        """The OpenAI SDK over aiohttp."""
        asyncio.run(self._gather_sdk(openai.DefaultAioHttpClient))

    def bare_aiohttp(self) -> None:
        """No SDK: the floor."""
        asyncio.run(self._gather_aiohttp())

    def ours(self) -> None:
        """A hypothesis of as many trials, each with one call, in a new cache."""
        folder = Path(tempfile.mkdtemp())
        try:
            settings = settings_for(folder, self._base_url, Mode.AUTO, n_in_flight=self._n_in_flight)
            run_hypothesis(settings, _body, self._n_requests)
        finally:
            shutil.rmtree(folder)

    async def _gather_sdk(self, http_client: Callable[[], Any] | None) -> None:
        client = openai.AsyncOpenAI(
            api_key="none",
            base_url=self._base_url,
            max_retries=0,
            http_client=None if http_client is None else http_client(),
        )
        async with client:

            async def call(number: int) -> None:
                reply = await client.chat.completions.create(model=MODEL, messages=MESSAGES, seed=number)  # type: ignore[call-overload]
                assert reply.choices[0].message.content

            await self._gather(call)

    async def _gather_aiohttp(self) -> None:
        url = f"{self._base_url}/chat/completions"
        async with aiohttp.ClientSession() as session:

            async def call(number: int) -> None:
                body = {"model": MODEL, "messages": MESSAGES, "seed": number}
                async with session.post(url, json=body) as response:
                    reply = await response.json()
                assert reply["choices"][0]["message"]["content"]

            await self._gather(call)

    async def _gather(self, call: Callable[[int], Awaitable[None]]) -> None:
        places = asyncio.Semaphore(self._n_in_flight)

        async def one(number: int) -> None:
            async with places:
                await call(number)

        await asyncio.gather(*map(one, range(self._n_requests)))


def _body(model: AsyncModel) -> Any:
    async def body(_case: Any, _arm: str, _trial: Any) -> bool:
        return (await model(PROMPT)).answers("Lyon")

    return body


if __name__ == "__main__":
    main()
