"""What `-m` selects: hypotheses by our mark, and not the plain tests beside them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import pytest

from pytest_velo.integration.collection import SPEC
from pytest_velo.integration.marks import DEFAULTS_MARK


def hide_defaults(items: Iterable[pytest.Item]) -> None:
    """Take our mark from tests that are no hypotheses, which have it of their module or class.

    Else `-m velo` would run them, and worse, `-m "not velo"` would leave them out.

    Args:
        items: When hypotheses have been prepared.

    Examples:
        >>> from pytest_velo.integration.examples import collected, hypothesis_item
        >>> request, test = getfixture("request"), "def test_it(): return True"
        >>> items = hypothesis_item(request, "rate >= 0.5", test)[0], collected(request, test)[0]
        >>> for item in items:
        ...     item.add_marker("velo")
        >>> hide_defaults(items)
        >>> [item.get_closest_marker("velo") is not None for item in items]
        [True, False]
    """
    for item in items:
        if SPEC not in item.stash and item.get_closest_marker(DEFAULTS_MARK) is not None:
            item.iter_markers = _others(item.iter_markers)  # type: ignore[method-assign]


def _others(every: Callable[[str | None], Iterator[pytest.Mark]]) -> Callable[..., Iterator[pytest.Mark]]:
    def iter_markers(name: str | None = None) -> Iterator[pytest.Mark]:
        return (mark for mark in every(name) if mark.name != DEFAULTS_MARK)

    return iter_markers
