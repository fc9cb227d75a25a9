"""`velo compare`: what changed between two recorded runs."""

from __future__ import annotations

from pathlib import Path

from click.testing import CliRunner

from pytest_velo.cli.compare import compare
from support.reports import recorded, refuted, trial


def test_compare_fails_on_a_worse_run(tmp_path: Path) -> None:
    for outcomes in ([1, 1, 1, 1] * 10, [1, 0, 0, 0] * 10):
        recorded(tmp_path, refuted(trials=tuple(map(trial, range(40), outcomes))))
    said = CliRunner().invoke(compare, ["previous", "--cache-dir", str(tmp_path), "--fail-on-worse"])
    assert said.exit_code == 1
    assert said.stdout.splitlines()[3:6] == [
        "test_a.py::test_b  lab/tiny",
        "  rate: 1.00 -> 0.25 over 40 pairs; difference -0.75 [-0.91, -0.51] at 95%",
        "  worse: it fell",
    ]
