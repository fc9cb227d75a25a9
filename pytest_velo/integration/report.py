"""From results to what pytest prints: outcomes, letters, header, sections, summary."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import islice
from typing import Any

import pytest

from pytest_velo.errors import UsageError, VeloError
from pytest_velo.integration.collect.late import late_problem
from pytest_velo.integration.collect.stash import ESTIMATE, RESULT, SPEC, UNSAMPLED
from pytest_velo.integration.compat import encoding_of, longrepr_of
from pytest_velo.integration.github import annotate
from pytest_velo.integration.names import (
    EXPECTED_ATTRIBUTE,
    OUTCOME_ATTRIBUTE,
    RESULT_ATTRIBUTE,
    VERDICT_ATTRIBUTE,
)
from pytest_velo.integration.reporters import tell_allure
from pytest_velo.integration.run.begun import begun
from pytest_velo.integration.run.wording import terminal_width, verdict_lines, verdict_text
from pytest_velo.integration.session import SESSION, VeloSession
from pytest_velo.integration.totals import drawn_lines
from pytest_velo.records import HypothesisResult, Outcome
from pytest_velo.report.as_covariate import as_covariates, is_as_planned
from pytest_velo.report.assumptions import assumption_lines
from pytest_velo.report.document import compact
from pytest_velo.report.estimates import total_text
from pytest_velo.report.families import family_lines
from pytest_velo.report.folding import more_lines, most_of
from pytest_velo.report.found import head_of
from pytest_velo.report.lines import UNWRAPPED, Line, Style, as_text, block, fit_lines, paragraph
from pytest_velo.report.load import load_folder
from pytest_velo.report.record import RUN_FILE
from pytest_velo.report.stubs import refusal, stubbed_text, stubs_of
from pytest_velo.report.summary import summary_lines
from pytest_velo.report.text import inline, neutralise

WHY_ATTRIBUTE = "velo_unsampled"
ESTIMATE_ATTRIBUTE = "velo_estimate"
BEGUN_ATTRIBUTE = "velo_begun"
WORD_ATTRIBUTE = "velo_word"
"""The outcome with what was stubbed, as a terminal shows it."""
_CRASHED = "???"
"""The phase that pytest-xdist gives the report of an item whose worker crashed."""
PROPERTY = OUTCOME_ATTRIBUTE

_TOLD: pytest.StashKey[bool] = pytest.StashKey()
"""An item's error has been reported, and need not be again at its teardown."""


def adapt_report(item: pytest.Item, call: pytest.CallInfo[None], report: pytest.TestReport) -> None:
    """Give the report of a hypothesis's call phase its outcome, its text and the result for reporters."""
    # What bodies and fixtures print and log may be a model's words.
    report.sections[:] = [(title, neutralise(text)) for title, text in report.sections]
    if call.when != "call" or SPEC not in item.stash:
        _adapt_other(item, call, report)
        return
    result = item.stash.get(RESULT, None)
    if result is None:
        _adapt_without_result(item, call, report)
        return
    # A strict xfail that passed fails without an exception: pytest reports that itself.
    if call.excinfo is not None and result.outcome not in (Outcome.REFUTED, Outcome.ERROR):
        result = replace(result, outcome=Outcome.ERROR, problem=str(call.excinfo.value))  # a time-out
    settings = item.config.stash[SESSION].settings
    setattr(report, RESULT_ATTRIBUTE, compact(result, settings.show, settings.show_kind))
    setattr(report, PROPERTY, result.outcome.value)
    text = verdict_text(item.config, result)
    _add_property(item, report, result.outcome, text)
    if result.outcome is Outcome.ERROR:
        _as_error(report, call)
        error = call.excinfo.value if call.excinfo is not None else None
        said = isinstance(error, VeloError) and str(error) == result.problem
        said = said and result.ladder is None  # whose headline says on which rung
        _add_section(item, report, result, problem=not said)
    elif result.outcome is Outcome.REFUTED:
        if report.failed:
            report.longrepr = longrepr_of(text, report)
    elif result.outcome is Outcome.INCONCLUSIVE:
        _as_undecided(item, report, result)
    elif report.passed and (counted := [each for each in result.found if each.fails(strict=settings.strict)]):
        report.outcome = "failed"
        report.longrepr = longrepr_of(text, report, f"{counted[0].code} {head_of(counted[0])}")
    if stubs_of(result):
        _as_stubbed(report, result, text, strict=settings.strict)
    tell_allure(item, report, result.outcome, text)


def _adapt_without_result(item: pytest.Item, call: pytest.CallInfo[None], report: pytest.TestReport) -> None:
    """Report a hypothesis that was not sampled: skipped, in error before it began, or run by another."""
    if UNSAMPLED in item.stash:
        _as_unsampled(item, report)
    elif report.failed:
        item.stash[_TOLD] = True
        _as_error(report, call)
        _add_property(item, report, Outcome.ERROR)
    elif report.passed:
        _as_never_sampled(item, report, _ran_by_another(item))


def _adapt_other(item: pytest.Item, call: pytest.CallInfo[None], report: pytest.TestReport) -> None:
    """Report a hypothesis that ran once as a test, because its mark came too late."""
    if call.when == "setup":  # until the call is over, the call itself says so
        if SPEC in item.stash and isinstance(item, pytest.Function):
            _announce(item, report)
        _make_harmless(report)
        return
    problem = None if item.stash.get(_TOLD, False) else late_problem(item)
    if problem is None:
        _make_harmless(report)
        return
    item.stash[_TOLD] = True
    if report.passed:
        _as_never_sampled(item, report, problem)
    elif call.when == "call":
        _as_error(report, call)
        _add_property(item, report, Outcome.ERROR)


def _announce(item: pytest.Function, report: pytest.TestReport) -> None:
    """Tell the controller of pytest-xdist what is sampled next."""
    session = item.config.stash[SESSION]
    if session.worker is not None and report.passed:
        setattr(report, BEGUN_ATTRIBUTE, compact(begun(item, session.settings_of(item)), 0))


def adapt_crash(report: pytest.TestReport, result: HypothesisResult) -> None:
    """Give the report of a crashed worker's item the result of its hypothesis."""
    setattr(report, RESULT_ATTRIBUTE, compact(result, 0))
    setattr(report, PROPERTY, result.outcome.value)
    report.user_properties.append((PROPERTY, result.outcome.value))
    report.longrepr = neutralise(result.problem)


def _ran_by_another(item: pytest.Item) -> UsageError:
    """Return the error of an item whose body another plugin called, once, in our place."""
    implementations = item.ihook.pytest_pyfunc_call.get_hookimpls()
    others = [found.plugin_name for found in implementations if found.plugin_name not in ("velo", "python")]
    named = f" (it may be one of these: {', '.join(others)})" if others else ""
    return UsageError(
        f"another plugin ran the body once, so nothing was sampled{named}",
        where=item.nodeid,
        fix="remove that plugin's mark from the test, or its fixture",
    )


def _as_never_sampled(item: pytest.Item, report: pytest.TestReport, problem: UsageError) -> None:
    """Report an error where a body that ran once would count as a passed hypothesis."""
    report.outcome = "failed"
    report.longrepr = longrepr_of(neutralise(f"UsageError: {problem}"), report)
    setattr(report, PROPERTY, Outcome.ERROR.value)
    _add_property(item, report, Outcome.ERROR)


def status_of(report: pytest.TestReport) -> tuple[str, str, Any] | None:
    """Return category, letter and word for one of our reports; None leaves it to pytest.

    Source:
        Pytest's hook `pytest_report_teststatus`.
    """
    if report.when not in ("call", _CRASHED) or getattr(report, PROPERTY, None) is None:
        return None
    if hasattr(report, "wasxfail") or report.outcome not in ("passed", "failed"):
        return None  # expected to fail, or run again by pytest-rerunfailures
    outcome = Outcome(getattr(report, PROPERTY))
    if outcome is Outcome.ERROR:
        return "error", "E", ("ERROR", {"red": True})
    word = getattr(report, WORD_ATTRIBUTE, None)
    if outcome is Outcome.INCONCLUSIVE and not report.failed:
        return "inconclusive", "?", (word or "INCONCLUSIVE", {"yellow": True})
    if word is not None:
        return report.outcome, "F" if report.failed else ".", word
    if outcome is Outcome.SKIPPED or (outcome is Outcome.SUPPORTED and report.failed):
        return None  # an expected refutation that did not come: pytest's FAILED
    return report.outcome, "F" if report.failed else ".", outcome.value.upper()


def write_summary(session: VeloSession, reporter: pytest.TerminalReporter, started_s: float) -> None:
    """Write what no report showed in full, then the summary; `started_s` is from `time.monotonic`."""
    results = tuple(session.reported.values())
    verbosity = reporter.config.get_verbosity()
    for title, style, shown in _sections(session, results, verbosity):
        _write_in_full(reporter, title, shown, style, most=most_of(len(shown), everything=verbosity > 0))
    reporter.ensure_newline()
    reporter.section("hypotheses")
    width = terminal_width(reporter.config)
    wall_s = time.monotonic() - started_s
    encoding = encoding_of(reporter)
    _write(
        reporter, summary_lines(results, wall_s=wall_s, width=width, encoding=encoding, verbosity=verbosity)
    )
    if verbosity >= 0:
        strict, everything = session.settings.strict, verbosity > 0
        _write(
            reporter,
            family_lines(results, width, strict=strict, encoding=encoding, everything=everything),
        )
        _write(reporter, fit_lines(assumption_lines(results, width), encoding))
    _write(reporter, drawn_lines(session.drawn, results, width))
    for told in session.batched:
        _write(reporter, block("batch", told, width, Style.DIM))
    _write(reporter, _unsampled_lines(session.unsampled, width, everything=verbosity > 0))
    _write(reporter, _estimate_lines(session, width))
    if verbosity >= 0 and results and (session.run_folder / RUN_FILE).is_file():
        reporter.write_line(f"run record: {session.run_folder}")
        if any(map(is_as_planned, results)):
            with suppress(VeloError):  # a record that cannot be read is told by what reads it
                for what, words in as_covariates(load_folder(session.run_folder)):
                    reporter.write_line(neutralise(f"{what}: {words}"))
    for told in session.wrote:
        _write(reporter, paragraph(f"report: {told}", Style.PLAIN, width))


def _sections(
    session: VeloSession, results: Sequence[HypothesisResult], verbosity: int
) -> Iterator[tuple[str, Style, list[HypothesisResult]]]:
    """Yield what is written in full beside pytest's failures: title, style, results.

    What passed is among it if that was asked for: by `-vv`, or by a kind of trials to show.
    """
    late = [result for result in results if result.family is not None and result.family.by_steps]
    refuted = [result for result in late if result.outcome is Outcome.REFUTED]
    yield "refuted at the end of the session", Style.BAD, refuted
    asked = session.settings.show_kind is not None
    if verbosity >= 2 or asked:
        passed = (Outcome.SUPPORTED, Outcome.MEASURED)
        yield "supported and measured hypotheses", Style.GOOD, [r for r in results if r.outcome in passed]
    if not session.settings.strict and (verbosity >= 0 or asked):
        undecided = [result for result in results if result.outcome is Outcome.INCONCLUSIVE]
        yield "inconclusive hypotheses", Style.WARN, undecided


def write_summary_alone(session: VeloSession, config: pytest.Config, started_s: float) -> None:
    """Write the summary where another plugin took the place of pytest's terminal reporter, and asked nobody.

    Nothing is written in a worker, nor where the user turned the terminal off.
    """
    plugins = config.pluginmanager
    if session.worker is None and not (
        plugins.has_plugin("terminalreporter") or plugins.is_blocked("terminal")
    ):
        reporter = pytest.TerminalReporter(config, sys.stdout)
        write_summary(session, reporter, started_s)
        annotate(session, reporter)


def _write_in_full(
    reporter: pytest.TerminalReporter,
    title: str,
    results: Sequence[HypothesisResult],
    style: Style,
    *,
    most: int,
) -> None:
    """Write a section of hypotheses in full, the first `most` of them; nothing if there are none."""
    for number, result in enumerate(results[:most]):
        if number == 0:
            reporter.write_sep("=", title, **style.markup)
        reporter.write_sep("_", result.node_id)
        width = terminal_width(reporter.config)
        _write(reporter, verdict_lines(reporter.config, result, width, notices=False))
    if most < len(results):
        left = f"and {len(results) - most:,} more {title}"
        _write(reporter, more_lines(left, terminal_width(reporter.config)))


def _as_error(report: pytest.TestReport, call: pytest.CallInfo[None]) -> None:
    """Report an error, under xfail too: infrastructure trouble and broken bodies are never refutations."""
    report.outcome = "failed"
    if hasattr(report, "wasxfail"):
        del report.wasxfail
    setattr(report, PROPERTY, Outcome.ERROR.value)
    error = call.excinfo.value if call.excinfo is not None else None
    if isinstance(error, VeloError):
        text = as_text(paragraph(f"{type(error).__name__}: {error}", Style.PLAIN, UNWRAPPED))
        report.longrepr = longrepr_of(text, report)
        return
    _make_harmless(report)


def _make_harmless(report: pytest.TestReport) -> None:
    """Take what a terminal or a CI runner would act on out of a failure's text."""
    if not report.failed:
        return
    text = str(report.longrepr)
    if (safe := _harmless(text)) != text:  # a model's or a server's words in an exception
        crash = getattr(report.longrepr, "reprcrash", None)
        report.longrepr = longrepr_of(safe, report, neutralise(getattr(crash, "message", "")))


def _harmless(text: str) -> str:
    """Return a traceback that no terminal acts on, and with no line that passes for one of pytest's own.

    Pytest begins the lines of an exception's message with `E`, but with `--tb=native` they come as they are:
    a server's text in one could say how many tests passed.
    """
    return _LOOKS_LIKE_PYTEST.sub(r"  \g<0>", neutralise(text))


_LOOKS_LIKE_PYTEST = re.compile(
    r"^(?:[=_-]{3,} ?\S|(?:PASSED|FAILED|ERROR|SKIPPED|XFAIL|XPASS|REFUTED|SUPPORTED|INCONCLUSIVE)\b)",
    re.MULTILINE,
)


def _add_property(item: pytest.Item, report: pytest.TestReport, outcome: Outcome, text: str = "") -> None:
    """Add the outcome, and the first line of its text, to what other reports show of a test."""
    ours = {PROPERTY: outcome.value}
    if text:
        ours[VERDICT_ATTRIBUTE] = text.split("\n", 1)[0]
        setattr(report, VERDICT_ATTRIBUTE, text)
    # JUnit's reporter reads the report of the teardown, which is made from the item.
    for properties in (item.user_properties, report.user_properties):
        properties[:] = [pair for pair in properties if pair[0] not in ours]
        properties += ours.items()


def _as_unsampled(item: pytest.Item, report: pytest.TestReport) -> None:
    """Point the skip at the test, not at us, and carry its reason to the summary."""
    if (estimate := item.stash.get(ESTIMATE, None)) is not None:
        setattr(report, ESTIMATE_ATTRIBUTE, estimate.to_json())
    why = item.stash[UNSAMPLED]
    file, line, _ = item.location
    report.longrepr = (file, (line or 0) + 1, f"Skipped: {why}")
    setattr(report, WHY_ATTRIBUTE, why)


def _unsampled_lines(unsampled: Mapping[str, str], width: int, *, everything: bool) -> Iterator[Line]:
    if unsampled:
        yield Line("")
    most = most_of(len(unsampled), everything=everything)
    for node_id, why in islice(unsampled.items(), most):
        yield Line(inline(f"- not sampled  {node_id}", width), Style.WARN)
        yield from block("", why, width, indent=4)
    if most < len(unsampled):
        left = f"- and {len(unsampled) - most:,} more not sampled (-v prints all)"
        yield from paragraph(left, Style.WARN, width)


def _estimate_lines(session: VeloSession, width: int) -> Iterator[Line]:
    """Return what the whole selection would take; nothing without an estimate."""
    if session.estimates:
        yield Line("")
        yield from paragraph(total_text([*session.estimates.values()]), Style.BOLD, width)


def _as_undecided(item: pytest.Item, report: pytest.TestReport, result: HypothesisResult) -> None:
    """Leave an undecided test undecided, under xfail(strict) too; only --velo-strict makes it fail."""
    if report.failed or hasattr(report, "wasxfail"):
        setattr(report, EXPECTED_ATTRIBUTE, True)  # xfail; should the end of the session refute it
    if hasattr(report, "wasxfail"):
        del report.wasxfail
    strict = item.config.stash[SESSION].settings.strict
    report.outcome = "failed" if strict else "passed"
    text = verdict_text(item.config, result)
    report.longrepr = longrepr_of(text, report) if strict else None
    if not strict:
        report.sections.append(("velo: the verdict", text))


def _as_stubbed(report: pytest.TestReport, result: HypothesisResult, text: str, *, strict: bool) -> None:
    """Say in the verdict's word what was stubbed; under strict, a test that rests on a stub fails."""
    setattr(report, WORD_ATTRIBUTE, f"{result.outcome.upper()} ({stubbed_text(result.stubs)})")
    if not strict or (report.failed and not hasattr(report, "wasxfail")):
        return
    if hasattr(report, "wasxfail"):
        del report.wasxfail
    report.outcome = "failed"
    report.longrepr = longrepr_of(neutralise(f"{refusal(result)}\n\n{text}"), report)


def _add_section(
    item: pytest.Item, report: pytest.TestReport, result: HypothesisResult, *, problem: bool
) -> None:
    """Show the trial below an error; the problem too, if the error does not say it itself."""
    width = terminal_width(item.config)
    lines = verdict_lines(item.config, result, width, notices=False, problem=problem)
    report.sections.append(("velo: the trial", as_text(lines)))


def _write(reporter: pytest.TerminalReporter, lines: Iterable[Line]) -> None:
    for line in lines:
        reporter.write_line(line.text, **line.style.markup)
