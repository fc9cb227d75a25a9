"""What the reports of other plugins say of a hypothesis: JUnit XML, pytest-html, Allure and pytest-sugar.

They know passed, failed and skipped. Without a word from us, an inconclusive hypothesis would be a success
there and a broken body a failure of the model.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, MutableSequence
from typing import Any

import pytest

from pytest_velo.integration.compat import junit_says_error, junit_says_skipped
from pytest_velo.integration.names import OUTCOME_ATTRIBUTE, VERDICT_ATTRIBUTE
from pytest_velo.records import Outcome

Status = tuple[str, str, Any]
StatusOf = Callable[[pytest.TestReport], Status | None]

_ORDER = (Outcome.SUPPORTED, Outcome.REFUTED, Outcome.INCONCLUSIVE, Outcome.ERROR)


class Reporters:
    """The plugin that tells the others; `status_of` is our part of `pytest_report_teststatus`."""

    def __init__(self, config: pytest.Config, status_of: StatusOf) -> None:
        self._config = config
        self._counts: dict[str, str] = {}
        self._sugar: Any = sys.modules.get("pytest_sugar")
        self._sugars_own: Any = getattr(self._sugar, "pytest_report_teststatus", None)
        if self._sugars_own is not None:
            self._sweeten(self._sugars_own, status_of)

    def _sweeten(self, own: Callable[..., Status], status_of: StatusOf) -> None:
        """Let pytest-sugar ask us too: it calls its own function, where pytest asks all plugins."""

        def status(report: pytest.TestReport) -> Status:
            return status_of(report) or own(report=report)

        self._sugar.pytest_report_teststatus = status

    def pytest_unconfigure(self) -> None:
        """Give pytest-sugar its function back."""
        if self._sugars_own is not None:
            self._sugar.pytest_report_teststatus = self._sugars_own

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Let JUnit XML say error where it would say failure, and skipped where nothing was settled."""
        outcome = getattr(report, OUTCOME_ATTRIBUTE, None)
        if outcome is None or hasattr(self._config, "workerinput"):
            return
        self._counts[report.nodeid] = outcome
        if outcome == Outcome.ERROR and report.when == "call":
            junit_says_error(self._config, report)
        elif outcome == Outcome.INCONCLUSIVE and report.when == "call" and report.passed:
            junit_says_skipped(self._config, report, getattr(report, VERDICT_ATTRIBUTE, ""))

    @pytest.hookimpl(optionalhook=True)
    def pytest_html_results_table_row(self, report: pytest.TestReport, cells: MutableSequence[Any]) -> None:
        """Name the outcome of a hypothesis in its row of pytest-html."""
        outcome = getattr(report, OUTCOME_ATTRIBUTE, None)
        if outcome is None or hasattr(report, "wasxfail") or not cells:
            return
        if outcome == Outcome.ERROR:
            cells[0] = str(cells[0]).replace(">Failed<", ">Error<")
        # Another word than pytest-html's own would hide the row: its filters know no other.
        elif len(cells) > 1 and outcome == Outcome.INCONCLUSIVE:
            cells[1] = str(cells[1]).replace("</td>", f" ({outcome})</td>")

    @pytest.hookimpl(optionalhook=True)
    def pytest_html_results_summary(self, prefix: MutableSequence[Any]) -> None:
        """Count the outcomes above the table of pytest-html, which has other categories."""
        if self._counts:
            n = Counter(self._counts.values())
            told = ", ".join(f"{n[outcome]} {outcome}" for outcome in _ORDER if n[outcome])
            prefix.append(
                f"<p>Hypotheses: {told}. In the counts below, inconclusive ones are passed (failed under"
                " --velo-strict) and errors are failed.</p>"
            )


def tell_allure(item: pytest.Item, report: pytest.TestReport, outcome: Outcome, text: str) -> None:
    """Put the verdict into Allure's result of an item, which is made before we know it."""
    listener: Any = item.config.pluginmanager.get_plugin("allure_listener")
    cache = getattr(listener, "_cache", None)
    if cache is None or hasattr(report, "wasxfail"):
        return
    result = listener.allure_logger.get_test(cache.get(item.nodeid))
    if result is None:
        return
    if outcome is Outcome.ERROR:
        result.status = "broken"
    elif outcome is Outcome.INCONCLUSIVE:
        result.status = "failed" if report.failed else "unknown"
    head, _, _ = text.partition("\n")
    details = result.statusDetails
    if details is None:
        details = result.statusDetails = _allure_details()
    details.message = head
    if outcome is not Outcome.SUPPORTED:
        details.trace = text


def _allure_details() -> Any:
    return sys.modules["allure_commons.model2"].StatusDetails()
