"""The pytest11 entry point: hooks only, each delegates. It keeps imports at pytest's start small."""

from __future__ import annotations

import sys
import time
from collections.abc import Generator
from typing import TYPE_CHECKING, Any

import pytest

from pytest_velo import hooks, integration
from pytest_velo.integration.config.options import add_options, is_told, untold_header
from pytest_velo.integration.fixtures import (
    anthropic_client,
    arm,
    case,
    concerns_us,
    is_marked,
    judge,
    model,
    openai_client,
    strategy,
    trial,
    velo,
)
from pytest_velo.integration.names import MARK, SESSION_PLUGIN

if TYPE_CHECKING:
    from pytest_velo.integration.session import VeloSession

__all__ = ["anthropic_client", "arm", "case", "judge", "model", "openai_client", "strategy", "trial", "velo"]

MARK_HELP = (
    "hypothesis(claim, *, cases=, models=, alpha=, margin=, max_trials=, ...): a belief about a model's"
    " behaviour; the body is one trial, run until the claim is decided.",
    "velo(**defaults): defaults for the keywords of hypothesis(...); every hypothesis carries this mark.",
)
_STARTED_S = pytest.StashKey[float]()
_REFUSED = pytest.StashKey[bool]()


def pytest_addhooks(pluginmanager: pytest.PytestPluginManager) -> None:
    """Register the hooks that other plugins may implement."""
    pluginmanager.add_hookspecs(hooks)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Register the options."""
    add_options(parser)


def pytest_configure(config: pytest.Config) -> None:
    """Register the marks; the session's state is opened only when needed."""
    config.stash[_STARTED_S] = time.monotonic()
    for line in MARK_HELP:
        config.addinivalue_line("markers", line)
    if hasattr(config, "workerinput") or not config.pluginmanager.hasplugin("xdist"):
        return
    config.pluginmanager.register(integration.Controller(config), "velo-controller")


def pytest_velo_claims() -> dict[Any, Any]:
    """Offer the rules of our own claims, as any other plugin does."""
    from pytest_velo.claims import Claim  # weight: claims, once one is made
    from pytest_velo.stats.choosing import rule_for  # weight: the rules, once one is made

    return {Claim: rule_for}


def pytest_velo_checks() -> tuple[Any, ...]:
    """Offer our own checks, as any other plugin does."""
    return integration.our_checks()


@pytest.hookimpl(tryfirst=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    """Read the settings first, so that a mistake in them is reported once, with a clear message."""
    session.config.pluginmanager.register(_LastLook(), "velo-last-look")
    if is_told(session.config):
        integration.begin(integration.session_of(session.config, told=True), session.config)


def pytest_report_header(config: pytest.Config) -> list[str]:
    """Show the seed, ready to paste, and the settings."""
    if _opened(config) is None and (sys.stdout.encoding or "").lower() in ("utf-8", "utf8"):
        return [untold_header()]
    return integration.session_of(config).header()


@pytest.hookimpl(tryfirst=True)
def pytest_pycollect_makeitem(collector: Any, name: str, obj: object) -> None:
    """Collect each hypothesis once, and refuse a marked lambda instead of dropping it silently."""
    if getattr(obj, "pytestmark", None) or isinstance(obj, pytest.MarkDecorator):
        integration.before_collection(collector, name, obj)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Check every test that may be a hypothesis, and make one item per model."""
    if concerns_us(metafunc.definition):
        integration.generate(metafunc, integration.session_of(metafunc.config).settings)


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Tell mistakes in functions whose items pytest does not get to."""
    report = yield
    if _opened(collector.config) is not None:
        integration.tell_with_report(collector, report)
    return report


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection_modifyitems(
    config: pytest.Config, items: list[pytest.Item]
) -> Generator[None, object, object]:
    """Prepare hypotheses before `-m` is evaluated, and those that other plugins mark afterwards."""
    mine = [item for item in items if isinstance(item, pytest.Function) and concerns_us(item)]
    if mine:
        integration.prepare_all(mine, integration.session_of(config))
    if config.getoption("markexpr", "") and any(item.get_closest_marker("velo") for item in items):
        integration.hide_defaults(items)
    returned = yield
    marked = [item for item in items if next(item.iter_markers(MARK), None) is not None]
    if marked:
        integration.take_in_late(marked, integration.session_of(config))
        integration.put_first(items, integration.session_of(config))
    return returned


class _LastLook:
    """Looks at the items after every plugin has deselected: the last to be registered is the outermost."""

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_collection_modifyitems(
        self, session: pytest.Session, config: pytest.Config, items: list[pytest.Item]
    ) -> Generator[None, object, object]:
        """Tell what is wrong with the tests that are left."""
        try:
            returned = yield
            if _opened(config) is not None:
                integration.refuse(items, config)
        except pytest.UsageError as error:
            config.stash[_REFUSED] = True
            if hasattr(config, "workerinput"):
                # The controller of pytest-xdist shows it; a worker that ends otherwise is a crash to it.
                session.shouldfail = str(error)
            raise
        return returned


def pytest_collection_finish(session: pytest.Session) -> None:
    """Warn of what was selected, when nothing is deselected any more; it is called after errors, too."""
    refused = session.shouldfail or session.config.stash.get(_REFUSED, False)
    if not refused and any(item.get_closest_marker("velo") is not None for item in session.items):
        integration.warn_of(session.items, integration.session_of(session.config))


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> Generator[None, object, object]:
    """Sample hypotheses together while the loop runs; after it, the session ends even at Ctrl-C."""
    try:
        return (yield from _pooled(session))
    finally:
        state = _opened(session.config)
        if state is not None:
            # The last to be registered is the first to be called: no hook is interrupted.
            session.config.pluginmanager.register(integration.Leaving(state.hurry), "velo-leaving")


def _pooled(session: pytest.Session) -> Generator[None, object, object]:
    if not any(item.get_closest_marker("velo") is not None for item in session.items):
        return (yield)
    pooling = integration.start_pooling(session)
    try:
        return (yield)
    except KeyboardInterrupt:
        integration.interrupt(session.config, pooling)
        raise
    finally:
        if pooling is not None:
            pooling.close()


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Sample a hypothesis instead of calling its function once."""
    if not is_marked(pyfuncitem):
        return None
    return integration.run_if_ours(pyfuncitem)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Set the outcome of our reports; outermost, so after xfail and other plugins."""
    try:
        report = yield
    except SystemError:
        # CPython's parser counts its depth for all threads together (gh-106905). Bodies in threads may parse
        # while pytest does so for a traceback, and that ends the session; a second time it goes well.
        if not is_marked(item):
            raise
        report = pytest.TestReport.from_item_and_call(item, call)
    if is_marked(item):
        integration.adapt_report(item, call, report)
    return report


@pytest.hookimpl(tryfirst=True)
def pytest_report_teststatus(report: pytest.TestReport) -> tuple[str, str, Any] | None:
    """Set the letters and words of our outcomes."""
    if not hasattr(report, "velo_outcome"):
        return None
    return integration.status_of(report)


@pytest.hookimpl(wrapper=True, trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> Generator[None, object, object]:
    """End the sampling loop and write the run record, after the workers end and before the summary."""
    state = _opened(session.config)
    if state is None:
        return (yield)
    state.close()
    try:
        return (yield)
    finally:
        took_s = time.monotonic() - session.config.stash[_STARTED_S]
        if not integration.write_run(state, took_s):
            session.exitstatus = session.exitstatus or pytest.ExitCode.TESTS_FAILED
        integration.add_step_summary(state)
        state.exit_code = int(session.exitstatus)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Write the summary table, and what CI shows beside the log."""
    state = _opened(terminalreporter.config)
    if state is None:
        return
    if state.reported or state.unsampled:
        state.summarised = True
        integration.write_summary(state, terminalreporter, terminalreporter.config.stash[_STARTED_S])
    integration.annotate(state, terminalreporter)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Leave nothing running, no matter how the session ended."""
    state = _opened(config)
    if state is not None:
        state.close()
        if not state.summarised and (state.reported or state.unsampled):
            integration.write_summary_alone(state, config, config.stash[_STARTED_S])
        state.leave()


def _opened(config: pytest.Config) -> VeloSession | None:
    """Return the session's state; None if it was never needed."""
    state: VeloSession | None = config.pluginmanager.get_plugin(SESSION_PLUGIN)
    return state
