"""What an item is sampled for, beside its verdict: a baseline, a rescoring, a repeat, a confirmation."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pytest

from pytest_velo.designing.books import Books
from pytest_velo.integration.baseline.guard import Guard
from pytest_velo.integration.names import RESCORE_PLUGIN
from pytest_velo.integration.run.draws import confirming_of, repeating_of
from pytest_velo.integration.run.waves import waves_of
from pytest_velo.integration.session import VeloSession
from pytest_velo.records import HypothesisResult
from pytest_velo.runner.confirming import Confirming
from pytest_velo.runner.hypothesis import Hypothesis
from pytest_velo.runner.run import Run

if TYPE_CHECKING:
    from pytest_velo.integration.repeating.repeated import Repeating
    from pytest_velo.integration.rescore import Rescored, Rescoring
    from pytest_velo.sampling.drawing import Drawer


@dataclass(frozen=True, slots=True, kw_only=True)
class Purpose:
    """What an item is sampled for.

    Attributes:
        hypothesis: As it is sampled for it.
        guard: How its claim about a baseline is run; None for any other claim.
        rescored: The recorded trials that are scored anew; None outside of a rescoring.
        repeating: The recorded run that is repeated; None outside of a repeat.
        confirming: The frozen claim; None outside of a confirmation.
    """

    hypothesis: Hypothesis
    guard: Guard | None
    rescored: Rescored | None
    repeating: Repeating | None
    confirming: Confirming | None

    @property
    def is_look(self) -> bool:
        """Its verdict counts as a look at the draws, and as an attempt at the belief."""
        return self.guard is None or self.guard.is_look

    def drawer(self, session: VeloSession) -> Drawer:
        """Return the source of its draws."""
        if self.rescored is not None:
            return self.rescored.drawer()
        if session.settings.batches_paid_draws:
            return waves_of(session).drawer(session.sampler)
        return session.sampler

    def books(self, books: Books, run: Run) -> Books | None:
        """Return where what was found is entered; None if nowhere."""
        if not self.is_look:
            return None
        if self.rescored is None:
            return books
        return replace(books, looks=self.rescored.looks(run.hypothesis, run))

    def told(self, item: pytest.Item, run: Run, result: HypothesisResult) -> HypothesisResult:
        """Return the result with what there is to say of its purpose; a new baseline is stored."""
        if self.guard is not None:
            result = self.guard.finish(run, result)
        if self.rescored is not None:
            result = self.rescored.told(result, run)
        if self.confirming is not None:
            result = self.confirming.told(result)
        if self.repeating is not None:
            result = self.repeating.told(item, result)
        return result


def purpose_of(
    item: pytest.Item,
    session: VeloSession,
    hypothesis: Hypothesis,
    guard: Guard | None,
    rescored: Rescored | None,
) -> Purpose:
    """Return what an item is sampled for; a claim that is to be confirmed is frozen.

    Raises:
        UsageError, StoreError: As in `confirming_of`, and in the `hypothesis` of rescorings and repeats.
    """
    if rescored is not None:
        hypothesis = rescored.hypothesis(hypothesis)
    repeating = repeating_of(item)
    if repeating is not None and rescored is None:
        hypothesis = repeating.hypothesis(item, hypothesis)
    confirms = repeating is None and rescored is None and (guard is None or guard.is_look)
    confirmed = confirming_of(item, session, hypothesis) if confirms else None
    return Purpose(
        hypothesis=hypothesis if confirmed is None else confirmed.hypothesis,
        guard=guard,
        rescored=rescored,
        repeating=repeating,
        confirming=confirmed,
    )


def rescored_of(item: pytest.Item) -> Rescored | None:
    """Return how an item is rescored; None outside of a rescoring."""
    plugin: Rescoring | None = item.config.pluginmanager.get_plugin(RESCORE_PLUGIN)
    return None if plugin is None else plugin.of(item)
