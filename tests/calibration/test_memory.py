"""A soak: 20,000 trials in one run take little more memory than the first 2,000."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

N, WARM, MOST_MB = 20_000, 2_000, 40

TESTS = f"""
import json, resource
import pytest
from pytest_velo import rate, scripted

COIN = scripted("coin", lambda request, rng: "yes" if rng.random() < 0.5 else "no")


def peak_mb():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000


@pytest.mark.hypothesis(rate >= 0.5, models=[COIN], max_trials={N}, min_trials={N})
async def test_h(model, trial):
    if trial.index == {WARM}:
        with open("warm.json", "w") as file:
            json.dump(peak_mb(), file)
    return (await model("Is it so? " * 10)).answers("yes")
"""
END = """
import json, resource


def pytest_unconfigure():
    with open("end.json", "w") as file:
        json.dump(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000, file)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="ru_maxrss is in kilobytes on Linux alone")
def test_a_soak_grows_little_and_loses_nothing(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text(TESTS)
    (tmp_path / "conftest.py").write_text(END)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:randomly", "-p", "no:cacheprovider"]
    command.append("--velo-profile=explore")  # under CI an open verdict fails
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr
    warm, end = (json.loads((tmp_path / name).read_text()) for name in ("warm.json", "end.json"))
    assert end - warm < MOST_MB
    (trials,) = (tmp_path / ".pytest_velo" / "runs").glob("*/trials.jsonl")
    assert trials.read_bytes().count(b"\n") == N
