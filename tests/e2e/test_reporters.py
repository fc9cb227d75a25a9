"""Other reports tell the truth: the verdict's text, and an inconclusive one or an error by its name."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from support.outcomes import ALL, ERROR, OPEN


@pytest.mark.processes
@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["one process", "workers"])
def test_junit_has_every_outcome_with_its_text(run, workers) -> None:
    run.file(ALL)
    run("--junitxml=out.xml", *workers)
    root = ElementTree.parse(run.path / "out.xml").getroot()
    suite = root.find("testsuite")
    assert [suite.get(name) for name in ("tests", "failures", "errors", "skipped")] == ["4", "1", "1", "1"]
    cases = {case.get("name"): case for case in suite.iter("testcase")}
    assert "refuted: rate < 0.5" in cases["test_refuted"].find("failure").text
    assert ERROR in cases["test_broken"].find("error").get("message")
    assert cases["test_broken"].find("failure") is None
    skipped = cases["test_open"].find("skipped")
    assert OPEN in skipped.get("message")
    assert OPEN in skipped.text
    assert "12 of at most 12" in skipped.text
    told = {
        name: case.find("properties/property[@name='velo_verdict']").get("value").split(":")[0]
        for name, case in cases.items()
    }
    assert told == {
        "test_supported": "supported",
        "test_refuted": "refuted",
        "test_open": "inconclusive",
        "test_broken": "error",
    }


def test_the_summary_is_written_where_another_reporter_takes_pytests_place(run) -> None:
    run.file(ALL)
    run.file(
        "@pytest.hookimpl(trylast=True)\n"
        "def pytest_configure(config):\n"
        "    config.pluginmanager.unregister(name='terminalreporter')\n",
        "conftest.py",
    )
    shown = run().stdout.str()
    assert OPEN in shown
    assert "4 hypotheses · 1 supported · 1 refuted · 1 inconclusive · 1 error" in shown


def test_a_refutation_is_a_failure_without_our_own_frames(run) -> None:
    run.file(ALL)
    run.file(
        "@pytest.hookimpl(wrapper=True)\n"
        "def pytest_runtest_makereport(item, call):\n"
        "    report = yield\n"
        "    if call.excinfo:\n"
        "        failed = isinstance(call.excinfo.value, pytest.fail.Exception)\n"
        "        print(item.name, failed, report.longreprtext[:24])\n"
        "    return report\n",
        "conftest.py",
    )
    shown = run("-s").stdout.str()
    assert "test_refuted True refuted: rate < 0.5" in shown
    assert "test_broken False" in shown
