"""Sessions that grow: what a hypothesis and a trial cost where there are many of them, and whether it stays.

Sessions of 100, 1,000 (and, with `--sizes 10000`, 10,000) hypotheses in files of 100 tests, over a scripted
model, sampled one by one, together, and under pytest-xdist; then what is done with their records. Trials: one
hypothesis of many, and many of 1,000 each. Everything is a process of its own. CPU seconds are user and
system together, and memory is the process's peak. A cost is linear where the column "each" stays.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from measuring import machine, print_table

PER_FILE = 100
TESTS = """
import pytest
from pytest_velo import rate, scripted

COIN = scripted("coin", lambda request, rng: "yes" if rng.random() < {share} else "no")

@pytest.mark.hypothesis(rate >= 0.5, models=[COIN], max_trials={most}, min_trials={least})
@pytest.mark.parametrize("number", range({n}))
async def test_it(model, number):
    return (await model(f"Is it so, number {{number}} of {file}?")).answers("yes")
"""
PEAK = """
import json, resource

def pytest_unconfigure(config):
    if not hasattr(config, "workerinput"):
        with open("peak.json", "w") as file:
            json.dump(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000, file)
"""
AT_EXIT = """
import atexit, pathlib, resource

def note_peak():
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
    pathlib.Path("peak.json").write_text(str(peak))

atexit.register(note_peak)
"""
WAYS = {
    "one by one": ["--velo-scheduler=in-order"],
    "together": [],
    "xdist, 2 workers": ["-n", "2"],
}
AFTERWARDS: dict[str, str] = {
    "load()": "from pytest_velo import load; load()",
    "load().to_pandas('hypotheses')": "from pytest_velo import load; load().to_pandas('hypotheses')",
    "every trial read": "from pytest_velo import load; sum(1 for _ in load().trials())",
    "velo report": "velo report -o page.html",
    "velo report --md": "velo report --md -o page.md",
    "velo show": "velo show",
    "velo compare": "velo compare latest latest",
}


class Took(NamedTuple):
    """What a process took; bytes of what it wrote, or printed."""

    cpu_s: float
    peak_mb: float
    n_bytes: int = 0


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=[100, 1_000], help="hypotheses of a session")
    parser.add_argument("--trials", type=int, default=100_000, help="trials of the largest session")
    parser.add_argument("--only", choices=["hypotheses", "trials"], help="leave the other out")
    parser.add_argument("--way", choices=WAYS, action="append", help="how to sample (default: each way)")
    parser.add_argument("--folder", help="where the sessions are (default: among the temporary files)")
    options = parser.parse_args()
    print(machine("pytest", "pytest-xdist", "apsw", "msgspec"), flush=True)
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        if options.only != "trials":
            _print_hypotheses(Path(folder), options.sizes, options.way or list(WAYS))
        if options.only != "hypotheses":
            _print_trials(Path(folder), options.trials)


def _print_hypotheses(root: Path, sizes: list[int], ways: list[str]) -> None:
    rows = []
    after: dict[str, list[Took]] = {name: [] for name in AFTERWARDS}
    for n in sizes:
        for way in ways:
            folder = _session(root / f"{n}-{way.split()[0]}", n, most=20)
            took = _pytest(folder, WAYS[way])
            (run,) = (folder / ".pytest_velo" / "runs").glob("*/run.json")
            rows.append(
                [way, f"{n:,}", *_cells(took, n), f"{took.n_bytes:,}", f"{_size(run.parent) / n:,.0f}"]
            )
        for name, work in AFTERWARDS.items():
            after[name].append(_afterwards(folder, work))
    columns = [
        "sampled",
        "hypotheses",
        "CPU",
        "CPU each",
        "peak",
        "peak each",
        "bytes printed",
        "record each",
    ]
    print_table("Sessions of hypotheses of at most 20 trials, scripted model", columns, rows)
    rows = [
        [name, *(f"{took.cpu_s:.1f} s, {took.peak_mb:.0f} MB" for took in told)]
        for name, told in after.items()
    ]
    print_table("What is done with their records", ["what", *(f"{n:,}" for n in sizes)], rows)


def _print_trials(root: Path, most: int) -> None:
    rows = []
    shapes = [(1, most // 100), (1, most // 10), (most // 10_000, 1_000), (most // 1_000, 1_000)]
    for n, each in shapes:
        folder = _session(root / f"{n}-of-{each}", n, most=each, least=each, share=0.5)
        took = _pytest(folder, ["--velo-scheduler=in-order"])
        in_all = n * each
        memory = f"{1e3 * took.peak_mb / in_all:.2f} kB"
        cells = [f"{n:,} × {each:,}", f"{took.cpu_s:.1f} s", f"{1e6 * took.cpu_s / in_all:.0f} µs"]
        rows.append([*cells, f"{took.peak_mb:.0f} MB", memory])
    columns = ["hypotheses × trials", "CPU", "CPU a trial", "peak", "peak a trial"]
    print_table("Trials, scripted model, to the end", columns, rows)


def _told(took: Took) -> str:
    written = f", {took.n_bytes / 1e6:.1f} MB written" if took.n_bytes else ""
    return f"{took.cpu_s:.1f} s, {took.peak_mb:.0f} MB{written}"


def _cells(took: Took, n: int) -> Iterator[str]:
    yield f"{took.cpu_s:.1f} s"
    yield f"{1e3 * took.cpu_s / n:.1f} ms"
    yield f"{took.peak_mb:.0f} MB"
    yield f"{1e3 * took.peak_mb / n:.0f} kB"


def _session(folder: Path, n: int, *, most: int, least: int = 1, share: float = 0.95) -> Path:
    """Write the files of a session of `n` hypotheses."""
    folder.mkdir(parents=True)
    (folder / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    (folder / "conftest.py").write_text(PEAK, encoding="utf-8")
    for file, first in enumerate(range(0, n, PER_FILE)):
        text = TESTS.format(n=min(PER_FILE, n - first), file=file, most=most, least=least, share=share)
        (folder / f"test_{file:04d}.py").write_text(text, encoding="utf-8")
    return folder


def _pytest(folder: Path, options: list[str]) -> Took:
    plain = ["-q", "-p", "no:cacheprovider", "-p", "no:randomly", "--velo-profile=explore"]
    command = [sys.executable, "-m", "pytest", *plain, f"--junitxml={folder / 'junit.xml'}", *options]
    took, printed = _taken(command, folder)
    peak_mb = json.loads((folder / "peak.json").read_text(encoding="utf-8"))
    return Took(took, peak_mb, len(printed))


def _afterwards(folder: Path, work: str) -> Took:
    """Run a command of ours, or a line of Python, with the record of a session."""
    if work.startswith("velo "):
        work_code = f"import sys; from pytest_velo.cli.main import main; sys.argv = {work.split()!r}; main()"
    else:
        work_code = work
    took, printed = _taken([sys.executable, "-c", AT_EXIT + work_code], folder)
    peak_mb = float((folder / "peak.json").read_text(encoding="utf-8"))
    page = folder / "page.html"
    n_bytes = page.stat().st_size if "page.html" in work else len(printed)
    return Took(took, peak_mb, n_bytes)


def _taken(command: list[str], folder: Path) -> tuple[float, bytes]:
    """Run a process; its CPU seconds with those of its children, and what it printed."""
    env = {name: value for name, value in os.environ.items() if name not in ("CI", "PYTHONDONTWRITEBYTECODE")}
    before = _children_s()
    ran = subprocess.run(command, cwd=folder, env=env, capture_output=True)
    if ran.returncode not in (0, 1):
        raise SystemExit(
            f"{command} ended with {ran.returncode}:\n{ran.stdout.decode()}{ran.stderr.decode()}"
        )
    return _children_s() - before, ran.stdout


def _children_s() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def _size(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.iterdir())


if __name__ == "__main__":
    main()
