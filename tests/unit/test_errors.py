"""Every error of the package: each says where it happened, what is wrong and how to fix it."""

from __future__ import annotations

from pytest_velo.errors import nearest


def test_nearest_suggests_a_name_or_lists_the_known_ones() -> None:
    assert nearest("max_trails", ["max_trials", "alpha"]) == "did you mean 'max_trials'?"
    assert nearest("zzz", ["b", "a"]) == "known: a, b"
