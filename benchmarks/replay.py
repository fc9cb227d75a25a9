"""Trials a second when every draw is read from the cache, on one core.

The core: a run of one hypothesis over a filled store through the real sampler, for bodies that return and
for bodies whose assert fails in every trial. End to end: a pytest process with such a hypothesis minus one
with an empty test, and minus one with the same hypothesis of 20 trials, which leaves out what is paid once
(importing SQLite, numpy and scipy).
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
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


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trials", type=int, default=2000, help="trials a run (default 2000)")
    parser.add_argument("--rounds", type=int, default=7, help="runs of each, in turn (default 7)")
    parser.add_argument("--profile", choices=["returns", "asserts"], help="profile the core instead")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        if options.profile:
            profile_sampling(_core(Path(folder), options.trials)[options.profile])
            return
        core = _core(Path(folder), options.trials)
        returns, asserts = taking_turns(options.rounds, core["returns"], core["asserts"])
        whole = _Pytest(Path(folder), options.trials)
        nothing, few, returned, asserted = taking_turns(
            options.rounds,
            whole.runner("nothing", 0),
            whole.runner("returns", FEW),
            whole.runner("returns", options.trials),
            whole.runner("asserts", options.trials),
        )
    print(machine("pytest", "apsw", "msgspec"))
    n, n_more = options.trials, options.trials - FEW
    rows = [
        _row("core, body returns", returns, n),
        _row("core, assert fails", asserts, n),
        _row("pytest minus an empty test, body returns", returned, n, nothing),
        _row("pytest minus an empty test, assert fails", asserted, n, nothing),
        _row(f"pytest minus {FEW} trials, body returns", returned, n_more, few),
        _row(f"pytest minus {FEW} trials, assert fails", asserted, n_more, few),
    ]
    title = f"Replay of {n} trials, median of {options.rounds} rounds in turn"
    print_table(title, ["what", "CPU a trial", "trials/s of CPU"], rows)


def _row(name: str, timings: list[Timing], n_trials: int, minus: Sequence[Timing] = ()) -> list[str]:
    bare_s = [timing.cpu_s for timing in minus] or [0.0] * len(timings)
    cpu_s = median(timing.cpu_s - bare for timing, bare in zip(timings, bare_s, strict=True)) / n_trials
    return [name, f"{1e6 * cpu_s:.0f} µs", f"{1 / cpu_s:,.0f}"]


def _core(folder: Path, n_trials: int) -> dict[str, Callable[[], None]]:
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
    """A folder with the same hypotheses as tests, sampled once; then pytest replays them."""

    def __init__(self, folder: Path, n_trials: int) -> None:
        self._folder = folder / "project"
        self._folder.mkdir()
        (self._folder / "test_replay.py").write_text(TEST, encoding="utf-8")
        self._env = {**os.environ, "PYTHONPYCACHEPREFIX": str(folder / "bytecode")}
        self._env |= {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "VELO_BUDGET": "none"}
        self._env.pop("PYTHONDONTWRITEBYTECODE", None)
        self._env.pop("CI", None)
        with serving(latency_s=0.0) as base_url:
            endpoint = f"loopback: api=openai-chat base_url={base_url} weights=bench price=free"
            ini = f"[pytest]\nvelo_endpoints = {endpoint}\nvelo_model = {MODEL_ID}\n"
            (self._folder / "pytest.ini").write_text(ini, encoding="utf-8")
            self._run("returns", n_trials, "auto")
        for name in ("returns", "asserts", "nothing"):
            self._run(name, n_trials, "replay")  # fills the bytecode cache

    def runner(self, name: str, n_trials: int) -> Callable[[], None]:
        """Return what runs one of the tests in replay."""
        return lambda: self._run(name, n_trials, "replay")

    def _run(self, name: str, n_trials: int, mode: str) -> None:
        command = [sys.executable, "-m", "pytest", "-p", "pytest_velo.plugin", "-p", "no:cacheprovider"]
        command += [f"--velo-mode={mode}", f"test_replay.py::test_{name}"]
        env = {**self._env, "TRIALS": str(n_trials)}
        ran = subprocess.run(command, cwd=self._folder, env=env, capture_output=True, text=True)
        if ran.returncode not in (0, 1) or "ERROR" in ran.stdout:
            raise SystemExit(f"pytest ended with {ran.returncode}:\n{ran.stdout}{ran.stderr}")


if __name__ == "__main__":
    main()
