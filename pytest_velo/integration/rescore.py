"""Rescoring: a run whose trials are those of a record, on its stored draws (the command `velo rescore`).

Two hidden options carry what the command was told through pytest, to the workers of pytest-xdist, too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import pytest

from pytest_velo.canonical import digest
from pytest_velo.errors import UsageError, nearest
from pytest_velo.integration.collect.frame import case_set
from pytest_velo.integration.names import RESCORE_JUDGE, RESCORE_PLUGIN, RESCORE_RUN
from pytest_velo.integration.session import SESSION, VeloSession
from pytest_velo.records import HypothesisResult
from pytest_velo.report.load import Run, load
from pytest_velo.report.rescored import Source, rescored_fact, source_of
from pytest_velo.runner.flips import flips_between
from pytest_velo.runner.hypothesis import Hypothesis
from pytest_velo.runner.looks import Looks
from pytest_velo.runner.rescore import RecordedDraws, cases_changed, planned_as
from pytest_velo.runner.run import Run as Sampling
from pytest_velo.settings import Mode, Settings

if TYPE_CHECKING:
    from pytest_velo.sampling.trial import Drawer


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """What came of running pytest.

    Attributes:
        exit_code: Pytest's.
        run_id: The record that was written; None when there is none.
        show: How many trials are to be shown of each hypothesis.
        verbosity: How often pytest was told `-v`, less `-q`.
    """

    exit_code: int
    run_id: str | None = None
    show: int = 0
    verbosity: int = 0


def run_pytest(arguments: Sequence[str], run_id: str, *, judge_calls: bool) -> Ran:
    r"""Run pytest in this process, as a rescoring.

    Args:
        arguments: Its command line: tests and options.
        run_id: The run whose trials are run again.
        judge_calls: A judge may be asked anew where that costs money.
    """
    # We are imported, so pytest cannot rewrite our asserts, of which there are none that a user sees.
    quiet = (
        "ignore:Module already imported so cannot be rewritten; pytest_velo:pytest.PytestAssertRewriteWarning"
    )
    told = ["-W", quiet, f"{RESCORE_RUN}={run_id}", *([RESCORE_JUDGE] if judge_calls else [])]
    watcher = _Watcher()
    code = int(pytest.main([*arguments, *told], plugins=[watcher]))
    return replace(watcher.ran, exit_code=code)


class _Watcher:
    """Sees which record a session wrote, before its state is gone."""

    def __init__(self) -> None:
        self.ran = Ran(exit_code=0)

    def pytest_unconfigure(self, config: pytest.Config) -> None:
        """Note it; a session that sampled nothing has none."""
        state = config.stash.get(SESSION, None)
        if state is not None and state.reported:
            self.ran = Ran(
                exit_code=0,
                run_id=state.run_folder.name,
                show=state.settings.show,
                verbosity=config.get_verbosity(),
            )


class Rescoring:
    """The plugin of a session that rescores.

    Args:
        session: What the hooks of this process share.
        run_id: The run whose trials are run again.
        judge_calls: A judge may be asked anew where that costs money.

    Raises:
        UsageError: A setting that contradicts it, or an unknown run.
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
        """Leave only the hypotheses of the record, and say so of others that were named."""
        named = replace(self._session.paying, everything=False)
        left = [item for item in items if item.nodeid not in self._known]
        for item in left:
            if named.allows(item.nodeid):
                raise pytest.UsageError(str(_not_recorded(item.nodeid, self.run)))
        if left:
            config.hook.pytest_deselected(items=left)
            items[:] = [item for item in items if item.nodeid in self._known]

    def settings_of(self, item: pytest.Item) -> Settings:
        """Return the session's settings with what was set when an item's trials were recorded."""
        settings = self._session.settings
        source = source_of(self.run, item.nodeid)
        if source is None:  # it is deselected, or about to be refused
            return settings
        old = source.result
        alpha = old.alpha if old.family is None else old.family.alpha
        return replace(settings, max_trials=old.max_trials, alpha=alpha)

    def of(self, item: pytest.Item) -> Rescored:
        """Return how an item is rescored.

        Raises:
            UsageError: The record holds no trials of it.
        """
        source = source_of(self.run, item.nodeid)
        if source is None:
            raise _not_recorded(item.nodeid, self.run)
        if not source.trials:
            why = f": {source.result.problem}" if source.result.problem else ""
            raise UsageError(
                f"the run {source.run_id} recorded no trials of it{why}",
                where=item.nodeid,
                fix="run pytest first, or name another run: velo rescore RUN",
            )
        return Rescored(item=item, session=self._session, source=source, judge_calls=self.judge_calls)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rescored:
    """One item that is run again on its recorded draws."""

    item: pytest.Item
    session: VeloSession
    source: Source
    judge_calls: bool

    def hypothesis(self, hypothesis: Hypothesis) -> Hypothesis:
        """Return the hypothesis on the recorded trials, all of them, whatever they say.

        Raises:
            UsageError: The design or the cases are others than in the record.
        """
        old, trials = self.source.result, self.source.trials
        if old.scope != hypothesis.frame.scope:
            raise UsageError(
                f"the design changed: the record is {old.scope!r}, the test is"
                f" {hypothesis.frame.scope!r} now",
                where=hypothesis.node_id,
                fix="run pytest instead: what the cache holds is still free",
            )
        calls = [call for trial in trials for call in trial.calls]
        paired = hypothesis.reference is not None
        plan = planned_as(hypothesis, trials, case_set(self.item, self.session.settings), movable=not paired)
        notices = list(hypothesis.notices)
        if not paired and cases_changed(hypothesis, trials):
            notices.append("the cases changed since: each trial has the case of the same id")
        return replace(
            hypothesis,
            frame=replace(hypothesis.frame, trials=lambda: iter(plan)),
            seeds={planned.turn: trial.seed for planned, trial in zip(plan, trials, strict=True)},
            stream=calls[0].address.stream if calls else hypothesis.stream,
            may_pay=self.judge_calls,
            rerun=old.rerun or hypothesis.rerun,  # with what was typed then, not by the command now
            to_the_end=True,
            recorded=True,
            notices=tuple(notices),
        )

    def drawer(self) -> Drawer:
        """Return what its draws come from."""
        session = self.session
        return RecordedDraws(
            session.sampler, session.store, seed=session.settings.seed, may_judge=self.judge_calls
        )

    def looks(self, hypothesis: Hypothesis, run: Sampling) -> Looks:
        """Return the look log, to enter this look.

        What scores a reply may lie outside of the body: where outcomes changed, they say that it did.
        """
        now = (*run.trials, *run.after)
        if not flips_between(self.source.trials[: len(now)], now).flips:
            return Looks(self.session.store, hypothesis)
        outcomes = [[trial.kind.value, dict(trial.values)] for trial in now]
        scorer = digest([hypothesis.body_digest, outcomes])
        return Looks(self.session.store, replace(hypothesis, body_digest=scorer))

    def told(self, result: HypothesisResult, run: Sampling | None = None) -> HypothesisResult:
        """Return the result as it is recorded: from where, with the trials after the verdict, too."""
        facts = (*result.facts, rescored_fact(self.source.run_id))
        if run is None:
            return replace(result, facts=facts)
        ended = result.trials[len(run.trials) :]  # the one that ended it as an error
        return replace(result, facts=facts, trials=(*run.trials, *run.after, *ended))


def register(session: VeloSession, config: pytest.Config) -> None:
    """Make this session a rescoring: the plugin that leaves only what was recorded, and says how it is run.

    Args:
        session: What the hooks of this process share.
        config: Whose hidden options name the run.

    Raises:
        UsageError: As `Rescoring`.
    """
    run_id = config.getoption(RESCORE_RUN)
    judge_calls = bool(config.getoption(RESCORE_JUDGE))
    config.pluginmanager.register(Rescoring(session, run_id, judge_calls=judge_calls), RESCORE_PLUGIN)


def _check(settings: Settings) -> None:
    """Refuse what contradicts a rescoring."""
    if settings.mode is not Mode.AUTO:
        raise UsageError(
            f"a rescoring reads stored draws, and the mode is {settings.mode}",
            where="--velo-mode",
            fix="leave the mode at auto; `velo cassette import` puts the draws of a cassette into the cache",
        )
    if settings.update is not None:
        raise UsageError(
            "a rescoring stores no baseline",
            where="--velo-update",
            fix="pytest --velo-update: what the cache holds is free there, too",
        )


def _not_recorded(node_id: str, run: Run) -> UsageError:
    known = [result.node_id for result in run.document.results]
    return UsageError(
        f"the run {run.folder.name} holds no record of it", where=node_id, fix=nearest(node_id, known)
    )
