"""The scope of a running trial, which its model calls use.

A contextvar carries it, so that one `model` object serves all concurrent trials. `asyncio` tasks,
`asyncio.to_thread` and anyio keep the variable; bare threads and `run_in_executor` lose it.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextvars import ContextVar
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from pytest_velo.errors import BodyError, InvalidTrial, listen
from pytest_velo.parallel import here
from pytest_velo.records import Call, Reply, Slot, Stubbed
from pytest_velo.replies import fork_with
from pytest_velo.sampling.drawing import Apart, Blocking, Drawer
from pytest_velo.sampling.forks import Origin, fork
from pytest_velo.sampling.trial import Trial

if TYPE_CHECKING:
    from pytest_velo.parallel import Crew, Parcel

T = TypeVar("T")

_APART = 'name them apart with model(..., slot="a")'


def _no_crew() -> Crew:
    raise BodyError("no process can be started here", fix="leave out process=True")


class TrialScope:
    """The running trial's private side: its draws, their ordinals, and whether it is still valid."""

    __slots__ = (
        "_callers",
        "_calls",
        "_inner",
        "_issued",
        "_ordinals",
        "_origins",
        "_seen",
        "_started",
        "_under_way",
        "_unfinished",
        "allow_cut",
        "allow_empty",
        "apart",
        "arm",
        "block",
        "case",
        "case_digest",
        "crew",
        "drawer",
        "ended",
        "folder",
        "given_up",
        "home",
        "invalid",
        "may_pay",
        "n_given_up",
        "notices",
        "parcels",
        "scored_s",
        "stream",
        "stubs",
        "trial",
        "trouble",
        "unanswered",
    )

    def __init__(
        self,
        *,
        trial: Trial,
        case: Any,
        case_digest: str,
        arm: str = "",
        stream: str,
        may_pay: bool,
        drawer: Drawer,
        block: Blocking | None,
        folder: Path = Path(),
        apart: Apart = asyncio.to_thread,
        home: asyncio.AbstractEventLoop | None = None,
        crew: Callable[[], Crew] = _no_crew,
        parcels: dict[Any, Parcel] | None = None,
        allow_cut: bool = False,
        allow_empty: bool = False,
    ) -> None:
        self.trial = trial
        self.drawer = drawer
        self.folder = folder  # of the test file, for relative paths
        self.case = case
        self.arm = arm
        self.case_digest = case_digest
        self.stream = stream
        self.may_pay = may_pay
        self.apart = apart
        self.block = block  # None on the loop itself, where calls are awaited
        self.home = home  # the sampling loop, for clients on an event loop of the body's own
        self.crew = crew  # the processes of scorers
        self.parcels = {} if parcels is None else parcels  # what was made ready to go there
        self.scored_s = 0.0  # what scorers took there, waiting for one of them included
        self.allow_cut = allow_cut  # of the calls of clients, which have no such keyword
        self.allow_empty = allow_empty
        self.invalid: str | None = None
        self.trouble: Exception | None = None
        self.unanswered = ""  # why a client's prompt got no answer; the trial is invalid
        self.ended = False
        self.notices: list[str] = []
        self.stubs: dict[Stubbed, None] = {}  # what stood in for something, in the order of use
        self.n_given_up = 0  # calls that the body cancelled
        self.given_up = ""  # the first of them
        self._unfinished: list[str] = []
        self._calls: list[Call | None] = []
        self._inner: list[TrialScope] = []
        self._origins: list[Origin] = []
        self._ordinals: dict[str, int] = {}
        self._seen: dict[str, tuple[int, bool]] = {}
        self._callers: dict[int, int] = {}
        self._issued = 0
        self._started = 0
        self._under_way = 0

    @property
    def calls(self) -> tuple[Call, ...]:
        """The finished calls, in the order in which the body made them."""
        return tuple(call for call in self._calls if call is not None)

    @property
    def n_unawaited(self) -> int:
        """Calls that were written but never awaited."""
        return self._issued - self._started

    @property
    def n_under_way(self) -> int:
        """Calls that started and did not end, whatever their result."""
        return self._under_way

    def issue(self) -> None:
        """Count a call that was written."""
        self._issued += 1

    def start(self) -> int:
        """Count a running call, and return its place in the transcript."""
        self._started += 1
        self._under_way += 1
        self._calls.append(None)
        return len(self._calls) - 1

    def finish(self, place: int, call: Call) -> None:
        """Put a finished call into the transcript; one that outlived its trial is ignored."""
        if not self.ended:
            self._calls[place] = call

    def remember(self, origin: Origin) -> None:
        """Keep how a reply came about, so that it can be forked, and judged with what led to it."""
        self._origins.append(origin)

    def origin_of(self, reply: Reply) -> Origin | None:
        """Return how a reply came about; None if it is not one of this trial's."""
        return next((origin for origin in self._origins if origin.reply is reply), None)

    def fork(self, reply: Reply, at: Any, edit: Any, options: dict[str, Any]) -> Any:
        """Fork a reply of this trial (`Reply.fork`)."""
        return fork(self._origins, reply, at, edit, options)

    def leave(self) -> None:
        """Count a call that ended, whatever its result."""
        self._under_way -= 1

    def end(self) -> None:
        """End the trial: tasks and threads left behind get no more draws."""
        self.ended = True
        for inner in self._inner:
            inner.end()

    def inner(self) -> TrialScope:
        """Return a part of this trial that may be invalid on its own; `absorb` brings its calls back."""
        inner = TrialScope(
            trial=self.trial,
            case=self.case,
            case_digest=self.case_digest,
            arm=self.arm,
            stream=self.stream,
            may_pay=self.may_pay,
            drawer=self.drawer,
            block=None,
            folder=self.folder,
            apart=self.apart,
            home=self.home,
            crew=self.crew,
            parcels=self.parcels,
            allow_cut=self.allow_cut,
            allow_empty=self.allow_empty,
        )
        inner.ended = self.ended
        self._inner.append(inner)
        return inner

    def absorb(self, inner: TrialScope) -> None:
        """Take the calls of a part that ended, and what went wrong with them, but not that it is invalid."""
        self._inner.remove(inner)
        inner.end()
        if not self.ended:
            self._calls += inner._calls
        self.notices += inner.notices
        self.stubs |= inner.stubs
        self.n_given_up += inner.n_given_up
        self.given_up = self.given_up or inner.given_up
        self.scored_s += inner.scored_s
        if inner.trouble is not None:
            self.fail(inner.trouble)

    def slot(self, key: str, label: str | None, *, advice: str = _APART) -> Slot:
        """Return the slot of the next draw of request `key` inside this trial.

        The ordinal counts identical requests. Two tasks that each made other calls before sending the same
        request reach it in no fixed order: a notice says so, with `advice` on how to tell them apart.
        """
        label = str(label) if label is not None and label != "" else None  # 0 is a name, "" is not
        counted = key if label is None else f"{key}:{label}"
        ordinal = self._ordinals.get(counted, 0)
        self._ordinals[counted] = ordinal + 1
        if label is None:
            self._watch_order(key, advice)
        return Slot(case=self.case_digest, repeat=self.trial.repeat, ordinal=ordinal, label=label or "")

    def invalidate(self, reason: str) -> None:
        """Make the trial invalid; the first reason stays, whatever the body catches."""
        if self.invalid is None:
            self.invalid = reason

    def blame(self, who: str, error: InvalidTrial, told: str = "") -> None:
        """Name who failed where the model was asked on behalf of something else: `the judge`.

        `told` is what else there is to say of it. It makes the trial invalid.
        """
        named = error.reason
        if not named.startswith(who):
            named = named.replace("the model", who, 1)
            if named == error.reason:
                named = f"{who}: {named}"
        named += told
        if self.invalid in (None, error.reason):
            self.invalid = named
        error.reason = named

    def fail(self, error: Exception) -> None:
        """Note why a draw could not be made; the first reason stays, whatever the body catches.

        Otherwise a body that catches everything would turn a missing key or an outage into an outcome.
        """
        if self.trouble is None:
            self.trouble = error

    def hear(self, error: Exception) -> None:
        """Note an error that the body caused, whatever it makes of it."""
        if isinstance(error, InvalidTrial):
            self.invalidate(error.reason)
        else:
            self.fail(error)

    def give_up(self, what: str = "a model call") -> None:
        """Count a call that the body cancelled while the trial went on."""
        if not self.ended:
            self.n_given_up += 1
            self.given_up = self.given_up or what

    @property
    def unfinished(self) -> str:
        """The first scorer's call that was written, and did not end; empty if all did."""
        return self._unfinished[0] if self._unfinished else ""

    def expect(self, what: str) -> None:
        """Count a scorer's call that was written."""
        self._unfinished.append(what)

    def expect_no_more(self, what: str) -> None:
        """Count a scorer's call that ended, whatever its result."""
        self._unfinished.remove(what)

    def _watch_order(self, key: str, advice: str) -> None:
        caller = _caller()
        made_before = self._callers.get(caller, 0)
        self._callers[caller] = made_before + 1
        first = self._seen.setdefault(key, (caller, made_before > 0))
        if first[0] != caller and (first[1] or made_before):
            self.notices.append(
                "two tasks of one trial sent the same request after other calls: which of them gets which"
                f" draw depends on timing; {advice}"
            )


def _caller() -> int:
    """Identify the task or thread that makes a call."""
    try:
        task = asyncio.current_task()
    except RuntimeError:
        task = None
    return threading.get_ident() if task is None else id(task)


_current: ContextVar[TrialScope | None] = ContextVar("pytest_velo_trial", default=None)


def enter(scope: TrialScope) -> None:
    """Make `scope` the running trial of this context."""
    _current.set(scope)
    listen(scope.hear)
    fork_with(scope.fork)


def leave() -> None:
    """Leave the running trial, in this context: for a function that must not see its case."""
    _current.set(None)


def is_running() -> bool:
    """Tell whether this runs inside a trial, or in what one left behind."""
    return _current.get() is not None


def current(what: str) -> TrialScope:
    """Return the running trial.

    Args:
        what: What needs it, for the message.

    Raises:
        BodyError: Outside a trial, or in a thread that lost the context.
    """
    scope = _current.get()
    if scope is None:
        here.refuse(what)
        raise BodyError(
            f"{what} was used outside a running trial",
            fix="use it inside a test marked hypothesis; in a thread of your own, start it with"
            " contextvars.copy_context().run(...), or use asyncio.to_thread, which keeps the trial",
        )
    return scope
