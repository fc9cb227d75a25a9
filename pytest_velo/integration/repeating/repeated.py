"""`velo rerun` and `velo replicate`: the hypotheses of a recorded run, on another model or on fresh draws.

One hidden option carries what is repeated through pytest, to the workers of pytest-xdist as well.
"""

from __future__ import annotations

import shlex
from dataclasses import replace
from functools import cached_property

import pytest

from pytest_velo.designing.afresh import Seeds, afresh, repeats_cases
from pytest_velo.designing.frame import in_order_of
from pytest_velo.errors import UsageError
from pytest_velo.integration.collect.frame import case_set
from pytest_velo.integration.collect.models import chosen_model
from pytest_velo.integration.collect.stash import SPEC
from pytest_velo.integration.names import REPEAT_PLUGIN
from pytest_velo.integration.session import VeloSession
from pytest_velo.records import HypothesisResult, Repeat, RepeatKind
from pytest_velo.report.again import originals, test_of
from pytest_velo.report.load import load
from pytest_velo.report.replicated import earlier_replications, replication_facts, replication_of
from pytest_velo.runner.hypothesis import Hypothesis
from pytest_velo.runner.streams import has_its_own_order, recorded_stream, replicate_stream
from pytest_velo.settings import Mode, Settings


class Repeating:
    """The plugin of a session that repeats a recorded run.

    Raises:
        UsageError: A setting contradicts it, or the run is unknown.
    """

    def __init__(self, session: VeloSession, repeat: Repeat) -> None:
        _check(session.settings)
        self._session = session
        self.repeat = repeat
        self._folder = session.settings.cache_dir
        self.run = load(repeat.run, self._folder)
        self._known = originals(repeat, self.run.document.results)

    @cached_property
    def _earlier(self) -> dict[str, list[HypothesisResult]]:
        return earlier_replications(self.repeat, self._folder)

    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        """Keep only what the run has, and the repeat may have."""
        left = [item for item in items if self._name(item) not in self._known]
        if left:
            config.hook.pytest_deselected(items=left)
            items[:] = [item for item in items if self._name(item) in self._known]

    def settings_of(self, item: pytest.Item) -> Settings:
        """Return the session's settings, with max_trials and alpha as they were recorded for an item."""
        settings = self._session.settings
        if (name := self._name(item)) not in self._known:
            return settings
        old = self._known[name][0]
        alpha = old.alpha if old.family is None else old.family.alpha
        return replace(settings, max_trials=old.max_trials, alpha=alpha)

    def hypothesis(self, item: pytest.Item, hypothesis: Hypothesis) -> Hypothesis:
        """Return a hypothesis as it is repeated: paired with the first run, or independent of it.

        Raises:
            UsageError: Its list of cases has none that the earlier runs did not use.
        """
        spec, cases = item.stash[SPEC], case_set(item, self._session.settings)
        hypothesis = replace(hypothesis, rerun=self._command(item))
        if self.repeat.kind is RepeatKind.RERUN:
            return self._paired(item, hypothesis)
        stream = replicate_stream(self.repeat.number, hypothesis.stream)
        fresh = afresh(replace(hypothesis, stream=stream), spec, cases)
        return self._on_other_cases(item, fresh) if repeats_cases(fresh) else fresh

    def _paired(self, item: pytest.Item, hypothesis: Hypothesis) -> Hypothesis:
        """Return a hypothesis with the order and the seeds of the first run."""
        old = self._known[self._name(item)][0]
        trials, repeats = self.run.trials_of(old.node_id), self.run.document.repeats
        stream = recorded_stream(old, trials, repeats, hypothesis.stream)
        if has_its_own_order(stream):
            cases = case_set(item, self._session.settings)
            return afresh(replace(hypothesis, stream=stream), item.stash[SPEC], cases)
        if hypothesis.set_digest or old.node_id == hypothesis.node_id:
            return hypothesis
        # Without cases the seeds come from the test's name, which may have had a model in it.
        return replace(hypothesis, seeds=Seeds(hypothesis.seed, old.node_id))

    def told(self, item: pytest.Item, result: HypothesisResult) -> HypothesisResult:
        """Return the result of a replication with what the evidence of all runs says."""
        if self.repeat.kind is RepeatKind.RERUN or result.decision is None:
            return result
        name = self._name(item)
        old = replace(self._known[name][0], trials=self.run.trials_of(name))
        found = replication_of(old, self._earlier.get(name, []), result)
        facts = (*result.facts, *replication_facts(found, self.repeat, result))
        return replace(result, replication=found, facts=facts)

    def _on_other_cases(self, item: pytest.Item, fresh: Hypothesis) -> Hypothesis:
        """Return the hypothesis on the cases of its list that come after those that earlier runs used.

        A sample from a population says nothing new about it by cases that are in it already.
        """
        name, design = self._name(item), fresh.frame.design
        runs = [(self.run.trials_of(name)), *(run.trials for run in self._earlier.get(name, []))]
        n_used = sum(len({trial.unit for trial in trials}) for trials in runs)
        cases, settings = case_set(item, self._session.settings), self._session.settings
        longer = replace(fresh.frame, design=replace(design, max_units=n_used + design.max_units))
        frame = in_order_of(longer, item.stash[SPEC], cases, settings.seed)
        left = [each for each in frame.trials() if each.unit >= n_used]
        n_left = len({each.unit for each in left})
        if n_left < design.min_units:
            raise UsageError(
                f"earlier runs used {n_used} cases of a list that stands for a population; {n_left} are left",
                where=item.nodeid,
                fix='add cases; or claim it about these ones, over="cases"',
            )
        index, turn = left[0].index, left[0].turn
        moved = [
            replace(each, index=each.index - index, turn=each.turn - turn, unit=each.unit - n_used)
            for each in left
        ]
        design = replace(design, max_units=n_left)
        return replace(fresh, frame=replace(frame, trials=lambda: iter(moved), design=design))

    def _command(self, item: pytest.Item) -> str:
        """Return the command that does it again; its draws are in the cache by then."""
        repeat = self.repeat
        what = (
            f"--on {shlex.quote(repeat.on)}"
            if repeat.kind is RepeatKind.RERUN
            else f"--number {repeat.number}"
        )
        name = getattr(item, "originalname", None) or item.name
        return f"velo {repeat.kind} {repeat.run} {what} -k {shlex.quote(name)}"

    def _name(self, item: pytest.Item) -> str:
        if self.repeat.kind is RepeatKind.RERUN:
            return test_of(item.nodeid, chosen_model(item))
        return item.nodeid


def register(session: VeloSession, config: pytest.Config, repeat: Repeat) -> None:
    """Make this session a repeat.

    Raises:
        UsageError: As in `Repeating`.
    """
    config.pluginmanager.register(Repeating(session, repeat), REPEAT_PLUGIN)


def _check(settings: Settings) -> None:
    """Refuse settings that contradict a repeat."""
    if settings.update is not None:
        raise UsageError(
            "a repeat stores no baseline", where="--velo-update", fix="run pytest --velo-update by itself"
        )
    if settings.mode is Mode.REFRESH:
        raise UsageError(
            "a repeat has draws of its own, and refresh makes draws anew",
            where="--velo-mode",
            fix="leave the mode at auto; velo replicate is what makes fresh draws",
        )
