"""A worker's process: a pytest session that collects as the controller's does, and then serves trials."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
import threading
from collections.abc import Callable
from contextvars import Context
from dataclasses import replace
from queue import SimpleQueue
from typing import Any

import pytest

from pytest_velo.case_sets import fresh, is_shared_safely
from pytest_velo.case_sets.case import Recorded
from pytest_velo.designing.loading import load_what_the_loop_needs
from pytest_velo.errors import UsageError
from pytest_velo.integration.collect.frame import case_set
from pytest_velo.integration.collect.reach import check_drawn
from pytest_velo.integration.collect.stash import FACTS, SPEC
from pytest_velo.integration.compat import comparison_hook_of
from pytest_velo.integration.config.options import OPTIONS
from pytest_velo.integration.run.capture import Backstage, Stage, backstage
from pytest_velo.integration.run.freedom import is_free, own_fixtures
from pytest_velo.integration.run.hypothesis import build
from pytest_velo.integration.run.outcomes import HostOutcomes
from pytest_velo.integration.run.workers import prints_of_session
from pytest_velo.integration.session import SESSION, VeloSession
from pytest_velo.runner.trials import TrialRunner
from pytest_velo.shards import plain
from pytest_velo.shards.messages import (
    Answer,
    Attempt,
    Begin,
    Broken,
    End,
    Hello,
    Message,
    Refused,
    Shard,
    ToWorker,
    Welcome,
    encode,
    to_worker,
)
from pytest_velo.shards.pipes import Pipes
from pytest_velo.shards.service import Asking, Served, Service

_OFF: dict[str, Any] = {
    "velo_workers": "none",
    "velo_scheduler": "in-order",  # nothing is sampled ahead here: trials are what the controller asks for
    "velo_report": None,
    "velo_store": "none",
    "velo_update": None,
    "velo_batch": False,
    "xmlpath": None,
    "htmlpath": None,
    "report_log": None,
    "json_report": False,
    "lf": False,
    "failedfirst": False,
    "newfirst": False,
    "stepwise": False,
    "maxfail": 0,
    "reruns": None,
    "numprocesses": None,
    "dist": "no",
}
"""Options that are the controller's: what chooses among tests by their results, and what writes files."""

_LEAVING_S = 7.0  # for what is under way, once the controller has ended


def main() -> None:
    """Serve one session; the controller says which."""
    pipes = Pipes.of_this_process()
    frame = pipes.read()
    hello = None if frame is None else to_worker(frame)
    if not isinstance(hello, Hello):
        return
    for option in OPTIONS:
        os.environ.pop(option.env, None)  # what is set is the controller's
    os.environ.update(hello.environment)
    serving = _Serving(pipes)
    code = pytest.main([*hello.args], plugins=[serving])
    if not serving.has_served:
        serving.post(Broken(why=f"pytest ended with exit code {int(code)} before it had collected"))
    sys.stdout.flush()
    os._exit(0)  # whatever threads bodies left behind


class _Serving:
    """The plugin of that session: in place of its tests, it runs what it is told to."""

    def __init__(self, pipes: Pipes) -> None:
        self._pipes = pipes
        self._inbox: SimpleQueue[ToWorker | None] = SimpleQueue()
        self._set: dict[int, pytest.Function] = {}
        self.has_served = False

    def post(self, message: Message) -> None:
        """Send a message to the controller, from any thread."""
        self._pipes.write(encode(message))

    @pytest.hookimpl(tryfirst=True)
    def pytest_cmdline_main(self, config: pytest.Config) -> None:
        """Leave to the controller what is its own, before any plugin looks at the options."""
        for name, value in _OFF.items():
            if hasattr(config.option, name):
                setattr(config.option, name, value)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Serve until the controller ends."""
        self.has_served = True
        if session.testsfailed and not session.config.option.continue_on_collection_errors:
            self.post(Broken(why=_collection_errors(session)))
            return True
        if SESSION not in session.config.stash:
            self.post(Broken(why="no hypothesis is collected there"))
            return True
        state = session.config.stash[SESSION]
        self._session = session
        self._service = Service(self.post, state.settings, state.provider_factories, socket.gethostname())
        stage = Stage(session.config)
        self._ready = threading.Event()
        loop = state.loop.submit(self._hold())
        try:
            self._ready.wait()
            threading.Thread(target=self._listen, name="velo-listening", daemon=True).start()
            self.post(Welcome(host=socket.gethostname(), prints=prints_of_session(session)))
            while (message := self._inbox.get()) is not None:
                self._do(message)
        finally:
            stage.close()
            loop.cancel()
        return True

    def _listen(self) -> None:
        """Read messages: what concerns the loop goes there, what concerns pytest to its thread."""
        while (frame := self._pipes.read()) is not None:
            message = to_worker(frame)
            match message:
                case Answer():
                    self._aio.call_soon_threadsafe(self._service.answer, message)
                case Attempt():
                    self._aio.call_soon_threadsafe(self._service.attempt, message)
                case _:
                    self._inbox.put(message)
        self._leave_soon()
        self._inbox.put(None)

    async def _hold(self) -> None:
        """Be at hand on the loop until the end."""
        self._aio = asyncio.get_running_loop()
        self._ready.set()
        await asyncio.Event().wait()

    def _do(self, message: ToWorker) -> None:
        match message:
            case Begin():
                try:
                    self._begin(message)
                except BaseException as error:
                    if isinstance(error, KeyboardInterrupt | SystemExit):
                        raise
                    body = plain.dumps(plain.error_to_plain(error))
                    self.post(Refused(run=message.run, body=body))
            case Shard():
                self._aio.call_soon_threadsafe(self._service.start, message.run, message.body)
            case End():
                asyncio.run_coroutine_threadsafe(self._service.end(message.run), self._aio).result()
                if (ended := self._set.pop(message.run, None)) is not None:
                    self._tear_down(ended)
            case _:
                pass

    def _begin(self, begin: Begin) -> None:
        """Make the run of an item, with the values of its fixtures here."""
        item = next((item for item in self._session.items if item.nodeid == begin.node_id), None)
        if not isinstance(item, pytest.Function) or SPEC not in item.stash:
            raise _elsewhere(begin.node_id, "is not collected there", "the same command must select it there")
        settings = _state_of(item).settings_of(item)
        load_what_the_loop_needs(item.stash[SPEC], settings)
        check_drawn(item, settings)
        outcomes = HostOutcomes(item.stash[FACTS], item.stash[SPEC].claim, item.path.parent)
        fixtures = own_fixtures(item) if is_free(item) else self._set_up(begin.run, item)
        hypothesis = build(item, settings, outcomes, may_pay=True, in_order=False, fixtures=fixtures)
        for what, here, there in (
            ("cases are", hypothesis.set_digest, begin.set_digest),
            ("source is", hypothesis.body_digest, begin.body_digest),
        ):
            if here != there:
                raise _elsewhere(
                    begin.node_id,
                    f"its {what} different there: {here[:12] or 'none'}, not {there[:12] or 'none'}",
                    "check out the same files there, data included",
                )
        seeds: dict[int, int] = {}
        hypothesis = replace(hypothesis, seeds=seeds)
        runner = TrialRunner(hypothesis, Asking(self._service, begin.run), _state_of(item).loop)
        served = Served(
            runner=runner,
            case=_cases(item),
            seeds=seeds,
            around=_around(item),
            tally=lambda: outcomes.tally,
        )
        self._aio.call_soon_threadsafe(self._service.begin, begin.run, served)

    def _set_up(self, run: int, item: pytest.Function) -> dict[str, Any]:
        """Set up an item's fixtures, once for all of its trials here."""
        item.ihook.pytest_runtest_setup(item=item)
        self._set[run] = item
        return item.funcargs

    def _tear_down(self, ended: pytest.Function) -> None:
        """Tear down an item; what a neighbour shares with it stays until the end."""
        items = self._session.items
        place = items.index(ended)
        others = [*items[place + 1 : place + 2], *items[max(0, place - 1) : place]]
        ended.ihook.pytest_runtest_teardown(item=ended, nextitem=next(iter(others), None))

    def _leave_soon(self) -> None:
        """End this process even if something in it does not end."""
        timer = threading.Timer(_LEAVING_S, os._exit, (1,))
        timer.daemon = True
        timer.start()


def _state_of(item: pytest.Item) -> VeloSession:
    return item.config.stash[SESSION]


def _collection_errors(session: pytest.Session) -> str:
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    reports = getattr(reporter, "stats", {}).get("error", ())
    return "\n".join(str(report.longrepr) for report in reports) or f"{session.testsfailed} errors"


def _elsewhere(node_id: str, what: str, fix: str) -> UsageError:
    host = socket.gethostname()
    return UsageError(f"{what} (on the worker's host {host})", where=node_id, fix=fix)


def _cases(item: pytest.Function) -> Callable[[str, int], Any]:
    """Return what finds the case of a digest."""
    cases = case_set(item, _state_of(item).settings_of(item))
    places = {} if cases is None else {digest: place for place, digest in enumerate(cases.digests)}

    def case(digest: str, repeat: int) -> Any:
        if cases is None:
            return None
        if digest not in places:
            raise _elsewhere(item.nodeid, f"has no case {digest[:12]}", "check out the same data there")
        found = cases.items[places[digest]]
        found = found if is_shared_safely(found) else fresh(found)
        return found.drawn(repeat) if isinstance(found, Recorded) else found

    return case


def _around(item: pytest.Function) -> Callable[[], tuple[Context, Callable[[], list[tuple[str, str]]]]]:
    """Return what makes the context of one trial's body, in which its output is kept."""
    hook = comparison_hook_of(item)

    def around() -> tuple[Context, Callable[[], list[tuple[str, str]]]]:
        context, kept = Context(), Backstage(hook or (lambda *_: None))
        context.run(backstage.set, kept)
        return context, lambda: list(kept.sections())

    return around
