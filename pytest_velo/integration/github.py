"""What a run shows on GitHub Actions beside its log: the summary of its step, and annotations.

Only the process that controls a run shows them. A run inside of a test, as plugins test themselves, is part
of that test, and shows nothing: its environment is that of the run around it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pytest_velo.integration.compat import reported_errors
from pytest_velo.integration.names import RESULT_ATTRIBUTE
from pytest_velo.integration.session import VeloSession
from pytest_velo.report.annotations import (
    Annotation,
    Kind,
    annotation_lines,
    annotation_of,
    annotation_of_stubs,
)
from pytest_velo.report.markdown.around import Around, Trouble
from pytest_velo.settings import Github, ReportKind

_ANNOTATES_TOO = "pytest_github_actions_annotate_failures"
"""A plugin that annotates every failed test, ours too."""


def around_of(session: VeloSession) -> Around:
    """Return what the record of this run does not have."""
    asked = (target.path for target in session.settings.reports if target.kind is ReportKind.HTML)
    pages = (path for path in asked if session.reported and path.is_file())
    return Around(
        troubles=[Trouble(place, text) for place, text, _ in _troubles(session.config)],
        unsampled=session.unsampled,
        expected=session.expected,
        stopped=session.stopped,
        pages=[_short(page, session.config) for page in pages],
    )


def add_step_summary(session: VeloSession) -> None:
    """Add the run to the summary of the step that it is part of, if there is one and something to say.

    That it cannot be written is said below the verdicts, and fails nothing.
    """
    file = os.environ.get("GITHUB_STEP_SUMMARY")
    if not file or not _shows(session, Github.SUMMARY):
        return
    around = around_of(session)
    if not (session.reported or around.troubles or around.unsampled):
        return
    from pytest_velo.report.load import load  # weight: records, where there is a summary to add to
    from pytest_velo.report.markdown.step_summary import add_to  # weight: likewise

    try:
        name, folder = session.run_folder.name, session.settings.cache_dir
        there_was_room = add_to(Path(file), load(name, folder) if session.reported else None, around)
    except Exception as problem:
        why = getattr(problem, "strerror", None) or problem
        session.wrote.append(f"the summary of the step is not written to {file}: {why}")
        return
    if not there_was_room:
        session.wrote.append(f"the summary of the step is not written: {file} is full")


def annotate(session: VeloSession, reporter: pytest.TerminalReporter) -> None:
    """Annotate the tests' lines, by commands that GitHub takes out of the log."""
    if os.environ.get("GITHUB_ACTIONS") != "true" or not _shows(session, Github.ANNOTATIONS):
        return
    found = [*_of_results(session), *_of_troubles(session.config)]
    if session.config.pluginmanager.has_plugin(_ANNOTATES_TOO):
        strict = session.settings.strict
        found = [each for each in found if each.kind is Kind.WARNING and not strict]
    for command in annotation_lines(found):
        reporter.write_line(command)


def _shows(session: VeloSession, what: Github) -> bool:
    return (
        session.worker is None and not session.inside_a_test and session.settings.github in (what, Github.ALL)
    )


def _of_results(session: VeloSession) -> Iterator[Annotation]:
    for node_id, result in session.reported.items():
        if node_id in session.expected:
            continue
        file, line = session.places.get(node_id, (node_id.partition("::")[0], None))
        found = annotation_of(
            result, _in_repository(file, session.config), None if line is None else line + 1
        )
        if found is None and session.settings.strict:
            found = annotation_of_stubs(result, _in_repository(file, session.config), line and line + 1)
        if found is not None:
            yield found


def _of_troubles(config: pytest.Config) -> Iterator[Annotation]:
    for place, text, line in _troubles(config):
        file = _in_repository(place.partition("::")[0], config)
        yield Annotation(kind=Kind.ERROR, title=f"error: {place}", text=text, file=file, line=line)


def _troubles(config: pytest.Config) -> Iterator[tuple[str, str, int | None]]:
    """Yield place, text and line of what went wrong where there is no result."""
    for report in reported_errors(config):
        ours = isinstance(report, pytest.CollectReport) or "velo" in report.keywords
        if ours and not hasattr(report, RESULT_ATTRIBUTE):
            location: Any = getattr(report, "location", None)
            line = location[1] + 1 if location and location[1] is not None else None
            yield report.nodeid or "pytest", str(report.longrepr), line


def _in_repository(file: str, config: pytest.Config) -> str:
    """Return a path relative to the repository; as it is where it lies outside."""
    path = config.rootpath / file
    repository = os.environ.get("GITHUB_WORKSPACE")
    if repository and path.is_relative_to(repository):
        return path.relative_to(repository).as_posix()
    return file


def _short(path: Path, config: pytest.Config) -> str:
    here = config.invocation_params.dir
    return path.relative_to(here).as_posix() if path.is_relative_to(here) else str(path)
