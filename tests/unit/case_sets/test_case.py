"""One input row, as a body sees it."""

from __future__ import annotations

from pytest_velo.case_sets.case import Case, fresh, is_shared_safely


def test_fresh_copies_lists_and_dicts() -> None:
    rows = [[1], {"a": [2]}]
    copy = fresh(rows)
    assert copy == rows
    assert copy[1]["a"] is not rows[1]["a"]


def test_only_what_cannot_change_is_shared_safely() -> None:
    assert is_shared_safely(("2 + 2?", 4))
    assert not is_shared_safely(Case({"options": ["a", "b"]}))
