"""One byte string per value: what keys and digests are computed from."""

from __future__ import annotations

from pytest_velo.canonical import canonical, digest


def test_canonical_sorts_keys_and_keeps_number_types() -> None:
    assert canonical({"b": (1, 1.0, True), "a": None}) == b'{"a":null,"b":[1,1.0,true]}'


def test_digest_depends_on_types_but_not_on_the_order_of_keys() -> None:
    assert digest({"a": 1, "b": 2}) == digest({"b": 2, "a": 1})
    assert digest([1]) != digest([True])
