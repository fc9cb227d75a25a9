"""Live trials on workers against the same in one process, at the same concurrency.

Each contender runs one pytest session with one estimate, of the same trials, on a loopback server in a
process of its own. What a session takes besides its trials (imports, collection, the workers' start) is not
compared: each time is that of a long session less that of a short one.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from time import monotonic

from loopback import MODEL, serving
from measuring import cpu_of_children_s, machine, print_table

from pytest_velo import load

TEST = """
import pytest
from pytest_velo import estimate, rate

@pytest.mark.hypothesis(estimate(rate, halfwidth={halfwidth}), max_trials=4000)
async def test_lyon(model):
    return "Lyon" in await model("Which city is it?")
"""
INI = """[pytest]
velo_endpoints = loopback: api=openai-chat base_url={address} price=free
velo_model = loopback/{model}
velo_concurrency = {in_flight}
"""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--halfwidth", type=float, default=0.06, help="of the estimate (default 0.06)")
    parser.add_argument("--in-flight", type=int, default=20, help="trials at once (default 20)")
    parser.add_argument("--latency-s", type=float, default=0.5, help="the server's (default 0.5)")
    parser.add_argument("--rounds", type=int, default=2, help="runs of each, in turn (default 2)")
    parser.add_argument("--workers", default="local:2", help="as in --velo-workers (default local:2)")
    options = parser.parse_args()
    contenders = {"one process": "none", options.workers: options.workers}
    with serving(options.latency_s) as address, tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "pytest.ini").write_text(
            INI.format(address=address, model=MODEL, in_flight=options.in_flight)
        )
        rounds = [
            {
                title: _session(folder, where, options.halfwidth).less(_session(folder, where, 0.3))
                for title, where in contenders.items()
            }
            for _ in range(options.rounds)
        ]
    print(machine("pytest", "distributed"))
    alone = [taken["one process"].wall_s for taken in rounds]
    rows = [
        [
            title,
            f"{median(taken[title].wall_s for taken in rounds):.2f} s",
            f"{median(taken[title].wall_s / one for taken, one in zip(rounds, alone, strict=True)):.2f}",
            f"{median(1e3 * taken[title].cpu_s / taken[title].n for taken in rounds):.2f} ms",
        ]
        for title in contenders
    ]
    print_table(
        f"An estimate to ±{options.halfwidth:g}, {options.in_flight} trials in flight, each a call of"
        f" {1e3 * options.latency_s:g} ms, median of {options.rounds} rounds in turn",
        ["where", "wall", "wall / one process", "CPU a trial"],
        rows,
    )


@dataclass(frozen=True, slots=True)
class Session:
    """What a session took: seconds of the clock, of all its processes' CPU, and trials."""

    wall_s: float
    cpu_s: float
    n: int

    def less(self, other: Session) -> Session:
        """Return what it took more than another one."""
        return Session(self.wall_s - other.wall_s, self.cpu_s - other.cpu_s, self.n - other.n)


def _session(folder: Path, where: str, halfwidth: float) -> Session:
    """Run a session, and return what it took."""
    (folder / "test_it.py").write_text(TEST.format(halfwidth=halfwidth))
    command = [sys.executable, "-m", "pytest", "-q", "-m", "velo", f"--velo-workers={where}"]
    began, cpu_s = monotonic(), cpu_of_children_s()
    with tempfile.TemporaryDirectory() as cache:
        subprocess.run(
            [*command, f"--velo-cache-dir={cache}"],
            cwd=folder,
            env={**os.environ, "CI": ""},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            check=True,
        )
        wall_s = monotonic() - began
        decision = load(cache_dir=cache).results[0].decision
        assert decision is not None
    return Session(wall_s, cpu_of_children_s() - cpu_s, decision.evidence.n)


if __name__ == "__main__":
    main()
