"""Reading the marks: one `hypothesis(claim, ...)` per test, defaults from `velo(...)`.

The Hypothesis library puts a bare `hypothesis` mark on every `@given` test. So ours always has a claim, and
a bare one is left alone.
"""

from __future__ import annotations

from typing import Any

import pytest

from pytest_velo.claims import AnyClaim
from pytest_velo.designing.spec import Spec, checked, make_spec, meant_claim, not_a_claim
from pytest_velo.errors import UsageError
from pytest_velo.integration.names import DEFAULTS_MARK, MARK

_SPECS: pytest.StashKey[dict[tuple[int, ...], Spec]] = pytest.StashKey()
"""Specs of this session by the ids of their marks, so that each is read and checked once."""


def is_given(function: Any) -> bool:
    """Tell whether the Hypothesis library's `@given` made this test.

    Source:
        The attribute that its own pytest plugin looks at.
    """
    return bool(getattr(function, "is_hypothesis_test", False))


def has_claim(node: pytest.Item) -> bool:
    """Tell cheaply whether a test carries our mark with a claim, not only that of the Hypothesis library."""
    return any(mark.args or mark.kwargs for mark in node.iter_markers(MARK))


def gives(node: Any, keyword: str) -> bool:
    """Tell whether a test's own mark has a keyword, rather than that of its class or module."""
    own = (mark for owner, mark in node.iter_markers_with_node(MARK) if owner is node)
    return any(keyword in mark.kwargs for mark in own)


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
        claim = meant_claim(mark.args[0] if mark.args else None)
        raise UsageError(_no_claim(mark.args), fix=f"@pytest.mark.hypothesis({claim}, cases=...)")
    options: dict[str, Any] = {}
    for default in reversed(defaults):
        if default.args:
            raise UsageError(
                "pytest.mark.velo takes keywords only", fix='pytest.mark.velo(models=["local/smollm2-135m"])'
            )
        options = _with(options, checked(default.kwargs, "pytest.mark.velo"))
    options = _with(options, checked(mark.kwargs, "pytest.mark.hypothesis"))
    return make_spec(mark.args[0], options, origin=marks)


def _with(options: dict[str, Any], nearer: dict[str, Any]) -> dict[str, Any]:
    """Return keywords with those of a nearer mark; what either silences is silenced."""
    merged = options | nearer
    if "silence" in options and "silence" in nearer:
        merged["silence"] = options["silence"] | nearer["silence"]
    return merged


def _no_claim(arguments: tuple[Any, ...]) -> str:
    if not arguments:
        return "the mark has keywords but no claim"
    if len(arguments) > 1:
        return f"the mark takes one claim, got {len(arguments)} positional arguments"
    return not_a_claim(arguments[0])
