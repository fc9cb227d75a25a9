"""Reading the marks: one `hypothesis(claim, ...)` per test, defaults from `velo(...)`.

The Hypothesis library puts a bare `hypothesis` mark on every `@given` test. So ours always has a claim, and
a bare one is left alone.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import pytest

from pytest_velo.claims import AnyClaim, Change, Claim, Guards, Statistic
from pytest_velo.errors import UsageError, nearest
from pytest_velo.integration.collect.fit import check_fit
from pytest_velo.integration.names import DEFAULTS_MARK, MARK
from pytest_velo.records import Invalid
from pytest_velo.runner.frame import Over
from pytest_velo.settings import Clients, Settings

_SPECS: pytest.StashKey[dict[tuple[int, ...], Spec]] = pytest.StashKey()
"""Specs of this session by the ids of their marks, so that each is read and checked once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spec:
    """What the marks of one test say.

    Attributes:
        claim: The claim.
        options: The keywords, already checked; defaults fill in what the mark itself leaves out.
        marks: The marks they were read from.
    """

    claim: AnyClaim
    options: Mapping[str, Any] = field(default_factory=dict)
    marks: tuple[pytest.Mark, ...] = field(default=(), repr=False, compare=False)

    @property
    def arms(self) -> tuple[str, ...]:
        """The arms each case goes through; empty without arms."""
        arms: tuple[str, ...] = self.options.get("arms", ())
        return arms

    @property
    def against_baseline(self) -> bool:
        """The claim is about the change from a stored baseline."""
        return isinstance(self.claim, Claim) and isinstance(self.claim.statistic, Change)

    @property
    def arms_are_models(self) -> bool:
        """The arms are model ids, and `model` is another model in each."""
        return bool(self.arms) and all("/" in arm for arm in self.arms)

    def levels(self, settings: Settings) -> tuple[float, float]:
        """Return the chosen alpha and beta, which hold for the hypothesis alone or for its family."""
        return self.get("alpha", settings.alpha), self.get("beta", 0.05)

    def get(self, name: str, default: Any = None) -> Any:
        """Return a keyword's value, or `default` where it is not set."""
        return self.options.get(name, default)


def is_given(function: Any) -> bool:
    """Tell whether the Hypothesis library's `@given` made this test.

    Source:
        The attribute that its own pytest plugin looks at.
    """
    return bool(getattr(function, "is_hypothesis_test", False))


def has_claim(node: pytest.Item) -> bool:
    """Tell cheaply whether a test carries our mark with a claim, not only that of the Hypothesis library."""
    return any(mark.args or mark.kwargs for mark in node.iter_markers(MARK))


def read_spec(node: pytest.Item, function: Any) -> Spec | None:
    """Return what our marks say about a test; None if it is not a hypothesis.

    `node` is the item, or the function's definition, and has the marks of its class and module.

    Raises:
        UsageError: Without a place; the caller knows it.
    """
    marks = list(node.iter_markers_with_node(MARK))
    ours = [(owner, mark) for owner, mark in marks if mark.args or mark.kwargs]
    if is_given(function):
        if any(owner is node for owner, _ in ours):
            raise UsageError(
                "a property test (@given) cannot be a hypothesis too",
                fix="drop @given and give the strategy as cases=, or drop the mark's claim",
            )
        return None
    if marks and not ours:
        raise UsageError(
            "the mark has no claim",
            fix="@pytest.mark.hypothesis(rate >= 0.5), with `from pytest_velo import rate`",
        )
    if not ours:
        return None
    owner, mark = ours[0]
    if len([mark for node_, mark in ours if node_ is owner]) > 1:
        raise UsageError("two hypothesis marks on one test", fix="write one test for each claim")
    # A bare mark sets no defaults: it is the one that we add for `-m`.
    defaults = (each for each in node.iter_markers(DEFAULTS_MARK) if each.args or each.kwargs)
    read_from = (mark, *defaults)
    known = node.config.stash.setdefault(_SPECS, {})
    key = tuple(map(id, read_from))  # stable: the spec keeps the marks alive
    if key not in known:
        known[key] = _spec(read_from)
    return known[key]


def _spec(marks: tuple[pytest.Mark, ...]) -> Spec:
    mark, *defaults = marks
    if len(mark.args) != 1 or not isinstance(mark.args[0], AnyClaim):
        raise UsageError(_no_claim(mark.args), fix="@pytest.mark.hypothesis(rate >= 0.5, cases=...)")
    options: dict[str, Any] = {}
    for default in reversed(defaults):
        if default.args:
            raise UsageError(
                "pytest.mark.velo takes keywords only", fix='pytest.mark.velo(models=["local/smollm2-135m"])'
            )
        options |= _checked(default.kwargs, "pytest.mark.velo")
    options |= _checked(mark.kwargs, "pytest.mark.hypothesis")
    claim = mark.args[0]
    check_fit(claim, options)
    if options.get("min_trials", 1) > options.get("max_trials", options.get("min_trials", 1)):
        raise UsageError("min_trials is larger than max_trials", fix="lower min_trials or raise max_trials")
    return Spec(claim=claim, options=options, marks=marks)


def _no_claim(arguments: tuple[Any, ...]) -> str:
    if not arguments:
        return "the mark has keywords but no claim"
    if len(arguments) > 1:
        return f"the mark takes one claim, got {len(arguments)} positional arguments"
    if isinstance(arguments[0], Statistic):
        return f"`{arguments[0]!r}` alone claims nothing"
    return f"{arguments[0]!r} is not a claim"


def _checked(keywords: Mapping[str, Any], mark: str) -> dict[str, Any]:
    checked = {}
    for name, value in keywords.items():
        if name == "group":
            raise UsageError(
                "group= is an option of the cases",
                fix='cases=cases("questions.jsonl", group="template"), over="population"',
            )
        if name not in KEYWORDS:
            raise UsageError(f"{mark} has no keyword {name!r}", fix=nearest(name, KEYWORDS))
        try:
            checked[name] = KEYWORDS[name](value)
        except (TypeError, ValueError) as error:
            raise UsageError(f"{name}={value!r}: expected {error}", fix=f"give {error}") from None
    return checked


def _share(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1:
        raise ValueError("a number between 0 and 1")
    return float(value)


def _margin(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < math.inf:
        raise ValueError("a number, 0 or more, in the statistic's units")
    return float(value)


def _count(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ValueError("a whole number, 1 or more")
    return value


def _models(value: Any) -> tuple[str, ...]:
    names = (value,) if isinstance(value, str) else tuple(value) if isinstance(value, list | tuple) else ()
    if not names or not all(isinstance(name, str) and name for name in names):
        raise ValueError('a list of model ids such as ["local/smollm2-135m"]')
    if len(set(names)) < len(names):
        raise ValueError("a list without duplicates")
    return names


def _arms(value: Any) -> tuple[str, ...]:
    names = tuple(value) if isinstance(value, list | tuple) else ()
    if len(set(names)) < 2 or len(set(names)) < len(names):
        raise ValueError('two or more different names such as ("plain", "hinted")')
    if not all(isinstance(name, str) and name for name in names):
        raise ValueError("a list of names (strings)")
    return names


def _ceiling(value: Any) -> float | str:
    if isinstance(value, str) and value:
        return value
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError("a number in the outcome's units, or an arm's name")
    return float(value)


def _word(kind: type[StrEnum]) -> Callable[[Any], Any]:
    def read(value: Any) -> Any:
        if value not in list(kind):
            raise ValueError("one of " + ", ".join(f'"{word}"' for word in kind))
        return kind(value)

    return read


def _bool(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError("True or False")
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError("a string")
    return value


def _family(value: Any) -> str:
    if not isinstance(value, str) or not value.strip() or "::" in value:
        raise ValueError("a name without `::`, which is reserved for node ids")
    return value


def _source(value: Any) -> Any:
    if value is None:
        raise ValueError("a list, a function, a file name or a strategy")
    return value


KEYWORDS: Mapping[str, Callable[[Any], Any]] = {
    "cases": _source,
    "arms": _arms,
    "models": _models,
    "judge": _text,
    "alpha": _share,
    "beta": _share,
    "margin": _margin,
    "max_trials": _count,
    "min_trials": _count,
    "over": _word(Over),
    "draws_per_case": _count,
    "invalid": _word(Invalid),
    "expect": _share,
    "extend": _bool,
    "stream": _text,
    "family": _family,
    "once": _bool,
    "ceiling": _ceiling,
    "guards": _word(Guards),
    "tier": _text,
    "clients": _word(Clients),
    "allow_cut": _bool,
    "allow_empty": _bool,
}
