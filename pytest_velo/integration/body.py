"""What the fixtures give the body of an item."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_velo.designing import supplies
from pytest_velo.designing.supplies import Placeholder, Taker, Velo
from pytest_velo.elicit.strategy import AsyncStrategy, Strategy
from pytest_velo.errors import UsageError
from pytest_velo.integration.collect.models import chosen_model
from pytest_velo.integration.collect.stash import FACTS, SPEC
from pytest_velo.integration.compat import fixture_info
from pytest_velo.integration.session import SESSION
from pytest_velo.providers.sdks import Sdk
from pytest_velo.sampling.model import AsyncModel, Model
from pytest_velo.scorers.judge import AsyncJudge, Judge


def taker_of(item: pytest.Item, name: str) -> Taker:
    """Return the body of an item, which takes a fixture.

    Raises:
        UsageError: The item is not a hypothesis.
    """
    if SPEC not in item.stash:
        raise UsageError(
            f"the fixture {name!r} is for hypotheses only",
            where=item.nodeid,
            fix="mark the test: @pytest.mark.hypothesis(rate >= 0.5)",
        )
    session = item.config.stash[SESSION]
    return Taker(
        where=item.nodeid,
        spec=item.stash[SPEC],
        settings=session.settings,
        is_async=item.stash[FACTS].is_async,
        chosen=chosen_model(item),
        factories=session.provider_factories,
    )


def velo_of(item: pytest.Item) -> Velo:
    """Return the main fixture.

    Raises:
        UsageError: The item is not a hypothesis.
    """
    return Velo(taker_of(item, "velo"))


def model_of(item: pytest.Item, chosen: str | None, role: str = "") -> AsyncModel | Model:
    """Return an item's model, or the one `chosen` by id; `role` is the part it plays, for transcripts.

    Raises:
        UsageError: The item is not a hypothesis, no model is set, or the model cannot be used here.
    """
    return supplies.model_of(taker_of(item, "model"), chosen, role)


def client_of(item: pytest.Item, sdk: Sdk) -> Any:
    """Return an SDK's client for an item's endpoint, else for the SDK's own.

    Raises:
        UsageError: As in `model_of`; or no client can be made for its endpoint.
    """
    return supplies.client_of(taker_of(item, f"{sdk}_client"), sdk)


def judge_of(item: pytest.Item) -> AsyncJudge | Judge:
    """Return an item's judge.

    Raises:
        UsageError: As in `model_of`.
    """
    return supplies.judge_of(taker_of(item, "judge"))


def strategy_of(item: pytest.Item) -> AsyncStrategy | Strategy:
    """Return what asks an item's model in the way of the rung that is sampled.

    Raises:
        UsageError: As in `model_of`.
    """
    return supplies.strategy_of(taker_of(item, "strategy"))


def per_trial(request: pytest.FixtureRequest, name: str) -> Placeholder:
    """Return a placeholder for a per-trial value while pytest sets up an item.

    Raises:
        UsageError: Something other than the test itself requests it.
    """
    placeholder = Placeholder(name)
    if name not in fixture_info(request.node).argnames:
        placeholder._refuse()
    return placeholder
