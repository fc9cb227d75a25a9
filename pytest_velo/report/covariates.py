"""What a result says of its covariate: in words, and as JSON."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from pytest_velo.records import CovariateSeen, HypothesisResult, JsonObject, UnitKind
from pytest_velo.report.numbers import count, rate
from pytest_velo.report.text import inline
from pytest_velo.report.transcript import number_from_json, number_to_json

_PLAIN = ("name", "used", "declared", "n_saved")
_KNOWN = ("expected", "low", "high", "variance")
_OBSERVED = ("correlation", "adjusted")
_LONGEST = 60


def covariate_rows(result: HypothesisResult) -> Iterator[tuple[str, str]]:
    """Say under which label what a result's covariate did; nothing without one."""
    if result.covariate is not None:
        yield "covariate", covariate_text(result.covariate, result.unit)


def covariate_text(seen: CovariateSeen, unit: UnitKind | None = None) -> str:
    """Say what a covariate did: `difficulty: correlation -0.62 with the outcomes; saved about 40 trials`."""
    told = f"{inline(seen.name, _LONGEST)}: "
    if seen.correlation is None:
        told += "its correlation with the outcomes is not known from these units"
    else:
        told += f"correlation {seen.correlation:.2f} with the outcomes"
    if not seen.used:
        return f"{told}; the verdict does not use it ({_why_not(seen)})"
    if seen.adjusted is not None:
        told += f", which puts the mean over the list at {rate(seen.adjusted)}"
    if seen.n_saved is None:
        return told
    what = (unit or UnitKind.TRIAL).value
    if seen.n_saved == 0:
        return f"{told}; it neither saved nor cost a {what} (an estimate)"
    did = "saved" if seen.n_saved >= 0 else "cost"
    return f"{told}; it {did} about {count(abs(seen.n_saved), what)} (an estimate)"


def _why_not(seen: CovariateSeen) -> str:
    if seen.variance == 0.0:
        return "it is the same for every case"
    if seen.kinds is not None:
        return f"{_while_learned(seen.expected)}, and {_RIVAL}"
    by_whom = "declared" if seen.declared else "expected"
    return f"a correlation of {seen.expected:.2f} was {by_whom} before the sampling, and {_RIVAL}"


_RIVAL = "the calibrated rule for 0/1 outcomes needs fewer trials then"


def _while_learned(expected: float) -> str:
    return f"a correlation of {expected:.2f} with the outcomes was expected on average while it is learned"


def expected_text(
    name: str, expected: float, saving: float, *, declared: bool, used: bool, learned: bool = False
) -> str:
    """Say what a plan expects of a covariate; `saving` is the share of the trials that it saves."""
    by_whom = "declared" if declared else "assumed"
    if learned:
        by_whom = "expected on average while it is learned"
    told = f"{inline(name, _LONGEST)}: a correlation of {expected:.2f} with the outcomes is {by_whom}, "
    if not used:
        return told + "which is too little: the calibrated rule for 0/1 outcomes needs fewer trials"
    return told + f"which saves about {saving:.0%} of the trials; verdicts are valid whatever it is"


def covariate_to_json(seen: CovariateSeen) -> dict[str, Any]:
    """Return what a result says of its covariate as JSON."""
    return {
        **{name: getattr(seen, name) for name in _PLAIN},
        **{name: number_to_json(getattr(seen, name)) for name in (*_KNOWN, *_OBSERVED)},
        "centres": dict(seen.centres),
        "kinds": None if seen.kinds is None else dict(seen.kinds),
        "shares": None if seen.shares is None else dict(seen.shares),
    }


def covariate_from_json(data: JsonObject) -> CovariateSeen:
    """Undo `covariate_to_json`.

    Raises:
        KeyError, TypeError, ValueError: A field is missing or has an invalid value.
    """
    kinds = data.get("kinds")  # older records lack them
    return CovariateSeen(
        name=data["name"],
        used=data["used"],
        declared=data["declared"],
        n_saved=data["n_saved"],
        expected=_between(data["expected"], 0.0, 1.0),
        low=_between(data["low"], -math.inf, 0.0),
        high=_between(data["high"], 0.0, math.inf),
        variance=_between(data["variance"], 0.0, math.inf),
        correlation=number_from_json(data["correlation"]),
        adjusted=number_from_json(data["adjusted"]),
        centres={name: _between(value, -math.inf, math.inf) for name, value in data["centres"].items()},
        kinds=None if kinds is None else {case_id: str(kind) for case_id, kind in kinds.items()},
        shares=None if kinds is None else {kind: _share(data["shares"][kind]) for kind in kinds.values()},
    )


def _share(value: Any) -> float:
    """Return a share of the list.

    Raises:
        TypeError, ValueError: It is none.
    """
    share = _between(value, 0.0, 1.0)
    if share == 0.0:
        raise ValueError(f"{value!r} is no share of a list")
    return share


def _between(value: Any, low: float, high: float) -> float:
    """Return a finite number between two ends.

    Raises:
        TypeError, ValueError: It is none.
    """
    number = float(value)
    if not (math.isfinite(number) and low <= number <= high):
        raise ValueError(f"{value!r} is no number from {low:g} to {high:g}")
    return number
