"""What the benchmark of trials that share a memory counts, through real sessions of pytest."""

import importlib
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def dependence(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return importlib.import_module("dependence")


def counted(dependence, changes, keywords):
    return dependence.counted(40, 1, "half to 1.5 times", changes, keywords)


def test_a_memory_makes_verdicts_and_f19_says_so_where_it_has_the_trials(dependence):
    early = counted(dependence, dependence.KEEPS, dependence.BY_DEFAULT)
    assert early.decided >= 32
    assert early.both <= early.decided / 2

    assert counted(dependence, dependence.KEEPS, dependence.HUNDRED).spoken_of >= 36


def test_a_coin_comes_to_a_verdict_as_often_as_the_exact_law_says(dependence):
    chance = dependence.decided_if_independent()
    assert 0.05 < chance <= 0.1

    fair = counted(dependence, dependence.FORGETS, dependence.BY_DEFAULT)
    assert fair.decided <= 40 * chance + 4 * (40 * chance * (1 - chance)) ** 0.5
    assert fair.spoken_of == 0
