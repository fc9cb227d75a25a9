"""Stubbed models and judges: scripts registered under `stub/<reason>`, with the stub that they came from."""

from __future__ import annotations

from typing import Any

from pytest_velo.errors import UsageError
from pytest_velo.providers.scripted import register
from pytest_velo.records import Reply, Request, ToolCall
from pytest_velo.settings import STUB
from pytest_velo.stubs import Stub

ANSWER = "stubbed"
"""The parameter in which a stubbed judge's request carries its answer: nothing else computes it."""

_STUBS: dict[str, Stub] = {}
_PREFIX = f"{STUB}/"
_DIGITS = 6


def stubbed_model(stub: Stub) -> str:
    """Register a stub as a model, and return its id, which is the same in every process.

    Raises:
        UsageError: Its value is nothing that a model could say.
    """
    value = stub.value
    script: Any = value
    if isinstance(value, str | Reply | ToolCall):
        script = _constant(value)
    try:
        return _registered(stub, script)
    except UsageError:
        raise UsageError(
            f"a stubbed model must say a text, got {type(value).__name__}",
            where=stub.where,
            fix='stub("yes", "no key yet"), or a list of texts, or a function of the request',
        ) from None


def stubbed_judge(stub: Stub) -> str:
    """Register a stub as a judge, and return its id."""
    return _registered(stub, _computed)


def stub_of(model_id: str) -> Stub | None:
    """Return the stub behind a model's id; None for a real model."""
    return _STUBS.get(model_id)


def is_stub(model_id: str) -> bool:
    """Tell whether a model's id is a stub's, also one that another process made."""
    return model_id.startswith(_PREFIX)


def _registered(stub: Stub, script: Any) -> str:
    # The digits are always there: two stubs of one reason may not share a name that depends on which of them
    # was made first, or is made at all.
    name = f"{_PREFIX}{stub.slug}-{stub.identity[:_DIGITS]}"
    register(name, script, stub.where)
    _STUBS[name] = stub
    return name


def _constant(value: Any) -> Any:
    return lambda _request: value


def _computed(request: Request) -> str:
    return str(request.parameters.get(ANSWER, ""))
