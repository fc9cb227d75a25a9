"""Rescoring (`velo rescore`): the bodies run again on the stored draws of a recorded run.

Two hidden options carry the command's settings through pytest, to the workers of pytest-xdist as well.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import pytest

from pytest_velo.canonical import digest
from pytest_velo.designing.afresh import afresh
from pytest_velo.errors import UsageError, nearest
from pytest_velo.integration.collect.frame import case_set
from pytest_velo.integration.collect.stash import SPEC
from pytest_velo.integration.names import RESCORE_JUDGE, RESCORE_PLUGIN, RESCORE_RUN
from pytest_velo.integration.session import SESSION, VeloSession
from pytest_velo.records import HypothesisResult, Repeat
from pytest_velo.report.assumptions import was_held_back
from pytest_velo.report.load import Run, load
from pytest_velo.report.rescored import Source, rescored_fact, source_of
from pytest_velo.runner.flips import flips_between
from pytest_velo.runner.hypothesis import Hypothesis
from pytest_velo.runner.looks import Looks
from pytest_velo.runner.rescore import RecordedDraws, cases_changed, planned_as
from pytest_velo.runner.run import Run as Sampling
from pytest_velo.runner.streams import has_its_own_order, recorded_stream
from pytest_velo.settings import Mode, Settings

if TYPE_CHECKING:
    from pytest_velo.elicit.ladders import Step
    from pytest_velo.sampling.drawing import Drawer


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """The result of running pytest.

    Attributes:
        exit_code: Pytest's.
        run_id: The record that was written; None if there is none.
        show: How many trials to show for each hypothesis.
        verbosity: The number of `-v` minus the number of `-q`.
    """

    exit_code: int
    run_id: str | None = None
    show: int = 0
    verbosity: int = 0


def run_pytest(arguments: Sequence[str], run_id: str, *, judge_calls: bool) -> Ran:
    """Rescore the run `run_id` with pytest in this process; `judge_calls` allows paid judges."""
    return run_again([*arguments, f"{RESCORE_RUN}={run_id}", *([RESCORE_JUDGE] if judge_calls else [])])


def run_again(arguments: Sequence[str]) -> Ran:
    """Run pytest in this process, and note which record it wrote."""
    # We are already imported, so pytest cannot rewrite our asserts; users see none of them.
    quiet = (
        "ignore:Module already imported so cannot be rewritten; pytest_velo:pytest.PytestAssertRewriteWarning"
    )
    watcher = _Watcher()
    code = int(pytest.main([*arguments, "-W", quiet], plugins=[watcher]))
    return replace(watcher.ran, exit_code=code)


class _Watcher:
    """Notes which record a session wrote, before its state is gone."""

    def __init__(self) -> None:
        self.ran = Ran(exit_code=0)

    def pytest_unconfigure(self, config: pytest.Config) -> None:
        """Note it; a session that sampled nothing has no record."""
        state = config.stash.get(SESSION, None)
        if state is not None and state.reported:
            self.ran = Ran(
                exit_code=0,
                run_id=state.run_folder.name,
                show=state.settings.show,
                verbosity=config.get_verbosity(),
            )


class Rescoring:
    """The plugin of a session that rescores the run `run_id`; `judge_calls` allows paid judges.

    Raises:
        UsageError: A setting contradicts rescoring, or the run is unknown.
    """

    def __init__(self, session: VeloSession, run_id: str, *, judge_calls: bool) -> None:
        _check(session.settings)
        self._session = session
        self.judge_calls = judge_calls
        self.run = load(run_id, session.settings.cache_dir)

    @cached_property
    def _known(self) -> set[str]:
        return {result.node_id for result in self.run.document.results}

    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        """Keep only the recorded hypotheses that were sampled; refuse others that were named explicitly."""
        named = replace(self._session.paying, everything=False)
        held_back = {result.node_id for result in self.run.document.results if was_held_back(result)}
        left = [item for item in items if item.nodeid not in self._known]
        for item in left:
            if named.allows(item.nodeid):
                raise pytest.UsageError(str(_not_recorded(item.nodeid, self.run)))
        left += [item for item in items if item.nodeid in held_back]
        if left:
            config.hook.pytest_deselected(items=left)
            items[:] = [item for item in items if item not in left]

    def settings_of(self, item: pytest.Item) -> Settings:
        """Return the session's settings, with max_trials and alpha as they were recorded for an item."""
        settings = self._session.settings
        source = source_of(self.run, item.nodeid)
        if source is None:  # it is deselected, or about to be refused
            return settings
        old = source.result
        alpha = old.alpha if old.family is None else old.family.alpha
        if old.ladder is not None:
            alpha = old.ladder.alpha
        if old.attempt is not None and old.attempt.alpha is not None:
            alpha = old.attempt.alpha
        return replace(settings, max_trials=old.max_trials, alpha=alpha)

    def steps_of(self, item: pytest.Item, steps: Sequence[Step]) -> tuple[Step, ...]:
        """Return the rung whose trials are the test's; the others keep the verdicts that they had.

        Raises:
            UsageError: The ladder has no such rung any more, or the record has no ladder.
        """
        source = source_of(self.run, item.nodeid)
        ladder = None if source is None else source.result.ladder
        name = "" if ladder is None or ladder.at is None else ladder.rungs[ladder.at].name
        found = tuple(step for step in steps if step.rung.name == name)
        if found:
            return found
        raise UsageError(
            f"the ladder has no rung {name!r} now"
            if name
            else "the test climbs a ladder, and the record has none",
            where=item.nodeid,
            fix="run pytest instead: cached draws are still free",
        )

    def of(self, item: pytest.Item) -> Rescored:
        """Return how an item is rescored.

        Raises:
            UsageError: The record has no trials of this test.
        """
        source = source_of(self.run, item.nodeid)
        if source is None:
            raise _not_recorded(item.nodeid, self.run)
        if not source.trials:
            why = f": {source.result.problem}" if source.result.problem else ""
            raise UsageError(
                f"the run {source.run_id} recorded no trials of this test{why}",
                where=item.nodeid,
                fix="run pytest first, or name another run: velo rescore RUN",
            )
        return Rescored(
            item=item,
            session=self._session,
            source=source,
            judge_calls=self.judge_calls,
            repeats=self.run.document.repeats,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Rescored:
    """One item that runs again on its recorded draws."""

    item: pytest.Item
    session: VeloSession
    source: Source
    judge_calls: bool
    repeats: Repeat | None = None

    def hypothesis(self, hypothesis: Hypothesis) -> Hypothesis:
        """Return the hypothesis on all recorded trials, without an early stop.

        Raises:
            UsageError: The design or the cases are not those of the record.
        """
        old, trials = self.source.result, self.source.trials
        if old.scope != hypothesis.frame.scope:
            raise UsageError(
                f"the design changed: it was {old.scope!r} in the record and is"
                f" {hypothesis.frame.scope!r} now",
                where=hypothesis.node_id,
                fix="run pytest instead: cached draws are still free",
            )
        stream = recorded_stream(old, trials, self.repeats, hypothesis.stream)
        paired = hypothesis.reference is not None
        cases = case_set(self.item, self.session.settings)
        hypothesis = replace(hypothesis, stream=stream)
        if has_its_own_order(stream):
            hypothesis = afresh(hypothesis, self.item.stash[SPEC], cases)
        plan = planned_as(hypothesis, trials, cases, movable=not paired)
        notices = list(hypothesis.notices)
        if not paired and cases_changed(hypothesis, trials):
            notices.append("the cases have changed since: each trial uses the case with the same id")
        return replace(
            hypothesis,
            frame=replace(hypothesis.frame, trials=lambda: iter(plan)),
            seeds={planned.turn: trial.seed for planned, trial in zip(plan, trials, strict=True)},
            may_pay=self.judge_calls,
            rerun=old.rerun or hypothesis.rerun,  # as typed then, not as the command passes it now
            to_the_end=True,
            recorded=True,
            notices=tuple(notices),
        )

    def drawer(self) -> Drawer:
        """Return the source of its draws."""
        session = self.session
        return RecordedDraws(
            session.sampler, session.store, seed=session.settings.seed, may_judge=self.judge_calls
        )

    def looks(self, hypothesis: Hypothesis, run: Sampling) -> Looks:
        """Return the look log, to add this look."""
        now = (*run.trials, *run.after)
        # The code that scores a reply may be outside the body: changed outcomes show that it changed.
        if not flips_between(self.source.trials[: len(now)], now).flips:
            return Looks(self.session.store, hypothesis)
        outcomes = [[trial.kind.value, dict(trial.values)] for trial in now]
        scorer = digest([hypothesis.body_digest, outcomes])
        return Looks(self.session.store, replace(hypothesis, body_digest=scorer))

    def told(self, result: HypothesisResult, run: Sampling | None = None) -> HypothesisResult:
        """Return the result for the record: with its source, and with the trials after the verdict."""
        facts = (*result.facts, rescored_fact(self.source.run_id))
        if run is None:
            return replace(result, facts=facts)
        ended = result.trials[len(run.trials) :]  # the one that ended it as an error
        return replace(result, facts=facts, trials=(*run.trials, *run.after, *ended))


def register(session: VeloSession, config: pytest.Config) -> None:
    """Make this session a rescoring of the run named by `config`'s hidden options.

    Raises:
        UsageError: As in `Rescoring`.
    """
    run_id = config.getoption(RESCORE_RUN)
    judge_calls = bool(config.getoption(RESCORE_JUDGE))
    config.pluginmanager.register(Rescoring(session, run_id, judge_calls=judge_calls), RESCORE_PLUGIN)


def _check(settings: Settings) -> None:
    """Refuse settings that contradict a rescoring."""
    if settings.mode is not Mode.AUTO:
        raise UsageError(
            f"rescoring reads stored draws, but the mode is {settings.mode}",
            where="--velo-mode",
            fix="keep the mode at auto; `velo cassette import` copies a cassette into the cache",
        )
    if settings.update is not None:
        raise UsageError(
            "rescoring does not store a baseline",
            where="--velo-update",
            fix="run pytest --velo-update: draws in the cache are free there too",
        )


def _not_recorded(node_id: str, run: Run) -> UsageError:
    known = [result.node_id for result in run.document.results]
    return UsageError(
        f"the run {run.folder.name} has no record of this test", where=node_id, fix=nearest(node_id, known)
    )
