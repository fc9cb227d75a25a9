"""What several layers of tests share."""

from __future__ import annotations

import asyncio
import gc
import heapq
import importlib
import os
import pkgutil
import random
import shutil
import signal
import ssl
import sys
import tempfile
from collections.abc import Awaitable, Callable, Iterator
from functools import lru_cache, partial
from importlib import metadata
from itertools import count, takewhile
from pathlib import Path
from typing import Any

import httpcore2
import hypothesis
import pytest
from _pytest import pytester as pytester_module
from _pytest.terminal import TerminalReporter

import pytest_velo
from pytest_velo import rate
from pytest_velo.case_sets import Planned, pick_order
from pytest_velo.runner.hypothesis import Hypothesis, Reading
from pytest_velo.runner.run import Run
from pytest_velo.sampling.sampler import Sampler
from pytest_velo.settings import Settings
from support.hypotheses import hypothesis_of

# How long an example takes, or to make one, is no property of the code on a machine that others use, too.
# Where CI is set, the library's own profile says the same, and draws the same examples each time.
hypothesis.settings.register_profile(
    "unhurried", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
if "CI" not in os.environ:
    hypothesis.settings.load_profile("unhurried")

pytest_plugins = ["pytester"]  # for tests/e2e; pytest reads this name in the topmost conftest only


def pytest_configure(config: pytest.Config) -> None:
    """Undo what the environment hands down and the tests cannot bear.

    A shell's background job ignores Ctrl-C, which some tests are about. And where no compiled modules may be
    kept, every one of some hundred processes would compile the package anew: they keep them in a folder of
    this run, which is removed at its end. And what inner runs come to is not for the page of the CI job.
    """
    for name in ("GITHUB_ACTIONS", "GITHUB_STEP_SUMMARY"):
        os.environ.pop(name, None)
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if os.environ.pop("PYTHONDONTWRITEBYTECODE", ""):
        folder = tempfile.mkdtemp(prefix="compiled-")
        config.add_cleanup(partial(shutil.rmtree, folder, ignore_errors=True))
        os.environ["PYTHONPYCACHEPREFIX"] = sys.pycache_prefix = folder
        sys.dont_write_bytecode = False


_TOO_LONG_S = 600.0  # ten times what the slowest takes on a busy machine


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Have a test that hangs fail, with what its threads do: a run that never ends tells nothing."""
    if config.pluginmanager.hasplugin("timeout"):
        for item in items:
            item.add_marker(pytest.mark.timeout(_TOO_LONG_S))


@pytest.hookimpl(optionalhook=True)  # of pytest-xdist
def pytest_xdist_auto_num_workers() -> int:
    """Give `-n auto` a worker more than there are cores: tests of time limits wait, and cost nothing then."""
    return (os.cpu_count() or 1) + 1


@pytest.fixture(scope="session")
def modules_stay() -> None:
    """Load all of the package here, where no inner run rewrites its asserts."""
    for module in pkgutil.walk_packages(pytest_velo.__path__, "pytest_velo."):
        importlib.import_module(module.name)


_OURS = (Path(__file__).parent, Path(__file__).parents[1] / "examples")


class InnerModules:
    """Forgets, after an inner run, the modules of its folder and of ours; brings back what they replaced.

    Pytest's own forgets all that were new. What is imported again later has other classes of the same names,
    which a library that stayed does not know: httpx2 would not know the errors of its httpcore2 any more.

    Args:
        folder: The inner run's.
    """

    def __init__(self, folder: Path) -> None:
        self._folders = tuple(os.path.join(os.path.realpath(place), "") for place in (folder, *_OURS))
        self._before = dict(sys.modules)

    def restore(self) -> None:
        """Do so."""
        for name, module in [*sys.modules.items()]:
            if self._before.get(name) is not module and self._is_inner(module):
                del sys.modules[name]
        for name, module in self._before.items():
            sys.modules.setdefault(name, module)

    def _is_inner(self, module: object) -> bool:
        file, places = getattr(module, "__file__", None), getattr(module, "__path__", ())
        return any(os.path.realpath(place).startswith(self._folders) for place in (file, *places) if place)


@pytest.fixture(scope="session", autouse=True)
def trust_is_read_once() -> Iterator[None]:
    """Read the certificates of authorities once, since each client of an SDK reads all of them."""
    default_ssl_context = httpcore2.default_ssl_context
    read = lru_cache(lambda trust_env, *_: default_ssl_context(_trust_env=trust_env))

    def kept(*, _trust_env: bool = True) -> ssl.SSLContext:
        return read(_trust_env, os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR"))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(httpcore2, "default_ssl_context", kept)
        yield


@pytest.fixture(scope="session")
def distributions_stay() -> Iterator[None]:
    """Read once what is installed: every inner run asks for all of it three times."""
    found = lru_cache(lambda *path: [*metadata.Distribution.discover()])
    entries = lru_cache(maxsize=None)(metadata.PathDistribution.entry_points.fget)
    about = lru_cache(maxsize=None)(metadata.PathDistribution.metadata.fget)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(metadata, "distributions", lambda **kwargs: found(*sys.path))
        patch.setattr(metadata.PathDistribution, "entry_points", property(entries), raising=False)
        patch.setattr(metadata.PathDistribution, "metadata", property(about), raising=False)
        yield


@pytest.fixture
def pytester(
    modules_stay: None,
    distributions_stay: None,
    pytester: pytest.Pytester,
    monkeypatch: pytest.MonkeyPatch,
) -> pytest.Pytester:
    """Run pytest inside, in whichever order the tests of several layers come."""
    # Every inner run ends with several full collections: they need not look at what was here before it.
    gc.freeze()
    # A run that ends with errors of collection renders its own traceback and shows the last line only. That
    # takes half of the time of such a run.
    monkeypatch.setattr(TerminalReporter, "pytest_keyboard_interrupt", _keep_last_line)
    monkeypatch.setattr(pytester_module, "SysModulesSnapshot", lambda **_: InnerModules(pytester.path))
    pytester._sys_modules_snapshot = InnerModules(pytester.path)  # the one that its end restores
    return pytester


def _keep_last_line(reporter: TerminalReporter, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
    reporter._keyboardinterrupt_memo = excinfo.getrepr(style="value")


class PlainOutcomes:
    """Reads bodies without pytest: bools, asserts; anything else that is raised is an error."""

    def value(self, returned: Any) -> dict[str, float]:
        return {"": float(returned)}

    def exception(self, error: BaseException) -> Reading:
        if isinstance(error, AssertionError):
            return Reading(against=True, detail=str(error))
        return Reading(error=error)


class VirtualLatency:
    """Lets waiters go one at a time in the order of their due times, without real time passing."""

    def __init__(self) -> None:
        self._due: list[tuple[float, int, asyncio.Future[None]]] = []
        self._ticket = count()
        self._now = 0.0

    async def wait(self, latency: float) -> None:
        loop = asyncio.get_running_loop()
        future: asyncio.Future[None] = loop.create_future()
        heapq.heappush(self._due, (self._now + latency, next(self._ticket), future))
        # Two rounds later, so that trials that are being launched have joined the queue.
        loop.call_soon(loop.call_soon, self._release)
        await future

    def _release(self) -> None:
        while self._due:
            self._now, _, future = heapq.heappop(self._due)
            if not future.done():
                future.set_result(None)
                return


class NoThreads:
    """For coroutine bodies, which need none."""

    def call(self, work: Any) -> Any:
        raise AssertionError("a coroutine body blocks nothing")

    def run_blocking(self, func: Callable[[], Any]) -> Awaitable[Any]:
        return asyncio.to_thread(func)


@pytest.fixture
def make_hypothesis() -> Callable[..., Hypothesis]:
    """Build a hypothesis around an async body, with everything else by default."""

    def make(body: Any, claim: Any = rate >= 0.5, **changes: Any) -> Hypothesis:
        max_trials = changes.pop("max_trials", 50)
        plan = pick_order(None, "cases", seed=0)
        fields = {
            "max_trials": max_trials,
            "trials": lambda: takewhile(lambda t: t.unit < max_trials, plan),
            "outcomes": PlainOutcomes(),
        }
        return hypothesis_of(body=body, claim=claim, **{**fields, **changes})

    return make


@pytest.fixture
def sample() -> Callable[..., Awaitable[Run]]:
    """Run one hypothesis to its end on the current loop, through a real sampler."""

    async def go(hypothesis: Hypothesis, sampler: Sampler | None = None, *, n_known: int = 0) -> Run:
        sampler = sampler or Sampler(Settings(seed=hypothesis.seed), None)
        run = Run(hypothesis, sampler, NoThreads(), n_known=n_known)
        await run.go()
        return run

    return go


@pytest.fixture
def latency() -> VirtualLatency:
    """Virtual waiting."""
    return VirtualLatency()


@pytest.fixture
def planned_cases() -> Callable[..., Callable[[], Iterator[Planned]]]:
    """Return a plan over cases with replacement, or in the order given by `over`."""
    from pytest_velo.case_sets import load

    def make(items: Any, over: str = "cases", max_units: int = 50, seed: int = 0) -> Any:
        plan = pick_order(load(items, base=Path()), over, seed=seed)
        return lambda: takewhile(lambda trial: trial.unit < max_units, plan)

    return make


@pytest.fixture
def rng() -> random.Random:
    """A generator that starts the same in every test."""
    return random.Random(20261123)
