"""Every error of the package: each says where it happened, what is wrong and how to fix it."""

from __future__ import annotations

from pytest_velo.errors import nearest
from pytest_velo.settings import Mode


def test_nearest_suggests_a_name_or_lists_the_known_ones() -> None:
    assert nearest("max_trails", ["max_trials", "alpha"]) == "did you mean 'max_trials'?"
    assert nearest("zzz", ["b", "a"]) == "known: a, b"


def test_the_nearest_of_an_enum_is_named_by_what_users_type() -> None:
    assert nearest("replya", list(Mode)) == "did you mean 'replay'?"
