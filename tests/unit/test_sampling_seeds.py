"""Seeds that depend on names alone, and on nothing that runs."""

from __future__ import annotations

import random

from pytest_velo.sampling.seeds import derive, rng, slot_seed


def test_seeds_are_the_same_in_every_version() -> None:
    # A change here would make every stored draw of a provider that honours seeds irreproducible.
    assert derive(0, "set", 3) == 4752787200377453444
    assert slot_seed(0, "key", "case:0:0") == 1505513320
    assert slot_seed(0, "key", "case:0:0", "fresh") == 597768274


def test_no_part_of_an_address_is_left_out() -> None:
    addresses = [
        (0, "k", "s", ""),
        (1, "k", "s", ""),
        (0, "l", "s", ""),
        (0, "k", "t", ""),
        (0, "k", "s", "u"),
    ]
    assert len({slot_seed(*address) for address in addresses}) == len(addresses)


def test_the_global_generator_is_neither_read_nor_moved() -> None:
    random.seed(1)
    before = random.getstate()
    first = [rng("x", 1).random(), derive("x", 1), slot_seed(1, "k", "s")]
    assert random.getstate() == before
    random.seed(2)
    assert [rng("x", 1).random(), derive("x", 1), slot_seed(1, "k", "s")] == first
