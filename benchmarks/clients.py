"""CPU of a call of the SDK's client over our transport, against the same client over its own.

Live: a hypothesis whose trials call the client, against the bare client and gather, on the same loopback
server. From the cache: a trial's call that the store answers, against the client over a transport in memory
that answers with the same bytes, so that what it takes is what the SDK makes of the request and the reply.
And both in part: what our transport does with a request that the SDK has made, against what the SDK does with
the response to it (its own decoding, into its typed object).

    python benchmarks/clients.py                        the tables
    python benchmarks/clients.py --profile transport    where the time of our part goes
"""

from __future__ import annotations

import argparse
import asyncio
import cProfile
import itertools
import pstats
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import httpx2
import openai
from loopback import MODEL, serving_styles
from measuring import Timing, machine, print_table, ratio, taking_turns
from openai._models import FinalRequestOptions
from openai.types.chat import ChatCompletion
from workload import run_hypothesis, settings_for

from pytest_velo.cache.store import Store
from pytest_velo.providers.sdk_clients import make_client
from pytest_velo.runner.hypothesis import Body
from pytest_velo.sampling.carrier import Carrier
from pytest_velo.sampling.model import AsyncModel
from pytest_velo.sampling.sampler import Sampler
from pytest_velo.sampling.scope import TrialScope, enter
from pytest_velo.sampling.trial import Trial
from pytest_velo.settings import Endpoint, Mode

MESSAGES: list[Any] = [{"role": "user", "content": "Which city is it? Answer with one word. " * 10}]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--requests", type=int, default=500, help="calls a run (default 500)")
    parser.add_argument("--in-flight", type=int, default=50, help="live calls at once (default 50)")
    parser.add_argument("--latency-s", type=float, default=0.05, help="the server's (default 0.05)")
    parser.add_argument("--rounds", type=int, default=5, help="runs of each, in turn (default 5)")
    parser.add_argument(
        "--profile", choices=["transport", "cached"], help="where the time goes, and no table"
    )
    options = parser.parse_args()
    with serving_styles(options.latency_s) as address, tempfile.TemporaryDirectory() as folder:
        bench = _Bench(address, Path(folder), options.requests, options.in_flight)
        if options.profile:
            works = bench.parts() if options.profile == "transport" else bench.cached()
            work = works["pytest-velo's transport" if options.profile == "transport" else "pytest-velo"]
            work()
            profiler = cProfile.Profile()
            profiler.runcall(work)
            pstats.Stats(profiler).strip_dirs().sort_stats("tottime").print_stats(40)
            return
        rows = [
            row for kind in ("live", "cached", "in part") for row in _compare(bench, kind, options.rounds)
        ]
    print(machine("openai", "httpx2", "aiohttp"))
    print_table(
        f"{options.requests} calls, median of {options.rounds} rounds in turn",
        ["calls", "client", "CPU a call", "CPU / bare"],
        rows,
    )


def _compare(bench: _Bench, kind: str, rounds: int) -> list[list[str]]:
    works = {"live": bench.live, "cached": bench.cached, "in part": bench.parts}[kind]()
    taking_turns(1, *works.values())  # imports, connections, and what is read from the cache afterwards
    timings = dict(zip(works, taking_turns(rounds, *works.values()), strict=True))
    bare = next(iter(timings.values()))
    return [
        [
            kind if taken is bare else "",
            name,
            f"{1e3 * median(timing.cpu_s for timing in taken) / bench.n_calls:.2f} ms",
            f"{_ratio(taken, bare):.2f}",
        ]
        for name, taken in timings.items()
    ]


def _ratio(ours: list[Timing], theirs: list[Timing]) -> float:
    return ratio([timing.cpu_s for timing in ours], [timing.cpu_s for timing in theirs])


class _Bench:
    """The ways to make the calls."""

    def __init__(self, address: str, folder: Path, n_calls: int, n_in_flight: int) -> None:
        self.n_calls = n_calls
        self._n_in_flight = n_in_flight
        self._address = address
        self._folder = folder
        self._runs = itertools.count()

    def live(self) -> dict[str, Callable[[], object]]:
        """Return the contenders against a server."""
        return {"AsyncOpenAI + gather": lambda: asyncio.run(self._bare()), "pytest-velo": self._hypothesis}

    def cached(self) -> dict[str, Callable[[], object]]:
        """Return the contenders that call no server."""
        settings = settings_for(self._folder, self._base_url(), Mode.AUTO, n_in_flight=self._n_in_flight)
        store = Store.open(self._folder / "draws.sqlite")
        return {
            "AsyncOpenAI, answered in memory": lambda: asyncio.run(self._in_memory()),
            "pytest-velo": lambda: asyncio.run(self._from(store, settings)),
        }

    def parts(self) -> dict[str, Callable[[], object]]:
        """Return the contenders for what comes after the SDK has made its request."""
        settings = settings_for(self._folder, self._base_url(), Mode.AUTO, n_in_flight=self._n_in_flight)
        store = Store.open(self._folder / "draws.sqlite")
        requests: list[httpx2.Request] = []
        answers: list[httpx2.Response] = []
        asyncio.run(self._from(store, settings, _Watched(settings.endpoints[0], requests, answers)))
        client = openai.AsyncOpenAI(api_key="none")  # sends nothing
        return {
            "AsyncOpenAI decodes the response": lambda: asyncio.run(
                self._decoded(client, requests[0], answers[0])
            ),
            "pytest-velo's transport": lambda: asyncio.run(self._carried(store, settings, requests)),
        }

    def _base_url(self) -> str:
        return f"{self._address}/plain-{next(self._runs)}/v1"

    async def _bare(self) -> None:
        async with openai.AsyncOpenAI(api_key="none", base_url=self._base_url(), max_retries=0) as client:
            places = asyncio.Semaphore(self._n_in_flight)

            async def one(_: int) -> None:
                async with places:
                    await _ask(client)

            await asyncio.gather(*map(one, range(self.n_calls)))

    def _hypothesis(self) -> object:
        with tempfile.TemporaryDirectory() as folder:
            settings = settings_for(Path(folder), self._base_url(), Mode.AUTO, n_in_flight=self._n_in_flight)
            return run_hypothesis(settings, partial(_body, settings.endpoints[0]), self.n_calls)

    async def _in_memory(self) -> None:
        async with httpx2.AsyncClient() as plain:
            body = {"model": MODEL, "messages": MESSAGES}
            answer = await plain.post(f"{self._base_url()}/chat/completions", json=body)
        headers = {"content-type": "application/json"}

        def answered(_: httpx2.Request) -> httpx2.Response:
            return httpx2.Response(200, headers=headers, content=answer.content)

        http_client = httpx2.AsyncClient(transport=httpx2.MockTransport(answered))
        async with openai.AsyncOpenAI(api_key="none", max_retries=0, http_client=http_client) as client:
            for _ in range(self.n_calls):
                await _ask(client)

    async def _decoded(self, client: Any, request: httpx2.Request, answer: httpx2.Response) -> None:
        for _ in range(self.n_calls):
            made = await client._process_response(
                cast_to=ChatCompletion,
                options=FinalRequestOptions(method="post", url="/chat/completions"),
                response=httpx2.Response(
                    200, headers=answer.headers, content=answer.content, request=request
                ),
                stream=False,
                stream_cls=None,
            )
            assert made.choices[0].message.content

    async def _carried(self, store: Store, settings: Any, requests: list[httpx2.Request]) -> None:
        sampler = Sampler(settings, store=store)
        carrier = Carrier(settings.endpoints[0], "openai_client")
        for repeat, request in enumerate(requests):
            enter(_scope(sampler, repeat))
            assert (await carrier.handle_async_request(request)).content
        await sampler.aclose()

    async def _from(self, store: Store, settings: Any, transport: Carrier | None = None) -> None:
        sampler = Sampler(settings, store=store)
        client = _client(settings.endpoints[0], transport)
        for repeat in range(self.n_calls):
            enter(_scope(sampler, repeat))
            await _ask(client)
        await sampler.aclose()


class _Watched(Carrier):
    """Our transport, which keeps what goes through it."""

    def __init__(
        self, endpoint: Endpoint, requests: list[httpx2.Request], answers: list[httpx2.Response]
    ) -> None:
        super().__init__(endpoint, "openai_client")
        self._requests, self._answers = requests, answers

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Answer, and keep request and response."""
        answer = await super().handle_async_request(request)
        self._requests.append(request)
        self._answers.append(answer)
        return answer


def _client(endpoint: Endpoint, transport: Carrier | None = None) -> Any:
    carrier = transport or Carrier(endpoint, "openai_client")
    return make_client("openai", endpoint, is_async=True, transport=carrier)


def _scope(sampler: Sampler, repeat: int) -> TrialScope:
    return TrialScope(
        trial=Trial(index=repeat, repeat=repeat, seed=repeat),
        case=None,
        case_digest="",
        stream="",
        may_pay=True,
        drawer=sampler,
        block=None,
        home=asyncio.get_running_loop(),
    )


async def _ask(client: Any) -> str:
    answer = await client.chat.completions.create(model=MODEL, messages=MESSAGES)
    text: str = answer.choices[0].message.content
    assert text
    return text


def _body(endpoint: Endpoint, _model: AsyncModel) -> Body:
    client = _client(endpoint)

    async def body(_case: Any, _arm: str, _trial: Any) -> bool:
        return "Lyon" in await _ask(client)

    return body


if __name__ == "__main__":
    main()
