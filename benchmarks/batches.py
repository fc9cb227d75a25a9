"""What a draw from a batch API costs the processor: submitting and collecting, on a loopback server.

The server, in a process of its own, answers at once; so what is measured is our part and the SDKs'. What the
commands take besides (imports, collection) is not counted: each figure is that of many draws less that of
few.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

from measuring import cpu_of_children_s, machine, print_table

TESTS = Path(__file__).parents[1] / "tests"
SERVER = """
import sys
sys.path.insert(0, sys.argv[1])
from support.batch_server import BatchServer
print(BatchServer().endpoint(sys.argv[2]), flush=True)
sys.stdin.read()
"""
TEST = """
import pytest
from pytest_velo import rate

@pytest.mark.hypothesis(rate >= 0.5, models=["lab/tiny"], max_trials={n})
async def test_yes(model):
    return "yes" in (await model("Say yes or no.", max_tokens=5)).text
"""
FEW = 100
COMMANDS = {"submitted": ("submit", "--all", "--yes"), "collected": ("collect", "--wait", "--every", "0")}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--draws", type=int, default=4000, help="draws of a batch (default 4,000)")
    parser.add_argument("--rounds", type=int, default=3, help="batches of each API (default 3)")
    options = parser.parse_args()
    print(machine("openai", "anthropic"))
    rows = []
    for api in ("openai-chat", "anthropic"):
        rounds = [_one_round(api, options.draws) for _ in range(options.rounds)]
        each = [median(taken[name] for taken in rounds) for name in COMMANDS]
        rows.append((api, *(f"{ms:.2f} ms" for ms in (*each, sum(each)))))
    print_table(
        f"CPU a draw, batches of {options.draws:,}, median of {options.rounds}",
        ("API", *COMMANDS, "in all"),
        rows,
    )


def _one_round(api: str, n: int) -> dict[str, float]:
    """Return the CPU milliseconds that each command takes for a draw."""
    few, many = _cpu_s(api, FEW), _cpu_s(api, n)
    return {name: 1e3 * (many[name] - few[name]) / (n - FEW) for name in COMMANDS}


def _cpu_s(api: str, n: int) -> dict[str, float]:
    with _serving(api) as endpoint, tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "test_it.py").write_text(TEST.format(n=n))
        (folder / "pytest.ini").write_text(
            f"[pytest]\nvelo_endpoints =\n    {endpoint}\nvelo_budget = none\naddopts = -p no:randomly\n"
        )
        return {title: _command(folder, *args) for title, args in COMMANDS.items()}


def _command(folder: Path, *args: str) -> float:
    before = cpu_of_children_s()
    program = "from pytest_velo.cli.main import main; main()"
    subprocess.run(
        [sys.executable, "-c", program, "batch", *args],
        cwd=folder,
        env={**os.environ, "LAB_KEY": "none", "CI": ""},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        check=True,
    )
    return cpu_of_children_s() - before


@contextmanager
def _serving(api: str) -> Iterator[str]:
    """Run the server; yields the line that declares its endpoint."""
    command = [sys.executable, "-c", SERVER, str(TESTS), api]
    server = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert server.stdout is not None
    try:
        yield server.stdout.readline().strip()
    finally:
        server.kill()
        server.wait()


if __name__ == "__main__":
    main()
