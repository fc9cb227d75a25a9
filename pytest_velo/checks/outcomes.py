"""What a finished body gave: an outcome, or a misunderstanding that must not become one."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

from pytest_velo.checks.bodies import BodyFacts
from pytest_velo.checks.exceptions import Raised, classify_exception, location_of
from pytest_velo.errors import BodyError, nearest
from pytest_velo.records import Reply

__all__ = ["Raised", "classify_exception", "location_of", "read_return"]

_HOW = "return True or False, or assert and return nothing"


def read_return(value: object, facts: BodyFacts, claim_name: str | None) -> dict[str, float]:
    """Read the outcomes from what a body returned.

    Args:
        value: What it returned; a coroutine's result, not the coroutine.
        facts: What the body's source says; whether None can mean 1 depends on it.
        claim_name: The name of the claim's outcome, as in `rate("asr")`; None for plain `rate`.

    Returns:
        Every outcome by name, 0.0 or 1.0 each; the only one of an unnamed claim is under `""`.

    Raises:
        BodyError: The value is no outcome, or not the one the claim is about.
    """
    if isinstance(value, Mapping):
        return _read_named(value, facts, claim_name)
    if claim_name is not None:
        _close(value)
        raise BodyError(
            f"the claim is about rate({claim_name!r}), and the body returned {_described(value)}",
            where=facts.location,
            fix=f'return {{"{claim_name}": True or False}}',
        )
    if value is None:
        _refuse_accidental_none(facts)
        return {"": 1.0}
    return {"": _read_one(value, facts, "the body returned")}


def _read_named(value: Mapping[Any, Any], facts: BodyFacts, claim_name: str | None) -> dict[str, float]:
    for name in value:
        if not isinstance(name, str) or not name:
            raise BodyError(
                f"outcomes have names, and the body returned a dict with the key {name!r}",
                where=facts.location,
                fix='return {"some_name": True or False}',
            )
    if claim_name is None:
        names = ", ".join(f'rate("{name}")' for name in value) or "an outcome"
        raise BodyError(
            "the body returned several outcomes by name, and the claim names none of them",
            where=facts.location,
            fix=f"claim about one of them: {names}",
        )
    if claim_name not in value:
        raise BodyError(
            f"the claim is about rate({claim_name!r}), and the body returned no outcome of that name",
            where=facts.location,
            fix=nearest(claim_name, value) if value else f'return {{"{claim_name}": True or False}}',
        )
    return {name: _read_one(item, facts, f"the outcome {name!r} is") for name, item in value.items()}


def _refuse_accidental_none(facts: BodyFacts) -> None:
    """Let None mean 1 only where the body says in no other way what came out."""
    if facts.has_value_return:
        raise BodyError(
            "the body returned None, though it returns a value elsewhere: a forgotten `else`, or a value "
            "that was None",
            where=facts.location,
            fix="return True or False on every path, e.g. `return bool(re.match(...))`",
        )
    if not facts.has_source:
        raise BodyError(
            "the body returned None and its source cannot be read, so this may be a value that was None",
            where=facts.location,
            fix="return True at its end",
        )


def _read_one(value: object, facts: BodyFacts, subject: str) -> float:
    """Return a single outcome as 0.0 or 1.0."""
    plain = _without_numpy(value)
    if isinstance(plain, bool):
        return float(plain)
    if isinstance(plain, int) and plain in (0, 1):
        return float(plain)
    _close(plain)
    raise BodyError(f"{subject} {_described(plain)}", where=facts.location, fix=_advice(plain))


def _without_numpy(value: object) -> object:
    """Return the Python value of a 0-dimensional array or scalar of numpy and its like."""
    if getattr(value, "shape", None) == () and callable(item := getattr(value, "item", None)):
        return item()
    return value


def _advice(value: object) -> str:
    if inspect.isawaitable(value):
        return "un-awaited: write `await` before the call, in an `async def` body"
    if isinstance(value, Reply):
        return 'say what about it counts, e.g. return reply.answers("...")'
    if inspect.isgenerator(value) or inspect.isasyncgen(value):
        return "nothing of it has run: return any(...) or all(...) of what it yields"
    if isinstance(value, float):
        return "a rate takes True or False: return a comparison, e.g. `return score >= 0.5`"
    if isinstance(value, int):
        return "a rate takes True or False, or 1 or 0: return a comparison, e.g. `return n >= 3`"
    if isinstance(value, str):
        return 'return a comparison, e.g. `return text == "..."`'
    return _HOW


def _described(value: object) -> str:
    """Describe a value without its content, which may be long or hostile."""
    if value is None or isinstance(value, bool | int | float):
        return repr(value)
    if isinstance(value, Reply):
        return "a Reply"
    if inspect.iscoroutine(value):
        return "a coroutine"
    name = type(value).__name__
    return f"{'an' if name[:1].lower() in 'aeiou' else 'a'} {name}"


def _close(value: object) -> None:
    """Close a coroutine that nobody awaited, so that Python does not warn of it elsewhere."""
    if inspect.iscoroutine(value):
        value.close()
