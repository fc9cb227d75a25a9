"""Every private part of pytest that the plugin relies on, in one place (each has its own test)."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from io import StringIO
from pathlib import Path
from typing import Any, NamedTuple, Protocol, TextIO, cast

import pytest
from _pytest import assertion
from _pytest._code.code import ReprEntryNative, ReprExceptionInfo, ReprFileLocation, ReprTraceback
from _pytest.assertion import util
from _pytest.config.findpaths import determine_setup
from _pytest.junitxml import xml_key
from _pytest.mark.expression import Expression
from _pytest.outcomes import Failed as Failed
from _pytest.python import get_direct_param_fixture_func


class FixtureInfo(Protocol):
    """What pytest knows about a test function's fixtures."""

    argnames: Sequence[str]
    names_closure: Sequence[str]
    name2fixturedefs: Mapping[str, Sequence[pytest.FixtureDef[Any]]]


class Located(NamedTuple):
    """What pytest finds from a folder: the root, its ini file if there is one, and the options in it."""

    root: Path
    file: Path | None
    options: dict[str, Any]


def located(
    paths: Sequence[str], *, ini_file: str | None, root: str | None, overrides: Sequence[str] | None
) -> Located:
    """Return what pytest finds from the working directory.

    Raises:
        pytest.UsageError: The ini file cannot be read.
    """
    folder, file, options, *_ = determine_setup(
        inifile=ini_file,
        override_ini=overrides,
        args=paths,
        rootdir_cmd_arg=root,
        invocation_dir=Path.cwd(),
    )
    return Located(folder, file, {name: value.value for name, value in options.items()})


def fixture_info(definition: Any) -> FixtureInfo:
    """Return the fixture closure of a function item or a metafunc's definition."""
    return cast(FixtureInfo, definition._fixtureinfo)


def marks_of_calls(metafunc: pytest.Metafunc) -> list[Sequence[pytest.Mark]]:
    """Return the marks of each future item's own parameters.

    Complete only after every `pytest_generate_tests` has run.
    """
    return [call.marks for call in metafunc._calls] or [()]


def is_parameter(definition: pytest.FixtureDef[Any]) -> bool:
    """Tell whether a fixture is only a value of `parametrize`, which has no set-up."""
    return definition.func is get_direct_param_fixture_func


def plugin_of(config: pytest.Config, definition: pytest.FixtureDef[Any]) -> str | None:
    """Return the name of the installed plugin that a fixture belongs to; None for the user's and pytest's."""
    package = str(getattr(definition.func, "__module__", "")).partition(".")[0]
    installed = config.pluginmanager.list_plugin_distinfo()
    known = config.stash.get(_PLUGINS, None)
    if known is None or known.n_installed != len(installed):
        known = config.stash[_PLUGINS] = _Plugins(len(installed), {})
        for plugin, distribution in installed:
            name = getattr(plugin, "__name__", None) or type(plugin).__module__
            known.by_package.setdefault(name.partition(".")[0], str(distribution.project_name))
    return known.by_package.get(package)


class _Plugins(NamedTuple):
    """The installed plugins by their packages: reading a distribution's name parses all of its metadata."""

    n_installed: int
    by_package: dict[str, str]


_PLUGINS = pytest.StashKey[_Plugins]()


def mark_expression_holds(expression: str, marks: set[str], *, whatever_keywords: bool = False) -> bool:
    """Evaluate a `-m` expression for an item with exactly these marks; a broken expression is False.

    A question about a mark's keywords counts as `whatever_keywords`.
    """

    def matcher(name: str, /, **keywords: Any) -> bool:
        return name in marks and (whatever_keywords or not keywords)

    try:
        return bool(Expression.compile(expression).evaluate(cast(Any, matcher)))
    except SyntaxError:
        return False  # pytest itself reports it


@contextmanager
def sparing_explanations(wanted: Callable[[], bool]) -> Iterator[None]:
    """Build the long message of a failed comparison only while `wanted()`; it costs 0.1 ms each."""
    original = util._reprcompare
    if original is None:
        yield
        return

    def compare(operator: str, left: object, right: object) -> str | None:
        return original(operator, left, right) if wanted() else None

    util._reprcompare = compare
    try:
        yield
    finally:
        util._reprcompare = original


def terminal_reporter(config: pytest.Config) -> pytest.TerminalReporter | None:
    """Return pytest's terminal reporter; None where there is none (xdist workers)."""
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    return cast("pytest.TerminalReporter | None", reporter)


def reported_errors(config: pytest.Config) -> list[Any]:
    """Return the reports that the terminal counts as errors: of collection, of fixtures, of hypotheses."""
    return [*getattr(terminal_reporter(config), "stats", {}).get("error", ())]


def longrepr_of(text: str, report: pytest.TestReport, head: str = "") -> Any:
    """Return `text` as pytest's own failure text; only `head`, or its first line, is in the short summary.

    A plain string would be copied whole into the short summary when `CI` is set. This type also survives the
    trip to pytest-xdist's controller.
    """
    path, line, _ = report.location
    head = (head or text).split("\n", 1)[0]
    return ReprExceptionInfo(
        reprtraceback=ReprTraceback([ReprEntryNative([text + "\n"])], None, "native"),
        reprcrash=ReprFileLocation(path, (line or 0) + 1, head),
    )


def fitted_longrepr(report: pytest.TestReport, write: Callable[[Any], None]) -> Any:
    """Return a report's failure text so that a terminal gets what `write` writes to it, at its own width.

    Every other reader (JUnit, the short summary) gets the text as it was.
    """
    return _Fitted(report.longrepr, write)


class _Fitted(ReprExceptionInfo):
    """A failure text that is laid out when it is written to a terminal."""

    def __init__(self, plain: Any, write: Callable[[Any], None]) -> None:
        super().__init__(reprtraceback=plain.reprtraceback, reprcrash=plain.reprcrash)
        self._plain, self._write = str(plain), write

    def __str__(self) -> str:
        return self._plain

    def toterminal(self, tw: Any) -> None:
        if isinstance(getattr(tw, "_file", None), StringIO):  # `longreprtext`, which other reporters read
            tw.line(self._plain)
        else:
            self._write(tw)


def junit_says_error(config: pytest.Config, report: pytest.TestReport) -> None:
    """Let the JUnit file call the failure that a report is about to bring an error."""
    case = _junit_case(config, report)
    if case is None:
        return

    def append_error(failed: pytest.TestReport) -> None:
        crash = getattr(failed.longrepr, "reprcrash", None)
        text = str(failed.longrepr)
        case._add_simple("error", getattr(crash, "message", text.split("\n", 1)[0]), text)

    case.append_failure = append_error


def junit_says_skipped(config: pytest.Config, report: pytest.TestReport, text: str) -> None:
    """Let the JUnit file call the pass that a report is about to bring skipped, and why.

    Those who read the file show no text of a test that passed.
    """
    case = _junit_case(config, report)
    if case is None:
        return

    def append_skipped(_passed: pytest.TestReport) -> None:
        case._add_simple("skipped", text.split("\n", 1)[0], text)
        case.nodes[-1].set("type", "velo.inconclusive")

    case.append_pass = append_skipped


def _junit_case(config: pytest.Config, report: pytest.TestReport) -> Any:
    xml = config.stash.get(xml_key, None)
    return None if xml is None else xml.node_reporter(report)


def comparison_hook() -> Any:
    """Return the hook that explains a failed comparison in a rewritten assert; None between items."""
    return util._reprcompare


def set_comparison_hook(hook: Any) -> None:
    """Replace that hook: a function of operator, left and right that returns a text or None."""
    util._reprcompare = hook


def log_handlers(config: pytest.Config) -> list[Any]:
    """Return the handlers with which pytest captures log records; empty under `-p no:logging`."""
    plugin = config.pluginmanager.get_plugin("logging-plugin")
    names = ("caplog_handler", "report_handler")
    return [getattr(plugin, name) for name in names if hasattr(plugin, name)]


def hooks_of_conftests(item: pytest.Item, name: str) -> bool:
    """Tell whether a conftest that applies to an item implements a hook."""
    files = (getattr(found.plugin, "__file__", None) for found in getattr(item.ihook, name).get_hookimpls())
    return any(file is not None and file.endswith("conftest.py") for file in files)


def comparison_hook_of(item: pytest.Item) -> Any:
    """Return the hook that explains failed comparisons while pytest runs `item`."""
    protocol = assertion.pytest_runtest_protocol(item)
    next(protocol)  # puts the hook in place
    try:
        return comparison_hook()
    finally:
        protocol.close()  # and takes it away again


def uncaptured(config: pytest.Config, reporter: pytest.TerminalReporter) -> TextIO:
    """Return a stream to what pytest writes its own output to, past the capture of a running test.

    The reporter's own stream is captured, too, while a test runs. The caller closes what is returned.
    """
    manager = config.pluginmanager.get_plugin("capturemanager")
    out = getattr(getattr(manager, "_global_capturing", None), "out", None)
    own = reporter._tw._file
    saved = getattr(out, "targetfd_save", None)
    old = getattr(getattr(out, "syscapture", out), "_old", None)
    encoding = getattr(own, "encoding", None) or "utf-8"
    if isinstance(saved, int) and getattr(own, "name", None) == "<stdout>":
        return open(os.dup(saved), "w", encoding=encoding, errors="backslashreplace", newline="")
    return cast(TextIO, _Unclosed(own if old is None else old))


class _Unclosed:
    """A stream of somebody else's, which stays open."""

    def __init__(self, stream: Any) -> None:
        self.write, self.flush = stream.write, stream.flush

    def close(self) -> None:
        """Leave it open."""


def line_of(reporter: pytest.TerminalReporter) -> str:
    """Return what pytest has written to the line it is in."""
    return str(reporter._tw._current_line)


def captures(config: pytest.Config) -> list[Any]:
    """Return pytest's replacements of `sys.stdout` and `sys.stderr`; empty under `-s`.

    Each has the stream it captures to (`tmpfile`) and the one it replaced (`_old`).
    """
    manager = config.pluginmanager.get_plugin("capturemanager")
    capturing = getattr(manager, "_global_capturing", None)
    both = (getattr(capturing, "out", None), getattr(capturing, "err", None))
    streams = [getattr(capture, "syscapture", capture) for capture in both]
    return [stream for stream in streams if hasattr(stream, "tmpfile") and hasattr(stream, "_old")]


def encoding_of(reporter: pytest.TerminalReporter) -> str | None:
    """Return the encoding of the stream that the terminal reporter writes to; None if it has none."""
    return getattr(reporter._tw._file, "encoding", None)


def width_of(reporter: pytest.TerminalReporter) -> int:
    """Return the columns of the terminal."""
    return reporter._tw.fullwidth
