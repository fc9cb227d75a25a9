"""CPU per live request through the whole path, against bare clients on the same loopback server.

The whole path: a trial's model call, gate, retries, transport, the store's commit, the verdict's arithmetic.
The server runs in a process of its own; its answers take 50 ms where nothing else is said. Then, in each
situation, a hypothesis is sampled until its verdict: what was drawn beyond the stopping prefix?
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import subprocess
import tempfile
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import aiohttp
import anthropic
import openai
from loopback import MODEL, PATIENCE_S, serving_styles
from measuring import Timing, machine, print_table, profile_sampling, ratio, taking_turns, timed, timed_by
from workload import Sampled, run_hypothesis, run_to_verdict, settings_for

from pytest_velo.runner.hypothesis import Body
from pytest_velo.sampling.model import AsyncModel
from pytest_velo.scorers.judge import AsyncJudge
from pytest_velo.settings import Api, Mode

PROMPT = "Which city is it? Answer with one word. " * 10
MESSAGES: list[Any] = [{"role": "user", "content": PROMPT}]
QUESTION = "Is this reply polite?"
TIMEOUT_S = 120.0

Work = Callable[[int], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """One server and one kind of trial.

    Attributes:
        style: How the server behaves (see `loopback.py`).
        api: What it speaks.
        judged: A second call of each trial asks a judge.
        patience_s: How long a reply is waited for; the peers ask again at once.
    """

    title: str
    style: str = "plain"
    api: Api = Api.OPENAI_CHAT
    judged: bool = False
    patience_s: float = TIMEOUT_S


SITUATIONS = {
    "openai": Situation(title="openai"),
    "anthropic": Situation(title="anthropic", api=Api.ANTHROPIC),
    "long": Situation(title="replies of 8 KB", style="long"),
    "lognormal": Situation(title="log-normal latency, 3 to 300 ms", style="lognormal"),
    "judge": Situation(title="one judge call a trial", judged=True),
    "hang": Situation(
        title=f"one call hangs (given up after {PATIENCE_S:g} s)", style="hang", patience_s=PATIENCE_S
    ),
    "rough": Situation(title="a third of the calls fails", style="rough", patience_s=PATIENCE_S),
}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--requests", type=int, default=1000, help="trials a run (default 1000)")
    parser.add_argument("--in-flight", type=int, default=50, help="trials at once (default 50)")
    parser.add_argument("--latency-s", type=float, default=0.05, help="the server's (default 0.05)")
    parser.add_argument("--rounds", type=int, default=5, help="runs of each, in turn (default 5)")
    parser.add_argument("--only", nargs="*", default=[*SITUATIONS], choices=SITUATIONS, metavar="SITUATION")
    parser.add_argument(
        "--inspect", metavar="PYTHON", help="compare with the inspect_ai of this Python instead"
    )
    parser.add_argument("--profile", action="store_true", help="profile our path instead")
    options = parser.parse_args()
    with serving_styles(options.latency_s) as address:
        benches = [
            _Bench(SITUATIONS[name], address, options.requests, options.in_flight) for name in options.only
        ]
        if options.inspect:
            _print_inspect(benches[0], options.inspect, options.rounds)
            return
        if options.profile:
            profile_sampling(benches[0].ours)
            return
        print(machine("openai", "anthropic", "aiohttp", "httpx2"))
        rows = [row for bench in benches for row in _compare(bench, options.rounds)]
        beyond = [_beyond(bench, options.rounds) for bench in benches]
    print_table(
        f"{options.requests} trials, {options.in_flight} in flight, {1e3 * options.latency_s:g} ms latency,"
        f" median of {options.rounds} rounds in turn",
        ["situation", "client", "CPU a trial", "CPU / SDK", "wall", "wall / aiohttp"],
        rows,
    )
    print_table(
        "Sampled until the verdict on rate >= 0.5 (true rate 0.7)",
        ["situation", "trials", "draws of them", "draws beyond", "attempts beyond the first"],
        beyond,
    )


def _compare(bench: _Bench, rounds: int) -> list[list[str]]:
    works = bench.works()
    taking_turns(1, *works.values())  # imports and connections to everything once
    timings = dict(zip(works, taking_turns(rounds, *works.values()), strict=True))
    sdk, floor, _ = timings.values()
    return [
        [
            bench.situation.title if taken is sdk else "",
            client,
            f"{1e3 * median(timing.cpu_s for timing in taken) / bench.n_trials:.2f} ms",
            f"{_ratio('cpu_s', taken, sdk):.2f}",
            f"{median(timing.wall_s for timing in taken):.2f} s",
            f"{_ratio('wall_s', taken, floor):.2f}",
        ]
        for client, taken in timings.items()
    ]


def _print_inspect(bench: _Bench, python: str, rounds: int) -> None:
    """Compare with inspect_ai, which lives in an environment of its own and says itself what it took."""
    with bench.inspect(python, "model") as model, bench.inspect(python, "eval") as task:
        works: dict[str, Callable[[], Timing]] = {
            name: partial(timed, work) for name, work in bench.works().items()
        }
        works |= {
            "inspect_ai, model.generate": partial(timed_by, model),
            "inspect_ai, eval": partial(timed_by, task),
        }
        for work in works.values():
            work()
        turns = [{name: work() for name, work in works.items()} for _ in range(rounds)]
    taken = {name: [turn[name] for turn in turns] for name in works}
    sdk = next(iter(taken.values()))
    print(machine("openai", "aiohttp"))
    columns = ["client", "CPU a request", "CPU / SDK", "wall"]
    rows = [
        [
            name,
            f"{1e3 * median(timing.cpu_s for timing in timings) / bench.n_trials:.2f} ms",
            f"{_ratio('cpu_s', timings, sdk):.2f}",
            f"{median(timing.wall_s for timing in timings):.2f} s",
        ]
        for name, timings in taken.items()
    ]
    print_table(f"{bench.n_trials} requests, median of {rounds} rounds in turn", columns, rows)


def _ratio(what: str, ours: list[Timing], theirs: list[Timing]) -> float:
    return ratio([getattr(timing, what) for timing in ours], [getattr(timing, what) for timing in theirs])


def _beyond(bench: _Bench, rounds: int) -> list[str]:
    runs = [bench.to_verdict() for _ in range(rounds)]
    numbers = ("n_trials", "n_draws", "n_beyond", "n_retries")
    return [bench.situation.title, *(f"{median(getattr(run, name) for run in runs):g}" for name in numbers)]


class _Bench:
    """The ways to make the calls of one situation."""

    def __init__(self, situation: Situation, address: str, n_trials: int, n_in_flight: int) -> None:
        self.situation = situation
        self.n_trials = n_trials
        self._n_in_flight = n_in_flight
        self._address = address
        self._runs = itertools.count()
        self._questions = [MESSAGES, [{"role": "user", "content": QUESTION}]][: 1 + situation.judged]

    def works(self) -> dict[str, Callable[[], object]]:
        """Return the contenders: the SDK, the floor, and ours."""
        in_anthropics = self.situation.api is Api.ANTHROPIC
        sdk = self._anthropic if in_anthropics else self._openai
        return {
            f"{'AsyncAnthropic' if in_anthropics else 'AsyncOpenAI'} + gather": lambda: asyncio.run(sdk()),
            "aiohttp + gather": lambda: asyncio.run(self._aiohttp()),
            "pytest-velo": self.ours,
        }

    def inspect(self, python: str, way: str) -> subprocess.Popen[str]:
        """Start `inspect_peer.py`, which runs once for each line it is sent."""
        command = [python, str(Path(__file__).with_name("inspect_peer.py")), way, "--model", MODEL]
        command += ["--base-url", self._base_url(), "--prompt", PROMPT]
        command += ["--requests", str(self.n_trials), "--in-flight", str(self._n_in_flight)]
        return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ours(self) -> Sampled:
        """A hypothesis of as many trials, in a new cache."""
        return self._sample(run_hypothesis)

    def to_verdict(self) -> Sampled:
        """A hypothesis sampled until its verdict, in a new cache."""
        return self._sample(run_to_verdict)

    def _sample(self, run: Callable[..., Sampled]) -> Sampled:
        with tempfile.TemporaryDirectory() as folder:
            settings = settings_for(
                Path(folder),
                self._base_url(),
                Mode.AUTO,
                n_in_flight=self._n_in_flight,
                api=self.situation.api,
                timeout_s=self.situation.patience_s,
            )
            return run(settings, partial(_body, self.situation), self.n_trials)

    def _base_url(self) -> str:
        """Return an address of one run's own, so that each meets the same troubles."""
        root = f"{self._address}/{self.situation.style}-{next(self._runs)}"
        return root if self.situation.api is Api.ANTHROPIC else f"{root}/v1"

    async def _openai(self) -> None:
        async with openai.AsyncOpenAI(
            api_key="none", base_url=self._base_url(), max_retries=0, timeout=self.situation.patience_s
        ) as client:

            async def call(number: int) -> None:
                for messages in self._questions:
                    reply = await client.chat.completions.create(model=MODEL, messages=messages, seed=number)
                    assert reply.choices[0].message.content

            await self._gather(call)

    async def _anthropic(self) -> None:
        async with anthropic.AsyncAnthropic(
            api_key="none", base_url=self._base_url(), max_retries=0, timeout=self.situation.patience_s
        ) as client:

            async def call(_: int) -> None:
                for messages in self._questions:
                    reply = await client.messages.create(model=MODEL, messages=messages, max_tokens=4096)
                    assert reply.content

            await self._gather(call)

    async def _aiohttp(self) -> None:
        in_anthropics = self.situation.api is Api.ANTHROPIC
        url = f"{self._base_url()}{'/v1/messages' if in_anthropics else '/chat/completions'}"
        timeout = aiohttp.ClientTimeout(total=self.situation.patience_s)
        async with aiohttp.ClientSession(timeout=timeout) as session:

            async def call(number: int) -> None:
                for messages in self._questions:
                    body = {"model": MODEL, "messages": messages, "seed": number, "max_tokens": 4096}
                    async with session.post(url, json=body) as response:
                        reply = await response.json()
                    assert reply["content"] if in_anthropics else reply["choices"][0]["message"]["content"]

            await self._gather(call)

    async def _gather(self, call: Work) -> None:
        places = asyncio.Semaphore(self._n_in_flight)

        async def one(number: int) -> None:
            async with places:
                await _persist(call, number)

        await asyncio.gather(*map(one, range(self.n_trials)))


async def _persist(call: Work, number: int) -> None:
    """Make a call until it succeeds, at once each time: what a loop by hand does at best."""
    while True:
        try:
            return await call(number)
        except Exception:
            await asyncio.sleep(0)


def _body(situation: Situation, model: AsyncModel) -> Body:
    async def body(_case: Any, _arm: str, _trial: Any) -> bool:
        return (await model(PROMPT)).answers("Lyon")

    async def judged(_case: Any, _arm: str, _trial: Any) -> bool:
        reply = await model(PROMPT)
        return await AsyncJudge(model)(QUESTION, reply) and reply.answers("Lyon")

    return judged if situation.judged else body


if __name__ == "__main__":
    main()
