"""What an item is an attempt at."""

from __future__ import annotations

import pytest

from pytest_velo.bodies.shape import body_digest
from pytest_velo.designing.attempts import belief_at, stream_of
from pytest_velo.integration.collect.models import model_id
from pytest_velo.integration.collect.stash import FUNCTION, SPEC
from pytest_velo.integration.session import SESSION
from pytest_velo.records import Belief
from pytest_velo.settings import Settings


def tried_by(item: pytest.Item, settings: Settings) -> Belief:
    """Return the belief of an item, which is the same for each of its models."""
    return belief_at(item.nodeid, item.stash[FUNCTION].__doc__, model_id(item, settings))


def expected_number(item: pytest.Item, settings: Settings) -> int:
    """Return the number that the item's attempt will likely have, by which its reach is told."""
    session = item.config.stash[SESSION]
    if session.stored is None and not settings.replays:
        return 1
    spec = item.stash[SPEC]
    return session.attempts.likely_number(
        tried_by(item, settings),
        claim=str(spec.claim),
        body=body_digest(item.stash[FUNCTION]),
        model=model_id(item, settings) or "",
        seed=settings.seed,
        stream=stream_of(spec, settings),
    )
