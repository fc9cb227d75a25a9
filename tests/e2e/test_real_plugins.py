"""Plugins that people have installed beside this one: what their reports say, and what their fixtures do.

Tests of packages that are not installed are skipped; `.ci/run` installs them in an environment of their own,
since they would change the runs of other tests.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from html import unescape

import pytest

from support.outcomes import ALL, ERROR, OPEN

pytestmark = pytest.mark.processes

REPORTERS = (
    "sugar",
    "rich",
    "html",
    "json-report",
    "pytest_jsonreport",
    "allure_pytest",
    "pretty",
    "randomly",
)


def without(*wanted: str) -> list[str]:
    """Return the options that turn all other reporters off."""
    return [option for name in REPORTERS if name not in wanted for option in ("-p", f"no:{name}")]


def alone(run, wanted: list[str], *options: str) -> pytest.RunResult:
    """Run with one of the other reporters only."""
    run.file(ALL)
    return run.apart(*without(*wanted), *options)


def test_pytest_html(run) -> None:
    pytest.importorskip("pytest_html", reason="pytest-html is not installed")
    alone(run, ["html"], "--html=out.html", "--self-contained-html")
    page = (run.path / "out.html").read_text()
    blob = json.loads(unescape(re.search(r'data-jsonblob="([^"]*)"', page)[1]))
    rows = {name.rpartition("::")[2]: row for name, (row,) in blob["tests"].items()}
    assert {name: row["result"] for name, row in rows.items()} == {
        "test_supported": "Passed",
        "test_refuted": "Failed",
        "test_open": "Passed",
        "test_broken": "Error",
    }
    assert "(inconclusive)" in rows["test_open"]["resultsTableRow"][1]
    assert "do not settle whether" in rows["test_open"]["log"]
    assert "refuted: rate" in rows["test_refuted"]["log"]
    assert "Hypotheses: 1 supported, 1 refuted, 1 inconclusive, 1 error" in page


def test_pytest_json_report(run) -> None:
    pytest.importorskip("pytest_jsonreport", reason="pytest-json-report is not installed")
    alone(run, ["json-report", "pytest_jsonreport"], "--json-report", "--json-report-file=out.json")
    read = json.loads((run.path / "out.json").read_text())
    tests = {test["nodeid"].rpartition("::")[2]: test for test in read["tests"]}
    assert {name: test["outcome"] for name, test in tests.items()} == {
        "test_supported": "passed",
        "test_refuted": "failed",
        "test_open": "inconclusive",
        "test_broken": "error",
    }
    assert {"velo_verdict": f"inconclusive: {OPEN}"} in tests["test_open"]["user_properties"]
    assert "refuted: rate < 0.5" in tests["test_refuted"]["call"]["longrepr"]


def test_allure(run) -> None:
    pytest.importorskip("allure_pytest", reason="allure-pytest is not installed")
    alone(run, ["allure_pytest"], "--alluredir=out")
    read = {}
    for file in (run.path / "out").glob("*-result.json"):
        result = json.loads(file.read_text())
        read[result["name"]] = result["status"], result["statusDetails"]["message"]
    assert {name: status for name, (status, _) in read.items()} == {
        "test_supported": "passed",
        "test_refuted": "failed",
        "test_open": "unknown",
        "test_broken": "broken",
    }
    assert read["test_refuted"][1].startswith("refuted: rate < 0.5")
    assert OPEN in read["test_open"][1]
    assert ERROR in read["test_broken"][1]


def test_allure_under_strict(run) -> None:
    pytest.importorskip("allure_pytest", reason="allure-pytest is not installed")
    alone(run, ["allure_pytest"], "--alluredir=out", "--velo-strict", "-k", "open")
    (file,) = (run.path / "out").glob("*-result.json")
    assert json.loads(file.read_text())["status"] == "failed"


def test_pytest_sugar(run) -> None:
    pytest.importorskip("pytest_sugar", reason="pytest-sugar is not installed")
    shown = re.sub(r"\x1b\[[0-9;]*m", "", alone(run, ["sugar"], "--force-sugar").stdout.str())
    results = shown.partition("Results (")[2]
    assert "1 passed" in results
    assert "1 failed" in results
    assert "1 supported · 1 refuted · 1 inconclusive · 1 error" in shown
    assert OPEN in shown


@pytest.mark.skipif(sys.platform == "win32", reason="there are no pseudo-terminals")
def test_pytest_rich(run) -> None:
    pytest.importorskip("pytest_rich", reason="pytest-rich is not installed")
    import pty

    run.file(ALL)
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "pytest", "--rich", *without("rich")]
    process = subprocess.Popen(command, cwd=run.path, stdout=theirs, stderr=theirs)
    os.close(theirs)
    shown = b""
    while True:
        try:
            shown += os.read(ours, 65536)
        except OSError:
            break
    os.close(ours)
    process.wait(300)
    assert "1 supported · 1 refuted · 1 inconclusive · 1 error".encode() in shown
    assert OPEN.encode() in shown


def test_the_fixtures_that_real_plugins_set_up_by_themselves(run) -> None:
    for package in ("inline_snapshot", "pytest_recording"):
        pytest.importorskip(package, reason=f"{package} is not installed")
    run.file(
        "import asyncio\n@pytest.mark.hypothesis(rate >= 0.5)\n"
        "async def test_h(trial):\n    await asyncio.sleep(0)\n    return trial.index >= 0\n"
    )
    assert run.apart(*without()).ret == 0
    assert all(result.n_in_flight_max > 1 and not result.notices for result in run.record.results)


@pytest.mark.parametrize(
    ("package", "body"),
    [
        ("syrupy", "def test_h(trial, snapshot): assert trial.index == snapshot"),
        ("pytest_benchmark", "def test_h(trial, benchmark): assert benchmark(lambda: trial.index)"),
        ("inline_snapshot", "def test_h(trial): assert trial.index == snapshot(0)"),
    ],
)
def test_what_counts_calls_is_refused(run, package, body) -> None:
    pytest.importorskip(package, reason=f"{package} is not installed")
    head = "from inline_snapshot import snapshot\n" if package == "inline_snapshot" else ""
    run.file(f"{head}@pytest.mark.hypothesis(rate >= 0.5)\n{body}\n")
    result = run.apart(*without())
    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.fnmatch_lines(["*a hypothesis cannot use*", "*fix: *"])
