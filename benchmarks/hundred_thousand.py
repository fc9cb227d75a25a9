"""What 100,000 trials take: on one machine, on several, and as a batch; beside inspect_ai.

The CPU of a trial is measured, on a loopback server and with a small number of trials; the rest is arithmetic
on assumptions that are printed. Wall time is what latency and calls in flight allow, but never less than the
busiest process needs. A line whose CPU is not known has a `?`. The milliseconds a trial are given by
`--figure workers=MS` (what `workers.py` prints more for `local:2` than for one process), `--figure
controller=MS` (the same with `--workers` of a cluster, whose processes it does not count) and `--figure
batch=MS` (from `batches.py`).
"""

from __future__ import annotations

import argparse
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

from loopback import MODEL, serving
from measuring import Timing, machine, print_table, timed, timed_by
from workload import run_hypothesis, settings_for

from pytest_velo.sampling.model import AsyncModel
from pytest_velo.settings import Mode

PROMPT = "Which city is it? Answer with one word. " * 10
MACHINES = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Assumed:
    """What cannot be measured here: the model, its price, and the machine.

    Attributes:
        n_trials: One call each.
        latency_s: Of a call.
        n_input, n_output: Tokens of a call.
        input_usd, output_usd: List prices a million tokens.
        batch_share: What a batch costs of the list price.
        batch_h: Within how many hours it is promised.
        core_usd: An hour of a core.
    """

    n_trials: int = 100_000
    latency_s: float = 2.0
    n_input: int = 300
    n_output: int = 150
    input_usd: float = 2.5
    output_usd: float = 10.0
    batch_share: float = 0.5
    batch_h: float = 24.0
    core_usd: float = 0.05

    def tokens_usd(self, share: float = 1.0) -> float:
        """Return what the tokens of all calls cost."""
        each = self.n_input * self.input_usd + self.n_output * self.output_usd
        return share * self.n_trials * each / 1e6


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """A way to take the trials.

    Attributes:
        cpu_ms: A trial's, in all processes; None if it is not known.
        busiest_ms: A trial's in the busiest process; None if it is not known.
    """

    name: str
    cpu_ms: float | None
    busiest_ms: float | None
    in_flight: int = 0
    batch: bool = False


def main() -> None:
    """Measure, compute and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--requests", type=int, default=500, help="measured trials (default 500)")
    parser.add_argument("--rounds", type=int, default=3, help="runs of each, in turn (default 3)")
    parser.add_argument("--inspect", metavar="PYTHON", help="the Python of an environment with inspect_ai")
    parser.add_argument("--figure", action="append", default=[], metavar="PART=MS", help="CPU ms a trial")
    options = parser.parse_args()
    told = {name: float(ms) for name, _, ms in (figure.partition("=") for figure in options.figure)}
    assumed = Assumed()
    print(machine("aiohttp", "apsw"))
    measured = _measured(options.requests, options.rounds, options.inspect)
    _print(assumed, _ways(measured, told))


def _measured(n: int, rounds: int, inspect: str | None) -> dict[str, float]:
    """Return the CPU milliseconds a trial of each contender, which take turns; medians of the rounds."""
    with serving(latency_s=0.05) as base_url, tempfile.TemporaryDirectory() as folder:
        peers = {way: _peer(inspect, way, base_url, n) for way in (("model", "eval") if inspect else ())}
        works: dict[str, Callable[[], Timing]] = {"ours": partial(timed, partial(_ours, base_url, folder, n))}
        works |= {way: partial(timed_by, peer) for way, peer in peers.items()}
        taken: dict[str, list[Timing]] = {name: [] for name in works}
        for turn in range(rounds + 1):  # the first imports and connects
            for name, work in works.items():
                took = work()
                if turn:
                    taken[name].append(took)
        for peer in peers.values():
            peer.terminate()
    return {name: 1e3 * median(took.cpu_s for took in times) / n for name, times in taken.items()}


def _ours(base_url: str, root: str, n: int) -> None:
    with tempfile.TemporaryDirectory(dir=root) as folder:
        run_hypothesis(settings_for(Path(folder), base_url, Mode.AUTO, n_in_flight=50), _body, n)


def _body(model: AsyncModel) -> Any:
    async def body(case: Any, arm: str, trial: Any) -> bool:
        return (await model(PROMPT)).answers("Lyon")

    return body


def _peer(python: str | None, way: str, base_url: str, n: int) -> subprocess.Popen[str]:
    script = str(Path(__file__).with_name("inspect_peer.py"))
    command = [str(python), script, way, "--model", MODEL, "--base-url", base_url, "--prompt", PROMPT]
    command += ["--requests", str(n), "--in-flight", "50"]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def _ways(measured: dict[str, float], told: dict[str, float]) -> list[Way]:
    ours = measured["ours"]
    workers, controller, batch = (told.get(part) for part in ("workers", "controller", "batch"))
    ways = [
        Way(name="one process, 20 in flight (default)", cpu_ms=ours, busiest_ms=ours, in_flight=20),
        Way(name="one process, 200 in flight", cpu_ms=ours, busiest_ms=ours, in_flight=200),
        Way(name="pytest -n 2, 200 in flight in all", cpu_ms=ours, busiest_ms=ours / 2, in_flight=200),
        Way(
            name=f"{MACHINES} machines, 200 in flight on each",
            cpu_ms=None if workers is None else ours + workers,
            busiest_ms=None if controller is None else ours + controller,
            in_flight=200 * MACHINES,
        ),
        Way(name="a batch", cpu_ms=batch, busiest_ms=batch, batch=True),
    ]
    for name, title in (("model", "inspect_ai, model.generate"), ("eval", "inspect_ai, eval")):
        if name in measured:
            ways += [
                Way(
                    name=f"{title}, {n} in flight",
                    cpu_ms=measured[name],
                    busiest_ms=measured[name],
                    in_flight=n,
                )
                for n in (20, 200)
            ]
    return ways


def _print(assumed: Assumed, ways: list[Way]) -> None:
    title = (
        f"{assumed.n_trials:,} trials of one call: {assumed.latency_s:g} s a call,"
        f" {assumed.n_input} tokens in and {assumed.n_output} out"
        f" at ${assumed.input_usd:g} and ${assumed.output_usd:g} a million;"
        f" a batch at {assumed.batch_share:.0%} of that; a core at ${assumed.core_usd:g} an hour"
    )
    columns = ["way", "CPU a trial", "CPU", "wall", "what bounds it", "tokens", "cores"]
    print_table(title, columns, [_row(assumed, way) for way in ways])


def _row(assumed: Assumed, way: Way) -> list[str]:
    cpu_s = None if way.cpu_ms is None else way.cpu_ms * assumed.n_trials / 1e3
    tokens = f"${assumed.tokens_usd(assumed.batch_share if way.batch else 1.0):,.0f}"
    known = ["?", "?"] if cpu_s is None else [f"{way.cpu_ms:.2f} ms", _time(cpu_s)]
    cores = "?" if cpu_s is None else f"${cpu_s / 3600 * assumed.core_usd:.3f}"
    if way.batch:
        return [way.name, *known, f"up to {assumed.batch_h:g} h", "the provider", tokens, cores]
    waiting_s = assumed.n_trials * assumed.latency_s / way.in_flight
    if way.busiest_ms is None:
        return [way.name, *known, f"{_time(waiting_s)} or more", "calls in flight", tokens, cores]
    busy_s = way.busiest_ms * assumed.n_trials / 1e3
    bound = "CPU" if busy_s > waiting_s else "calls in flight"
    return [way.name, *known, _time(max(waiting_s, busy_s)), bound, tokens, cores]


def _time(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


if __name__ == "__main__":
    main()
