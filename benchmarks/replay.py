"""Trials a second when every draw is read from the cache, on one core.

The core: a run of one hypothesis over a filled store through the real sampler, for bodies that return and
for bodies whose assert fails in every trial. End to end: a pytest process with such a hypothesis minus one
with an empty test, and minus one with the same hypothesis of 20 trials, which leaves out what is paid once
(importing SQLite and numpy). The suites: a whole session of 30 hypotheses, imports, statistics, report and
record included, minus one of 30 empty tests without the plugin. At 1,000 trials each, none may stop early
(`min_trials`); elsewhere they stop at a verdict, or when none is likely any more.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from loopback import serving
from measuring import Timing, machine, print_table, profile_sampling, taking_turns
from workload import MODEL_ID, run_hypothesis, settings_for

from pytest_velo.sampling.model import AsyncModel
from pytest_velo.settings import Mode

FEW = 20
PROMPT = "Which city is it? Answer with one word. " * 10
TEST = f"""
import os
import pytest
from pytest_velo import rate

N = int(os.environ["TRIALS"])
PROMPT = {PROMPT!r}

@pytest.mark.hypothesis(rate >= 0.5, max_trials=max(N, 1), min_trials=max(N, 1), extend=True)
async def test_returns(model):
    return (await model(PROMPT)).answers("Lyon")

@pytest.mark.hypothesis(rate <= 0.5, max_trials=max(N, 1), min_trials=max(N, 1), extend=True)
async def test_asserts(model):
    reply = await model(PROMPT)
    assert "Berlin" in reply

def test_nothing():
    pass
"""

SUITE = """
import pytest
from pytest_velo import rate

NEAR = [0.685 + 0.001 * place for place in range(30)]  # the truth is 0.7: most stay undecided
FAR = [0.4 + 0.005 * place for place in range(30)]

def thirty(thresholds, most, least=1):
    marks = [
        pytest.mark.hypothesis(rate >= threshold, max_trials=most, min_trials=least)
        for threshold in thresholds
    ]
    params = [pytest.param(n, marks=marks[n % len(marks)]) for n in range(30)]
    return pytest.mark.parametrize("number", params)

async def is_lyon(model, number):
    prompt = f"Which city is number {number % 5}? Answer with one word. " * 10
    return (await model(prompt)).answers("Lyon")

@thirty([0.7], 1000, 1000)
async def test_to_the_end(model, number):
    return await is_lyon(model, number)

@thirty(NEAR, 1000, 1000)
async def test_to_the_end_apart(model, number):
    return await is_lyon(model, number)

@thirty([0.7], 1000)
async def test_near(model, number):
    return await is_lyon(model, number)

@thirty(NEAR, 1000)
async def test_near_apart(model, number):
    return await is_lyon(model, number)

@thirty([0.5], 1000)
async def test_far(model, number):
    return await is_lyon(model, number)

@thirty(FAR, 1000)
async def test_far_apart(model, number):
    return await is_lyon(model, number)

@thirty([0.48, 0.5, 0.52], 200)
async def test_at_most_200(model, number):
    return await is_lyon(model, number)
"""
BARE = """
import pytest

@pytest.mark.parametrize("number", range(30))
def test_nothing(number):
    pass
"""
SUITES = {
    "test_to_the_end": "1,000 trials each, one threshold at the truth",
    "test_to_the_end_apart": "1,000 trials each, 30 thresholds around it",
    "test_near": "at most 1,000, one threshold at the truth",
    "test_near_apart": "at most 1,000, 30 thresholds around it",
    "test_far": "at most 1,000, one threshold 0.2 below",
    "test_far_apart": "at most 1,000, 30 thresholds 0.15 to 0.3 below",
    "test_at_most_200": "at most 200, three thresholds 0.2 below",
}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trials", type=int, default=2000, help="trials a run (default 2000)")
    parser.add_argument("--rounds", type=int, default=7, help="runs of each, in turn (default 7)")
    parser.add_argument("--profile", choices=["returns", "asserts"], help="profile the core instead")
    parser.add_argument("--only-suite", action="store_true", help="leave out the speeds of single hypotheses")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        if options.profile:
            profile_sampling(_core(Path(folder), options.trials)[options.profile])
            return
        print(machine("pytest", "apsw", "msgspec"))
        if not options.only_suite:
            _print_speeds(Path(folder), options.trials, options.rounds)
        _print_suites(Path(folder), options.rounds)


def _print_speeds(folder: Path, n: int, rounds: int) -> None:
    core = _core(folder, n)
    returns, asserts = taking_turns(rounds, core["returns"], core["asserts"])
    whole = _Pytest(folder / "one", TEST)
    whole.fill("test_replay.py::test_returns", TRIALS=n)
    nothing, few, returned, asserted = taking_turns(
        rounds,
        whole.runner("test_replay.py::test_nothing", TRIALS=0),
        whole.runner("test_replay.py::test_returns", TRIALS=FEW),
        whole.runner("test_replay.py::test_returns", TRIALS=n),
        whole.runner("test_replay.py::test_asserts", TRIALS=n),
    )
    n_more = n - FEW
    rows = [
        _row("core, body returns", returns, n),
        _row("core, assert fails", asserts, n),
        _row("pytest minus an empty test, body returns", returned, n, nothing),
        _row("pytest minus an empty test, assert fails", asserted, n, nothing),
        _row(f"pytest minus {FEW} trials, body returns", returned, n_more, few),
        _row(f"pytest minus {FEW} trials, assert fails", asserted, n_more, few),
    ]
    title = f"Replay of {n} trials, median of {rounds} rounds in turn"
    print_table(title, ["what", "CPU a trial", "trials/s of CPU"], rows)


def _print_suites(folder: Path, rounds: int) -> None:
    whole = _Pytest(folder / "suite", SUITE)
    (folder / "suite" / "test_bare.py").write_text(BARE, encoding="utf-8")
    whole.fill("test_replay.py")
    whole.bare("test_bare.py")
    runs = [whole.runner(f"test_replay.py::{test}") for test in SUITES]
    bare, *timings = taking_turns(rounds, lambda: whole.bare("test_bare.py"), *runs)
    rows = []
    for name, taken in zip(SUITES.values(), timings, strict=True):
        cpu_s, wall_s = (
            median(
                getattr(ours, clock) - getattr(theirs, clock)
                for ours, theirs in zip(taken, bare, strict=True)
            )
            for clock in ("cpu_s", "wall_s")
        )
        rows.append([name, f"{cpu_s:.2f} s", f"{1e3 * cpu_s / 30:.0f} ms", f"{wall_s:.2f} s"])
    title = (
        f"30 hypotheses from the cache minus 30 empty tests in bare pytest, median of {rounds} rounds in turn"
    )
    print_table(title, ["session", "CPU", "CPU a hypothesis", "wall"], rows)


def _row(name: str, timings: list[Timing], n_trials: int, minus: Sequence[Timing] = ()) -> list[str]:
    bare_s = [timing.cpu_s for timing in minus] or [0.0] * len(timings)
    cpu_s = median(timing.cpu_s - bare for timing, bare in zip(timings, bare_s, strict=True)) / n_trials
    return [name, f"{1e6 * cpu_s:.0f} µs", f"{1 / cpu_s:,.0f}"]


def _core(folder: Path, n_trials: int) -> dict[str, Callable[[], object]]:
    """Fill a store, and return what replays it."""
    with serving(latency_s=0.0) as base_url:
        filling = settings_for(folder, base_url, Mode.AUTO, n_in_flight=50)
        run_hypothesis(filling, _returning, n_trials)
    replaying = settings_for(folder, base_url, Mode.REPLAY, n_in_flight=50)
    return {
        "returns": lambda: run_hypothesis(replaying, _returning, n_trials),
        "asserts": lambda: run_hypothesis(replaying, _asserting, n_trials),
    }


def _returning(model: AsyncModel) -> Any:
    async def body(case: Any, arm: str, trial: Any) -> bool:
        return (await model(PROMPT)).answers("Lyon")

    return body


def _asserting(model: AsyncModel) -> Any:
    async def body(case: Any, arm: str, trial: Any) -> None:
        reply = await model(PROMPT)
        assert "Berlin" in reply

    return body


class _Pytest:
    """A folder with a file of tests, sampled once; then pytest replays them."""

    def __init__(self, folder: Path, tests: str) -> None:
        self._folder = folder
        folder.mkdir()
        (folder / "test_replay.py").write_text(tests, encoding="utf-8")
        self._env = {**os.environ, "PYTHONPYCACHEPREFIX": str(folder / "bytecode")}
        self._env |= {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "VELO_BUDGET": "none"}
        self._env.pop("PYTHONDONTWRITEBYTECODE", None)
        self._env.pop("CI", None)

    def fill(self, *selected: str, **numbers: int) -> None:
        """Draw what the tests need, then replay them, which fills the bytecode cache."""
        with serving(latency_s=0.0) as base_url:
            endpoint = f"loopback: api=openai-chat base_url={base_url} weights=bench price=free"
            ini = f"[pytest]\nvelo_endpoints = {endpoint}\nvelo_model = {MODEL_ID}\n"
            (self._folder / "pytest.ini").write_text(ini, encoding="utf-8")
            self._run(selected, "auto", numbers)
        self._run(selected, "replay", numbers)

    def runner(self, *selected: str, **numbers: int) -> Callable[[], None]:
        """Return what replays some of the tests, with numbers that they read from the environment."""
        return lambda: self._run(selected, "replay", numbers)

    def bare(self, *selected: str) -> None:
        """Run some tests in a pytest without the plugin."""
        self._pytest(selected, {})

    def _run(self, selected: Sequence[str], mode: str, numbers: Mapping[str, int]) -> None:
        self._pytest(["-p", "pytest_velo.plugin", f"--velo-mode={mode}", *selected], numbers)

    def _pytest(self, arguments: Sequence[str], numbers: Mapping[str, int]) -> None:
        command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *arguments]
        env = {**self._env, **{name: str(number) for name, number in numbers.items()}}
        ran = subprocess.run(command, cwd=self._folder, env=env, capture_output=True, text=True)
        if ran.returncode not in (0, 1) or "ERROR" in ran.stdout:
            raise SystemExit(f"pytest ended with {ran.returncode}:\n{ran.stdout}{ran.stderr}")


if __name__ == "__main__":
    main()
