"""Seeds derived from names by sha256; nothing here reads or moves a global random state."""

from __future__ import annotations

from pytest_velo.sampling.seeds import derive, rng, slot_seed


def test_derived_seeds_separate_their_parts() -> None:
    assert derive("ab", "c") == derive("ab", "c")
    assert derive("ab", "c") != derive("a", "bc")


def test_slot_seed_depends_on_the_stream() -> None:
    assert slot_seed(0, "k", "case:0:0") != slot_seed(0, "k", "case:0:0", stream="fresh")


def test_rng_is_the_same_for_the_same_parts() -> None:
    assert rng("backoff", 7).random() == rng("backoff", 7).random()
