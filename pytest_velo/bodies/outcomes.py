"""From what a body returned to its outcomes; a misunderstanding must not become one."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from typing import Any

from pytest_velo.bodies.exceptions import Raised, classify_exception, line_in_test, location_of
from pytest_velo.bodies.shape import BodyFacts
from pytest_velo.claims import Statistic
from pytest_velo.errors import BodyError, nearest
from pytest_velo.records import Reply

__all__ = ["Raised", "classify_exception", "line_in_test", "location_of", "read_outcomes", "read_return"]

_HOW = "return True or False, or assert and return nothing"


def read_return(value: object, facts: BodyFacts, statistic: Statistic) -> dict[str, float]:
    """Read the outcomes from what a body returned (of a coroutine, its result).

    Returns:
        Every outcome by name, in its own units; the only one of an unnamed claim is under `""`.

    Raises:
        BodyError: The value is not an outcome, or not the one the claim is about.
    """
    claim_name = statistic.name
    if isinstance(value, Mapping):
        return _read_named(value, facts, statistic)
    if claim_name is not None:
        _close(value)
        raise BodyError(
            f"the claim is about the outcome {claim_name!r}, but the body returned {_described(value)}",
            where=facts.location,
            fix=f'return {{"{claim_name}": {_example(statistic)}}}',
        )
    if value is None and statistic.binary:
        _refuse_accidental_none(facts)
        return {"": 1.0}
    return {"": _read_one(value, facts, statistic, "the body returned")}


def read_outcomes(value: object, facts: BodyFacts, statistics: Sequence[Statistic]) -> dict[str, float]:
    """Read the outcomes of all claimed statistics from what a body returned.

    If there are several statistics, each names its outcome.

    Raises:
        BodyError: As in `read_return`, for any of them.
    """
    outcomes: dict[str, float] = {}
    for statistic in statistics:
        read = read_return(value, facts, statistic)
        name = statistic.name or ""
        outcomes = {**read, **outcomes, name: read[name]}
    return outcomes


def _read_named(value: Mapping[Any, Any], facts: BodyFacts, statistic: Statistic) -> dict[str, float]:
    claim_name = statistic.name
    for name in value:
        if not isinstance(name, str) or not name:
            raise BodyError(
                f"outcome names must be non-empty strings, but the body returned a dict with key {name!r}",
                where=facts.location,
                fix='return {"some_name": True or False}',
            )
    if claim_name is None:
        names = ", ".join(f'rate("{name}")' for name in value) or "an outcome"
        raise BodyError(
            "the body returned named outcomes, but the claim names none",
            where=facts.location,
            fix=f"name one in the claim: {names}",
        )
    if claim_name not in value:
        raise BodyError(
            f"the claim is about the outcome {claim_name!r}, but the body returned none with that name",
            where=facts.location,
            fix=nearest(claim_name, value) if value else f'return {{"{claim_name}": {_example(statistic)}}}',
        )
    read = {claim_name: _read_one(value[claim_name], facts, statistic, f"the outcome {claim_name!r} is")}
    others = {name: item for name, item in value.items() if name != claim_name}
    return read | {name: _as_number(item, facts, name) for name, item in others.items()}


def _as_number(value: object, facts: BodyFacts, name: str) -> float:
    """Return an outcome that is not claimed about, but kept with the trial."""
    plain = _without_numpy(value)
    if isinstance(plain, bool | int | float):
        return float(plain)
    _close(plain)
    raise BodyError(f"the outcome {name!r} is {_described(plain)}", where=facts.location, fix=_advice(plain))


def _example(statistic: Statistic) -> str:
    return "True or False" if statistic.binary else f"a score from {statistic.outcomes.low:g}"


def _refuse_accidental_none(facts: BodyFacts) -> None:
    """Accept None as 1 only if the body reports its outcome in no other way."""
    if facts.has_value_return:
        raise BodyError(
            "the body returned None, although it returns a value elsewhere: a forgotten `else`, or a value "
            "that was None",
            where=facts.location,
            fix="return True or False on every path, e.g. `return bool(re.match(...))`",
        )
    if not facts.has_source:
        raise BodyError(
            "the body returned None, and its source cannot be read: this may be a value that was None",
            where=facts.location,
            fix="return True at its end",
        )


def _read_one(value: object, facts: BodyFacts, statistic: Statistic, subject: str) -> float:
    """Return a single outcome: 0.0 or 1.0, or a score in its range."""
    plain = _without_numpy(value)
    if statistic.binary:
        if isinstance(plain, bool) or (isinstance(plain, int) and plain in (0, 1)):
            return float(plain)
        _close(plain)
        raise BodyError(f"{subject} {_described(plain)}", where=facts.location, fix=_advice(plain))
    return _read_score(plain, facts, statistic, subject)


def _read_score(value: object, facts: BodyFacts, statistic: Statistic, subject: str) -> float:
    low, high = statistic.outcomes
    if isinstance(value, int | float) and low <= value <= high:
        return float(value)
    _close(value)
    advice = f"return a number from {low:g} to {high:g}; call velo.invalid(why) in a trial that has none"
    if inspect.isawaitable(value) or isinstance(value, Reply):
        advice = _advice(value)
    raise BodyError(
        f"{subject} {_described(value)}, but the claim is about {statistic}", where=facts.location, fix=advice
    )


def _without_numpy(value: object) -> object:
    """Return the Python value of a scalar or 0-dimensional array of numpy or a similar library."""
    if getattr(value, "shape", None) == () and callable(item := getattr(value, "item", None)):
        return item()
    return value


def _advice(value: object) -> str:
    if inspect.isawaitable(value):
        return "add `await` before the call, in an `async def` body"
    if isinstance(value, Reply):
        return 'return what counts about it, e.g. reply.answers("...")'
    if inspect.isgenerator(value) or inspect.isasyncgen(value):
        return "it has not run yet: return any(...) or all(...) of what it yields"
    if isinstance(value, float):
        return "a rate takes True or False: return a comparison, or claim mean(0, 10) about scores"
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
    """Close a coroutine that was never awaited, so that Python does not warn about it elsewhere."""
    if inspect.iscoroutine(value):
        value.close()
