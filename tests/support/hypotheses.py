"""Hypotheses built by hand: the fields of a hypothesis, its frame and its design, in one list."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from pytest_velo.runner.frame import Frame
from pytest_velo.runner.hypothesis import Hypothesis, Reading
from pytest_velo.stats.engine.design import Design

_DESIGN = ("alpha", "beta", "margin", "extend", "census", "max_units", "min_units", "single", "centring")
_FRAME = (
    *("trials", "max_trials", "turns_per_unit", "arms", "invalid", "unit", "over", "scope", "family"),
    "labelled_every",
)


def hypothesis_of(**fields: Any) -> Hypothesis:
    """Return a hypothesis of fields that belong to it, to its frame or to its design.

    Where no horizon is given it is `max_trials`, and units are single trials unless `turns_per_unit` says
    otherwise.
    """
    n_turns = fields.get("turns_per_unit", 1)
    design = {"alpha": 0.05, "beta": 0.05, "max_units": fields["max_trials"], "single": n_turns == 1}
    frame = {"trials": lambda: iter(())}
    known = {
        "node_id": "test_a.py::test_b",
        "belief": "b",
        "stream": "",
        "seed": 0,
        "model": None,
        "limit": 50,
        "set_digest": "",
        "body_digest": "",
        "body": None,
        "is_async": True,
        "outcomes": None,
        "may_pay": True,
    }
    for name, value in fields.items():
        (design if name in _DESIGN else frame if name in _FRAME else known)[name] = value
    return Hypothesis(**{**known, "frame": Frame(design=Design(**design), **frame)})


def changed(hypothesis: Hypothesis, **fields: Any) -> Hypothesis:
    """Return a hypothesis with other fields, wherever they belong."""
    design = {name: value for name, value in fields.items() if name in _DESIGN}
    frame = {name: value for name, value in fields.items() if name in _FRAME}
    own = {name: value for name, value in fields.items() if name not in (*_DESIGN, *_FRAME)}
    new = replace(hypothesis.frame, design=replace(hypothesis.design, **design), **frame)
    return replace(hypothesis, frame=new, **own)


class Named:
    """Reads bodies that return their outcomes by name."""

    def value(self, returned: dict[str, Any]) -> dict[str, float]:
        """Return them as numbers."""
        return {name: float(value) for name, value in returned.items()}

    def exception(self, error: BaseException) -> Reading:
        """Say that an exception is an error."""
        return Reading(error=error)
