"""The run of one hypothesis: launch trials, feed prefixes in submission order, stop on the verdict."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextvars import copy_context
from itertools import islice
from typing import Protocol

from pytest_velo.case_sets import Planned
from pytest_velo.claims import EachCase
from pytest_velo.errors import BudgetError, VeloError
from pytest_velo.records import TrialRecord
from pytest_velo.runner.cancellation import cancel_all
from pytest_velo.runner.evidence import Weigher
from pytest_velo.runner.hypothesis import Hypothesis
from pytest_velo.runner.lookahead import Ahead
from pytest_velo.runner.ranked import RankingWeigher
from pytest_velo.runner.rounds import Rounds
from pytest_velo.runner.search_trials import SearchTrials
from pytest_velo.runner.searched import SearchWeigher, Stages
from pytest_velo.runner.stopping import Stopping
from pytest_velo.runner.trials import Finished, Threads, TrialRunner, Trials
from pytest_velo.runner.units import Units
from pytest_velo.runner.weigher import weigh
from pytest_velo.sampling.drawing import Drawer
from pytest_velo.verdicts import StopReason, Verdict


class Run:
    """One hypothesis being sampled.

    Prefixes are checked in submission order, never in order of arrival: fast replies are not a random subset.
    An error or an exhausted budget takes effect when the prefix reaches its trial, so that the result does
    not depend on how many trials are in flight.

    Args:
        hypothesis: What is sampled.
        drawer: Gets the draws.
        threads: Where plain bodies run.
        watch: Called whenever the prefix has grown.
        launcher: Decides when trials may start.
        n_known: How many trials an earlier look at these draws had. None beyond them is started before they
            are all in, so that a repeated run makes no calls ahead.
        runner: Runs the trials; by default in this process.

    Attributes:
        trials: The trials of the prefix so far.
        after: The trials after the verdict, in order, if sampling goes on to the end.
        weigher: The evidence from the prefix.
        verdict: Inconclusive until the weigher decides.
        stop: Why sampling ended; None while it runs.
        error: The exception that ended it as an error.
        refusal: Why the first trial was not accepted; None if it was.
        exceptions: Those of the trials against the claim, if the hypothesis keeps them (debuggers).
    """

    def __init__(
        self,
        hypothesis: Hypothesis,
        drawer: Drawer,
        threads: Threads,
        watch: Callable[[Run], None] = lambda _: None,
        *,
        n_known: int = 0,
        launcher: Launcher | None = None,
        runner: Trials | None = None,
    ) -> None:
        self.hypothesis = hypothesis
        self.weigher: Weigher = _weigher_of(hypothesis)
        self.trials: list[TrialRecord] = []
        self.after: list[TrialRecord] = []
        self.unused: list[TrialRecord] = []
        self.verdict = Verdict.INCONCLUSIVE
        self.stop: StopReason | None = None
        self.error: BaseException | None = None
        self.error_trial: TrialRecord | None = None
        self.refusal: str | None = None
        self.exceptions: list[BaseException] = []
        self.notices: dict[str, None] = dict.fromkeys(hypothesis.notices)
        self.n_in_flight_max = 0
        self.started_s = time.monotonic()
        self.duration_s = 0.0
        self._runner: Trials = runner or _runner_of(hypothesis, self.weigher, drawer, threads)
        self._threads = threads
        self._getting_ready = asyncio.Lock()
        self._waiting: dict[int, Finished] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._ended = asyncio.Event()
        self._n_known = n_known
        self._ahead: Ahead | Rounds | Stages
        self._plan: Iterator[Planned]
        if isinstance(self.weigher, RankingWeigher):
            self._ahead = self._plan = Rounds(hypothesis.frame, self.weigher, n_known)
        elif isinstance(self.weigher, SearchWeigher):
            self._ahead = self._plan = self.weigher.plan
        else:
            self._ahead = Ahead(hypothesis, self.weigher, n_known)
            self._plan = hypothesis.frame.trials()
        self._n_launched = 0
        self._plan_ended = False
        self._spent_s = 0.0
        self._n_timed = 0
        self._context = copy_context()  # for the bodies, independent of the launcher
        self._watch = watch
        self._launcher: Launcher = launcher or AtOnce()
        self._stopping = Stopping(hypothesis)

    async def go(self) -> None:
        """Sample until a verdict, max_trials, futility, an error or an exhausted budget."""
        self._context = copy_context()
        try:
            self._launcher.ready(self)
            await self._ended.wait()
        except asyncio.CancelledError:
            self._end(StopReason.INTERRUPTED)
            raise
        finally:
            await self._wind_down()
            self.duration_s = time.monotonic() - self.started_s

    def take(self, recorded: Iterable[Finished]) -> None:
        """Weigh trials that somebody else ran, in their order, instead of running any; then end."""
        for finished in recorded:
            if self.stop is not None:
                break
            self._n_launched += 1
            self._take(finished)
        if self.stop is None:
            self._out_of_trials()
        self.duration_s = time.monotonic() - self.started_s

    def give_up(self) -> None:
        """End a run whose loop no longer answers, from any thread: nothing more is fed to its rule."""
        if self.stop is None:
            self.stop = StopReason.INTERRUPTED
            self.duration_s = time.monotonic() - self.started_s

    @property
    def wanted(self) -> int:
        """How many trials may start now because they may still be needed, from 0."""
        if self.stop is not None or self._plan_ended:
            return 0
        wanted = self._ahead.up_to(self._n_taken) - self._n_launched
        return max(0, min(self.hypothesis.limit - len(self._tasks), wanted))

    @property
    def is_known(self) -> bool:
        """Whether the next trials were read by an earlier look, so that they cost nothing."""
        return self._ahead.knows(self._n_taken)

    @property
    def n_launched(self) -> int:
        """Trials that were started."""
        return self._n_launched

    def to_come(self) -> list[Planned]:
        """Return the trials that come after those that were taken, as far as anybody knows."""
        if isinstance(self._ahead, Rounds | Stages):
            return self._ahead.rest(self._n_taken)
        return [*islice(self.hypothesis.frame.trials(), self._n_taken, None)]

    @property
    def mean_trial_s(self) -> float | None:
        """Mean seconds of a trial, from start to end; None before any has ended."""
        return self._spent_s / self._n_timed if self._n_timed else None

    @property
    def n_in_flight(self) -> int:
        """Trials that are under way."""
        return len(self._tasks)

    def launch(self, n: int) -> None:
        """Start the next `n` trials of the plan, at most `wanted`, as many as there are."""
        if not self._n_launched:
            self.started_s = time.monotonic()
        for _ in range(n):
            try:
                planned = next(self._plan, None)
            except Exception as error:  # raised in a launcher, it would not end the run, which would hang
                self._fail(error, None)
                break
            if planned is None:
                self._plan_ended = True
                break
            self._n_launched += 1
            task = asyncio.create_task(self._one(planned), context=self._context.copy())
            self._tasks.add(task)
            task.add_done_callback(self._landed)
        self.n_in_flight_max = max(self.n_in_flight_max, len(self._tasks))
        self._check_plan()

    def _check_plan(self) -> None:
        """End the run once its plan is used up and all of its trials are in."""
        ended = self._plan_ended and not self._tasks and self._n_taken == self._n_launched
        if ended and self.stop is None:
            self._out_of_trials()

    @property
    def _n_taken(self) -> int:
        """Trials that were taken, in submission order."""
        return len(self.trials) + len(self.after)

    async def _one(self, planned: Planned) -> None:
        began_s = time.monotonic()
        finished = await self._runner.run(planned)
        self._spent_s += time.monotonic() - began_s
        self._n_timed += 1
        self._waiting[planned.index] = finished
        if finished.error is not None:
            self._ahead.close()  # what is in flight may still decide before this trial counts
        if self.stop is None:
            task = asyncio.current_task()
            assert task is not None
            self._advance()
            await self._get_ready()
            self._tasks.discard(task)
            self._check_plan()
            self._launcher.ready(self)

    async def _get_ready(self) -> None:
        """Go on after the weigher has computed, off the loop, what it weighs the next trials with."""
        async with self._getting_ready:
            while self.stop is None and not self.weigher.is_ready:
                await self._threads.run_blocking(self.weigher.get_ready)
                self._advance()

    def _landed(self, task: asyncio.Task[None]) -> None:
        """Forget a finished task; if it broke, end the run, which would wait for its trial forever."""
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None and self.stop is None:
            self._fail(error, None)

    def _advance(self) -> None:
        """Feed every trial whose predecessors are all in."""
        moved = False
        while self.stop is None and self._n_taken in self._waiting and self.weigher.is_ready:
            finished = self._waiting.pop(self._n_taken)
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
        if self.verdict is not Verdict.INCONCLUSIVE:
            self.after.append(record)
            return
        self.trials.append(record)
        if finished.exception is not None:
            self.exceptions.append(finished.exception)
        if len(self.trials) == 1:
            if not self._accepted(record):
                return
            if not self._fixed_alpha(record):
                return
        self._weigh(record, finished.planned)

    def _accepted(self, record: TrialRecord) -> bool:
        """Check the first trial with `Hypothesis.accepts`; end the run if it is refused."""
        accepts = self.hypothesis.accepts
        self.refusal = None if accepts is None else accepts(record)
        if self.refusal is not None:
            self._end(StopReason.NOT_COMPARABLE)
        return self.refusal is None

    def _fixed_alpha(self, first: TrialRecord) -> bool:
        """Let the number of this attempt set alpha: the first trial tells it, and nothing is weighed yet.

        Tells whether it could; otherwise the run has ended.
        """
        if self.hypothesis.attempt_alpha is None:
            return True
        try:
            alpha = self.hypothesis.attempt_alpha(first)
        except VeloError as error:
            self._fail(error, None)
            return False
        if alpha != self.hypothesis.design.alpha:
            self.hypothesis = self.hypothesis.at_alpha(alpha)
            self.weigher = weigh(self.hypothesis)
        # Also where alpha stays: the others were waiting for the first.
        self._ahead = Ahead(self.hypothesis, self.weigher, self._n_known)
        return True

    def _weigh(self, record: TrialRecord, planned: Planned) -> None:
        verdict = self.weigher.add(record, planned)
        if verdict is not None:
            self.verdict = verdict
            if not self.hypothesis.to_the_end:
                self._end(StopReason.DECIDED)
        elif self.weigher.n >= self.hypothesis.design.max_units:
            self._out_of_trials()
        elif (stop := self._stopping.stop(self.weigher)) is not None:
            if stop.notice:
                self.notices[stop.notice] = None
            self._end(stop.reason)

    def _fail(self, error: BaseException, record: TrialRecord | None) -> None:
        if isinstance(error, BudgetError):
            self.notices[str(error)] = None
            self._end(StopReason.BUDGET)
            return
        self.error = error
        self.error_trial = record
        self._end(StopReason.INTERRUPTED)

    def _out_of_trials(self) -> None:
        decided = self.verdict is not Verdict.INCONCLUSIVE
        labelled = self.weigher.labelled
        if not decided and labelled is not None and labelled.n_waiting:
            self._end(StopReason.UNLABELLED)
        if not decided and isinstance(self.weigher, SearchWeigher) and self.weigher.hunt.is_exhausted:
            self._end(StopReason.CASES_EXHAUSTED)
            return
        self._end(StopReason.DECIDED if decided else self.hypothesis.why_out(self.weigher.n))

    def _end(self, reason: StopReason) -> None:
        if self.stop is None:
            self.stop = reason
            if isinstance(self.weigher, SearchWeigher) and self.weigher.is_refuted:
                self.verdict = Verdict.REFUTED  # what was confirmed stays so, whatever ends the search
            self._ended.set()

    async def _wind_down(self) -> None:
        """Cancel what is still in flight; the sampler finishes and stores draws that are under way."""
        self._runner.stop()
        if scoring := self._runner.scoring(self._spent_s):
            self.notices[scoring] = None
        running = await cancel_all(self._tasks)
        if running:
            self.notices[f"{len(running)} bodies caught their cancellation and were left behind"] = None
        late = (finished.record for _, finished in sorted(self._waiting.items()))
        self.unused = [record for record in late if record.calls]

    @property
    def outside(self) -> Mapping[str, int]:
        """How many connections the bodies opened past the sampler, by address."""
        return self._runner.outside.addresses

    @property
    def n_beyond(self) -> int:
        """Trials that were started beyond the stopping prefix."""
        return self._n_launched - len(self.trials)

    @property
    def units(self) -> Units:
        """The units of the prefix; for a joint claim, those of its first part."""
        return self.weigher.units

    @property
    def estimate(self) -> float | None:
        """Mean of the valid units, in the statistic's own units; None if there are none."""
        return self.units.estimate


def _weigher_of(hypothesis: Hypothesis) -> Weigher:
    claim = hypothesis.claim
    return SearchWeigher(hypothesis, claim) if isinstance(claim, EachCase) else weigh(hypothesis)


def _runner_of(hypothesis: Hypothesis, weigher: Weigher, drawer: Drawer, threads: Threads) -> Trials:
    if isinstance(weigher, SearchWeigher):
        return SearchTrials(hypothesis, weigher, drawer, threads)
    return TrialRunner(hypothesis, drawer, threads)


class Launcher(Protocol):
    """Decides when a run may launch the trials it wants: at once, or in turn with other runs."""

    def ready(self, run: Run, /) -> None:
        """Note that `run` may want trials (see `Run.wanted`); its `launch` must be called sooner or later."""
        ...


class AtOnce:
    """Lets a run launch all it wants: it has the session to itself."""

    @staticmethod
    def ready(run: Run) -> None:
        """Grant everything."""
        run.launch(run.wanted)
