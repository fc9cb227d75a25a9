"""What the benchmarks share: interleaved runs, medians of ratios, and a plain table.

The machines these run on are shared and noisy, so nothing is compared across runs: two contenders take
turns (A B A B ...), each pair gives one ratio, and the median ratio is what is reported.
"""

from __future__ import annotations

import cProfile
import json
import math
import os
import platform
import pstats
import resource
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from statistics import mean, median, stdev
from unittest.mock import patch


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """What one piece of work took, in seconds: the clock, and the CPU of this process and its children."""

    wall_s: float
    cpu_s: float


def timed(work: Callable[[], object]) -> Timing:
    """Run `work` once and say what it took."""
    wall, cpu = time.perf_counter(), _cpu_s()
    work()
    return Timing(wall_s=time.perf_counter() - wall, cpu_s=_cpu_s() - cpu)


def timed_by(peer: subprocess.Popen[str]) -> Timing:
    """Have another process do its work once, as each line that it reads asks for, and say what it took."""
    assert peer.stdin is not None
    assert peer.stdout is not None
    print(file=peer.stdin, flush=True)
    return Timing(**json.loads(peer.stdout.readline()))


def cpu_of_children_s() -> float:
    """Return the CPU seconds of the processes that have ended, and of theirs."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def taking_turns(rounds: int, *works: Callable[[], object]) -> list[list[Timing]]:
    """Time each of `works` once a round, in turn.

    Returns:
        For each of `works`, its timings in the order of the rounds.
    """
    timings: list[list[Timing]] = [[] for _ in works]
    for _ in range(rounds):
        for work, taken in zip(works, timings, strict=True):
            taken.append(timed(work))
    return timings


def ratio(ours: Sequence[float], theirs: Sequence[float]) -> float:
    """Return the median of the ratios within each round."""
    return median(a / b for a, b in zip(ours, theirs, strict=True))


def ratio_of_means(mine: Sequence[float], theirs: Sequence[float]) -> tuple[float, float]:
    """Return the ratio of two means over the same sessions, and its standard error (by linearisation)."""
    ratio = mean(mine) / mean(theirs)
    if len(mine) < 2:
        return ratio, math.nan
    left = [a - ratio * b for a, b in zip(mine, theirs, strict=True)]
    return ratio, stdev(left) / len(left) ** 0.5 / mean(theirs)


def machine(*packages: str) -> str:
    """Describe where and when a benchmark ran, without naming the machine."""
    versions = ", ".join(f"{name} {version(name)}" for name in ("pytest-velo", *packages))
    python = f"{platform.python_implementation()} {platform.python_version()}"
    load = os.getloadavg()[0]
    return (
        f"{datetime.now(UTC):%Y-%m-%d} · {os.cpu_count()} cores (shared, load {load:.1f}) · {python} on"
        f" {platform.system()} · {versions}"
    )


def print_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print a Markdown table whose columns line up in a terminal, too."""
    cells = [[str(cell) for cell in row] for row in (columns, *rows)]
    widths = [max(len(row[place]) for row in cells) for place in range(len(columns))]
    lines = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |"
        for row in cells
    ]
    rule = "|" + "|".join("-" * (width + 2) for width in widths) + "|"
    print(f"\n{title}\n", lines[0], rule, *lines[1:], sep="\n")


def profile_sampling(work: Callable[[], object]) -> None:
    """Profile `work` on the thread of the sampling loop, which a profiler of this thread does not see."""
    work()
    profiler, begin = cProfile.Profile(), threading.Thread.run

    def run(thread: threading.Thread) -> None:
        if thread.name == "velo-sampling":
            profiler.runcall(begin, thread)
        else:
            begin(thread)

    with patch.object(threading.Thread, "run", run):
        work()
    pstats.Stats(profiler).strip_dirs().sort_stats("tottime").print_stats(40)


def _cpu_s() -> float:
    usages = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)
