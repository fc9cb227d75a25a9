"""The run of one hypothesis: launch trials, feed prefixes in submission order, stop on the verdict."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from pytest_velo.case_sets import Planned
from pytest_velo.errors import BudgetError
from pytest_velo.records import TrialRecord
from pytest_velo.runner.hypothesis import Hypothesis
from pytest_velo.runner.trials import Finished, Threads, TrialRunner
from pytest_velo.runner.units import Units
from pytest_velo.sampling.trial import Drawer
from pytest_velo.stats.choosing import rule_for
from pytest_velo.verdicts import StopReason, Verdict

FUTILE_BELOW = 0.05
FUTILITY_FROM = 20
FEWEST_AHEAD = 4  # fewer in flight than this save little and cost rounds
_CANCELLATIONS = 3  # a body that catches one is sent another
_WIND_DOWN_S = 3.0  # how long a cancelled body may take to clean up


class Run:
    """One hypothesis being sampled.

    Prefixes are checked in submission order, never in order of arrival: fast replies are not a random
    subset. An error or an empty budget takes effect when the prefix reaches its trial, so that the
    result does not depend on how many trials are in flight.

    Args:
        hypothesis: What is sampled.
        drawer: Gets the draws.
        threads: Where plain bodies run.
        watch: Called whenever the prefix has grown.
        n_known: How many trials an earlier look at these draws had. None beyond them is begun before they
            are all in, so that a second run of the same makes no call ahead.

    Attributes:
        trials: The trials of the prefix so far.
        verdict: Inconclusive until the rule decides.
        stop: Why sampling ended; None while it runs.
        error: The exception that ended it as an error.
        exceptions: Of the trials against the claim, where the hypothesis keeps them (debuggers).
    """

    def __init__(
        self,
        hypothesis: Hypothesis,
        drawer: Drawer,
        threads: Threads,
        watch: Callable[[Run], None] = lambda _: None,
        *,
        n_known: int = 0,
    ) -> None:
        self.hypothesis = hypothesis
        self.rule = rule_for(
            hypothesis.claim,
            alpha=hypothesis.alpha,
            beta=hypothesis.beta,
            margin=hypothesis.margin,
            max_units=hypothesis.max_units,
            min_units=hypothesis.min_trials,
            single=hypothesis.turns_per_unit == 1,
            extend=hypothesis.extend,
        )
        self.trials: list[TrialRecord] = []
        self.unused: list[TrialRecord] = []
        self.verdict = Verdict.INCONCLUSIVE
        self.stop: StopReason | None = None
        self.error: BaseException | None = None
        self.error_trial: TrialRecord | None = None
        self.exceptions: list[BaseException] = []
        self.notices: dict[str, None] = dict.fromkeys(hypothesis.notices)
        self.n_in_flight_max = 0
        self.started_s = time.monotonic()
        self.duration_s = 0.0
        self._runner = TrialRunner(hypothesis, drawer, threads)
        self._units = Units(hypothesis)
        self._plan = hypothesis.plan()
        self._waiting: dict[int, Finished] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._ended = asyncio.Event()
        self._n_launched = 0
        self._n_wanted = 0
        self._n_known = n_known
        self._look_ahead_at = 0
        self._failing = False
        self._watch = watch
        self._next_futility = max(FUTILITY_FROM, hypothesis.min_trials)

    async def go(self) -> None:
        """Sample until a verdict, max_trials, futility, an error or an empty budget."""
        try:
            self._launch()
            await self._ended.wait()
        except asyncio.CancelledError:
            self._end(StopReason.INTERRUPTED)
            raise
        finally:
            await self._wind_down()
            self.duration_s = time.monotonic() - self.started_s

    def _launch(self) -> None:
        """Start as many trials as may still be needed, no more."""
        if self.stop is not None:
            return
        if not self._failing:
            if len(self.trials) >= self._look_ahead_at:
                self._look_ahead()
            # Within what an earlier look has read, the verdict may come again, and costs nothing.
            known = len(self.trials) < self._n_known
            wanted = min(self._n_wanted, self._n_known) if known else self._n_wanted
            room = min(self.hypothesis.limit - len(self._tasks), wanted - self._n_launched)
            for _ in range(room):
                planned = next(self._plan, None)
                if planned is None:
                    break
                self._n_launched += 1
                task = asyncio.create_task(self._one(planned))
                self._tasks.add(task)
                task.add_done_callback(self._landed)
            self.n_in_flight_max = max(self.n_in_flight_max, len(self._tasks))
        if not self._tasks and len(self.trials) == self._n_launched:
            self._out_of_trials()

    def _look_ahead(self) -> None:
        """Say how many trials may be launched, and when to look again: when an eighth of what is new is in.

        All that no verdict can do without; of those that are merely expected, half, or a handful: the rest
        is launched as these come in, so that little is drawn beyond the stopping prefix at the price of a
        round or two. Looking costs more than all the rest of a replayed trial.
        """
        expected = self.rule.expected_more()
        half = max(FEWEST_AHEAD, (expected + 1) // 2)
        ahead = max(1, self.rule.min_more(), min(expected, half)) * self.hypothesis.unit_size
        self._n_wanted = len(self.trials) + ahead
        self._look_ahead_at = len(self.trials) + max(1, ahead // 8)

    async def _one(self, planned: Planned) -> None:
        finished = await self._runner.run(planned)
        self._waiting[planned.index] = finished
        if finished.error is not None:
            self._failing = True  # what is in flight may still decide before this trial counts
        if self.stop is None:
            task = asyncio.current_task()
            assert task is not None
            self._tasks.discard(task)
            self._advance()
            self._launch()

    def _landed(self, task: asyncio.Task[None]) -> None:
        """Forget a task; one that broke ends the run, which would wait for its trial for ever."""
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None and self.stop is None:
            self._fail(error, None)

    def _advance(self) -> None:
        """Feed every trial whose predecessors are all in."""
        moved = False
        while self.stop is None and (finished := self._waiting.pop(len(self.trials), None)) is not None:
            moved = True
            self._take(finished)
        if moved:
            self._watch(self)

    def _take(self, finished: Finished) -> None:
        self.notices.update(dict.fromkeys(finished.notices))
        record = finished.record
        if finished.error is not None:
            self._fail(finished.error, record)
            return
        self.trials.append(record)
        if finished.exception is not None:
            self.exceptions.append(finished.exception)
        unit = self._units.add(record, finished.planned)
        if unit is None:
            return
        verdict = self.rule.feed(*unit)
        if verdict is not None:
            self.verdict = verdict
            self._end(StopReason.DECIDED)
        elif self.rule.n >= self.hypothesis.max_units:
            self._out_of_trials()
        elif self._futile():
            self._end(StopReason.FUTILITY)

    def _futile(self) -> bool:
        """Whether a verdict has become unlikely; looked at on a sparse schedule, for it costs ms."""
        if self.rule.n < self._next_futility:
            return False
        self._next_futility = self.rule.n + max(10, self.hypothesis.max_units // 20)
        return self.rule.predictive_probability() < FUTILE_BELOW

    def _fail(self, error: BaseException, record: TrialRecord | None) -> None:
        if isinstance(error, BudgetError):
            self.notices[str(error)] = None
            self._end(StopReason.BUDGET)
            return
        self.error = error
        self.error_trial = record
        self._end(StopReason.INTERRUPTED)

    def _out_of_trials(self) -> None:
        few_cases = self.hypothesis.max_units < self.hypothesis.max_trials
        self._end(StopReason.CASES_EXHAUSTED if few_cases else StopReason.MAX_TRIALS)

    def _end(self, reason: StopReason) -> None:
        if self.stop is None:
            self.stop = reason
            self._ended.set()

    async def _wind_down(self) -> None:
        """Cancel what is still in flight; draws under way are finished and kept by the sampler."""
        self._runner.stop()
        running = set(self._tasks)
        for _ in range(_CANCELLATIONS):
            if not running:
                break
            for task in running:
                task.cancel()
            _, running = await asyncio.wait(running, timeout=_WIND_DOWN_S)
        if running:
            self.notices[f"{len(running)} bodies caught their cancellation and were left behind"] = None
        late = (finished.record for _, finished in sorted(self._waiting.items()))
        self.unused = [record for record in late if record.calls]

    @property
    def n_beyond(self) -> int:
        """Trials that were begun beyond the stopping prefix."""
        return self._n_launched - len(self.trials)

    @property
    def units(self) -> Units:
        """What the trials of the prefix came to."""
        return self._units

    @property
    def counts(self) -> tuple[int, int, int]:
        """Ones, zeros and invalid turns of the prefix."""
        return self._units.n_ones, self._units.n_zeros, self._units.n_invalid

    @property
    def estimate(self) -> float | None:
        """Mean of the valid units, in the statistic's own units; None without any."""
        return self._units.estimate
