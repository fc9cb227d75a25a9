"""Sampling hypotheses together, before pytest reaches them, and handing each over when it does."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from contextvars import Context, copy_context
from itertools import chain, islice
from weakref import WeakKeyDictionary

import pytest

from pytest_velo.errors import VeloError
from pytest_velo.integration.collect.stash import SPEC
from pytest_velo.integration.compat import comparison_hook_of
from pytest_velo.integration.run.afar import progress_of
from pytest_velo.integration.run.assumptions import is_settled
from pytest_velo.integration.run.capture import Backstage, Stage, backstage
from pytest_velo.integration.run.freedom import is_free, may_pool, own_fixtures
from pytest_velo.integration.run.price import last_seen
from pytest_velo.integration.run.sampling import Sampling, Watch, held_back, prepare
from pytest_velo.integration.run.waves import waves_of
from pytest_velo.integration.session import SESSION, VeloSession
from pytest_velo.report.exports.spans import told
from pytest_velo.runner.result import explains_asserts
from pytest_velo.runner.run import Run
from pytest_velo.scheduling.earlier import Earlier
from pytest_velo.scheduling.policies import policy_of
from pytest_velo.scheduling.pool import Pool, endpoint_of
from pytest_velo.settings import Scheduler

POOLING: pytest.StashKey[Pooling] = pytest.StashKey()


AT_ONCE = 256
"""Hypotheses that are sampled together, or wait to be reached; more where more calls may be in flight.

Each holds its trials, and each is weighed for every trial that is given out: without a bound, the memory of a
session would grow with its hypotheses, and its time with their square.
"""


class Pooling:
    """The hypotheses of a session that are sampled together; `stage` separates their output.

    Those that pytest reaches next are prepared and started, `AT_ONCE` of them at a time.
    """

    def __init__(self, session: VeloSession, stage: Stage) -> None:
        settings = session.settings
        self._session = session
        self._stage = stage
        self._earlier: WeakKeyDictionary[Run, Earlier] = WeakKeyDictionary()
        self._pool = Pool(policy_of(settings.scheduler, self._earlier), settings.concurrency, endpoint_of)
        self._at_once = max(AT_ONCE, 2 * settings.concurrency)
        self._next: Iterator[pytest.Function] = iter(())
        self._held: list[pytest.Function] = []
        self._watch = Watch()
        self._waiting: dict[str, Sampling] = {}
        self._kept: dict[str, Backstage] = {}

    def start(self, items: Iterable[pytest.Function]) -> None:
        """Start sampling free items, in the order in which pytest reaches them."""
        ready: list[pytest.Function] = []
        for item in items:
            (ready if is_settled(item, self._session) else self._held).append(item)
        if self._session.settings.batches_paid_draws:
            self._fill(ready)
        self._next = iter(ready)
        self._go_on(self._at_once)

    def release(self) -> None:
        """Start sampling the items whose assumptions have been decided meanwhile."""
        if not self._held:
            return
        ready = [item for item in self._held if is_settled(item, self._session)]
        self._held = [item for item in self._held if item not in ready]
        if ready:
            if self._session.settings.batches_paid_draws:
                self._fill(ready)
            self._next = chain(ready, self._next)
            self._go_on(min(len(ready), max(0, self._at_once - len(self._waiting))))

    def _go_on(self, n: int) -> None:
        """Start sampling the next `n` items; one that cannot be prepared waits for its turn."""
        contexts: list[Context] = []
        runs: list[Run] = []
        while len(runs) < n and (item := next(self._next, None)) is not None:
            # Any mistake, even in a user's strategy, is raised again when pytest reaches the item.
            with suppress(Exception):
                prepared = prepare(
                    item,
                    self._session,
                    fixtures=own_fixtures(item),
                    launcher=self._pool,
                    watch=self._watch,
                )
                if isinstance(prepared, Sampling):
                    self._recall(prepared)
                    contexts.append(self._context(item, prepared))
                    runs.append(prepared.run)
                    self._waiting[item.nodeid] = prepared
        if runs:
            self._session.loop.run(_begin(self._pool, runs, contexts))

    def _recall(self, sampling: Sampling) -> None:
        """Tell the scheduler what earlier runs saw of a hypothesis, if it asks for it."""
        if self._session.settings.scheduler is not Scheduler.GAIN or sampling.purpose.rescored is not None:
            return
        seen = last_seen(sampling.item, self._session)
        cost_usd = None if seen is None else seen.usd_per_trial
        earlier = sampling.books.earlier(sampling.run.hypothesis, cost_usd)
        if earlier is not None:
            self._earlier[sampling.run] = earlier
            sampling.n_earlier = earlier.n_attempts

    def _fill(self, items: Iterable[pytest.Function]) -> None:
        """With `--velo-batch`, get the draws of all of them in the same batches."""
        fillable = []
        for item in items:
            with suppress(Exception):
                if held_back(item, self._session):
                    continue
                fillable.append((item, own_fixtures(item)))
        waves_of(self._session).fill(fillable)

    def has(self, item: pytest.Item) -> bool:
        """Tell whether an item is being sampled and not yet handed over."""
        return item.nodeid in self._waiting

    def reach(self, item: pytest.Function) -> Sampling:
        """Wait until an item's hypothesis has ended; hand it over with its bodies' output.

        Ctrl-C, like any other interruption, ends all of them; their results so far are kept.
        """
        sampling = self._waiting[item.nodeid]
        # One that was skipped at its turn is never reached: it takes the place of none that will be.
        n_ahead = len(self._waiting) - [*self._waiting].index(item.nodeid)
        others = {name: other.run for name, other in self._waiting.items() if other is not sampling}
        progress = progress_of(item.config, {item.nodeid: sampling.run, **others})
        self._watch.progress = progress
        try:
            self._session.loop.run(self._pool.wait(sampling.run))
        except BaseException:
            self.interrupt(first=sampling)
            raise
        finally:
            progress.close()
            self._watch.progress = None  # it knows the runs
            for kind, text in self._kept[item.nodeid].sections():
                item.add_report_section("call", kind, text)
        del self._waiting[item.nodeid], self._kept[item.nodeid]  # their trials take much memory
        sampling.conclude()
        self._go_on(self._at_once - n_ahead + 1)
        return sampling

    def close(self) -> None:
        """Cancel unclaimed runs; restore capture."""
        self._waiting.clear()
        with suppress(VeloError):
            self._session.loop.run(self._pool.close())
        self._stage.close()

    def interrupt(self, first: Sampling | None = None) -> None:
        """End every run, and keep the results of those that have started; the first may have no trial."""
        with suppress(VeloError):  # a body that blocks the loop is left behind
            self._session.loop.run(self._pool.close())
        others = [sampling for sampling in self._waiting.values() if sampling is not first]
        for sampling in (*([] if first is None else [first]), *others):
            if sampling.run.trials or sampling is first:
                sampling.conclude()
                assert sampling.result is not None
                self._session.keep(told(sampling.result))
        self._waiting.clear()

    def _context(self, item: pytest.Item, sampling: Sampling) -> Context:
        """Return the context for an item's bodies, in which their output is kept for the item."""
        show, hook = self._session.settings.show, comparison_hook_of(item)

        def explain(operator: str, left: object, right: object) -> str | None:
            if hook is None or not explains_asserts(sampling.run, show):
                return None
            explained: str | None = hook(operator, left, right)
            return explained

        kept = self._kept[item.nodeid] = Backstage(explain)
        context = copy_context()
        context.run(backstage.set, kept)
        return context


async def _begin(pool: Pool, runs: list[Run], contexts: list[Context]) -> None:
    pool.start(runs, contexts)


def interrupt(config: pytest.Config, pooling: Pooling | None) -> None:
    """End what is sampled after Ctrl-C, which may have come while pytest was at another item."""
    config.stash[SESSION].hurry()
    if pooling is not None:
        pooling.interrupt()


def start_pooling(session: pytest.Session) -> Pooling | None:
    """Sample the free hypotheses of a session together; None if they are sampled one by one.

    That is so if an option may keep a later test from running, in an xdist worker, and with fewer than two
    free hypotheses. The caller closes the pooling.
    """
    state = session.config.stash.get(SESSION, None)
    if state is not None:
        state.n_selected = sum(SPEC in item.stash for item in session.items) or state.n_selected
    if state is None or not may_pool(session, state):  # None: our mark of defaults, and no hypothesis
        return None
    items = (item for item in session.items if isinstance(item, pytest.Function) and SPEC in item.stash)
    free = filter(is_free, items)
    first = [*islice(free, 2)]
    if len(first) < 2:
        return None
    stage = Stage(session.config)
    session.config.pluginmanager.register(stage, "velo-stage")
    pooling = Pooling(state, stage)
    state.sampled_together = True
    session.config.stash[POOLING] = pooling
    pooling.start(chain(first, free))
    return pooling
