"""What the plugin costs a pytest that does not use it: installed, against `-p no:velo`.

Two runs: `pytest --version` and a file with one empty test, among no other plugins (the strictest comparison)
and among those that are there wherever ours is, because our dependencies bring them: anyio's and the
Hypothesis library's.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from importlib.metadata import entry_points
from pathlib import Path
from statistics import median

from measuring import machine, print_table, ratio, taking_turns

TEST = """
import json, os, sys

def test_nothing():
    if "MODULES" in os.environ:
        with open(os.environ["MODULES"], "w") as file:
            json.dump(sorted(sys.modules), file)
"""
HEAVY = {
    *("openai", "anthropic", "httpx2", "numpy", "scipy", "jinja2", "apsw", "msgspec", "genai_prices"),
    *("hypothesis", "xllamacpp", "asyncio"),
}
RUNS = {"pytest --version": ("--version", "--version"), "one empty test": ()}
AMONG = {"none": set(), "anyio, hypothesis": {"anyio", "hypothesispytest"}}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=25, help="runs of each, in turn (default 25)")
    options = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for among, others in AMONG.items():
            bench = _Bench(Path(folder), others)
            rows += [bench.row(name, among, options.rounds, args) for name, args in RUNS.items()]
        bench = _Bench(Path(folder), AMONG["none"])
        extra = bench.modules() - bench.modules("-p", "no:velo")
    print(machine("pytest"))
    columns = ["run", "other plugins"]
    columns += [f"{which}, {clock}" for clock in ("wall", "CPU") for which in ("off", "on", "on/off")]
    print_table(f"Start-up, median of {options.rounds} rounds in turn", columns, rows)
    heavy = sorted(name for name in extra if name.partition(".")[0] in HEAVY)
    print(f"\nmodules over pytest's own: {len(extra)} (of ours: {sum('velo' in name for name in extra)})")
    print(f"heavy modules among them: {', '.join(heavy) or 'none'}")


class _Bench:
    """A folder with one empty test, and pytest run in it."""

    def __init__(self, folder: Path, others: set[str]) -> None:
        self._folder = folder
        (folder / "test_empty.py").write_text(TEST, encoding="utf-8")
        # An installed package has its bytecode on disk, whatever this shell's environment says.
        self._env = {**os.environ, "PYTHONPYCACHEPREFIX": str(folder / "bytecode")}
        self._env.pop("PYTHONDONTWRITEBYTECODE", None)
        installed = {point.name for point in entry_points(group="pytest11")}
        self._blocked = [f"-pno:{name}" for name in sorted(installed - others - {"velo"})]

    def row(self, name: str, among: str, rounds: int, args: Sequence[str]) -> list[str]:
        """Time one kind of run, with the plugin and without."""

        def off() -> None:
            self._pytest("-p", "no:velo", *args)

        def on() -> None:
            self._pytest(*args)

        taking_turns(2, off, on)  # fills the bytecode and disk caches
        without, with_ours = taking_turns(rounds, off, on)
        cells = [name, among]
        for field in ("wall_s", "cpu_s"):
            a, b = [[getattr(timing, field) for timing in run] for run in (without, with_ours)]
            cells += [f"{1e3 * median(a):.0f} ms", f"{1e3 * median(b):.0f} ms", f"{ratio(b, a):.3f}"]
        return cells

    def modules(self, *args: str) -> set[str]:
        """Return the modules that are imported when the test runs."""
        path = self._folder / "modules.json"
        self._env["MODULES"] = str(path)
        self._pytest(*args)
        del self._env["MODULES"]
        return set(json.loads(path.read_text(encoding="utf-8")))

    def _pytest(self, *args: str) -> None:
        command = [sys.executable, "-m", "pytest", *self._blocked, "-p", "no:cacheprovider", *args]
        subprocess.run(
            command,
            cwd=self._folder,
            env=self._env,
            check=True,
            capture_output=True,
            stdin=subprocess.DEVNULL,
        )


if __name__ == "__main__":
    main()
