"""From a line of a batch's results to the reply that a live call would have brought, or why there is none."""

from __future__ import annotations

import re
from dataclasses import replace

from pytest_velo.batches.service import Result
from pytest_velo.errors import OutageError
from pytest_velo.providers.answers import read_reply
from pytest_velo.providers.clients import Wire
from pytest_velo.providers.failures import read_failure, refuses
from pytest_velo.providers.transport import Answer
from pytest_velo.records import Reply, Request
from pytest_velo.sampling.pricing import priced
from pytest_velo.sampling.readable import check_readable
from pytest_velo.settings import Endpoint

_DATED = re.compile(r"[-@:_](?:latest|\d{4}-\d{2}-\d{2}|\d{8}|\d{4})$")
"""What an alias of a model leaves out of the name of its snapshot: nothing that tells two models apart."""


def reply_of(
    result: Result, request: Request, wire: Wire, endpoint: Endpoint, *, seeded: bool, served: str = ""
) -> Reply:
    """Return the reply in a result: an observation, whatever it says.

    Args:
        result: What the provider gave.
        request: What was asked.
        wire: How the API is spoken.
        endpoint: Where it was asked.
        seeded: The seed was sent.
        served: Another name that the model may be served under.

    Raises:
        VeloError: The provider failed, or refused the request; that is nobody's reply.
    """
    where = f"{request.endpoint}, model {request.model}"
    if result.status is None:
        raise OutageError(result.problem, where=where)
    answer = Answer(status=result.status, headers={}, content=b"")
    reply = read_reply(answer, result.body, request, 0.0, wire.from_wire)
    if not is_served_by(reply.model_served, request.model) and reply.model_served != served:
        raise OutageError(f"the reply is of another model: {reply.model_served}", where=where)
    if not seeded and "seed" not in reply.not_honoured:
        reply = replace(reply, not_honoured=("seed", *reply.not_honoured))
    reply = priced(replace(reply, latency_s=None), endpoint, request.model, batch=True)
    check_readable(reply, where)
    return reply


def refuses_a_seed(result: Result, request: Request) -> bool:
    """Tell whether a model did not take the seed that it was sent; a live call then goes without."""
    if result.status is None or result.status < 400 or "seed" in request.parameters:
        return False
    return refuses(read_failure(result.status, {}, result.body), "seed")


def is_served_by(served: str | None, asked: str) -> bool:
    """Tell whether the name that a provider gives is that of the model that was asked, or of its snapshot."""
    if served is None:
        return True  # a live call takes that, too
    return _stem(served) == _stem(asked)


def _stem(model: str) -> str:
    return _DATED.sub("", model.rpartition("/")[2].lower())
