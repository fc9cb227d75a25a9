"""Families of hypotheses: who belongs together, how many there are, and what pytest is told at the end."""

from __future__ import annotations

import pytest

from pytest_velo.integration.collect.families import Families, family_of
from pytest_velo.integration.collect.marks import read_spec
from pytest_velo.integration.names import FAMILIES_PLUGIN
from pytest_velo.integration.startup import session_of
from pytest_velo.settings import Settings
from support.items import collected


def test_parametrized_tests_are_a_family(request: pytest.FixtureRequest, pytestconfig: pytest.Config) -> None:
    plugins = pytestconfig.pluginmanager
    plugins.register(Families(session_of(request.config)), FAMILIES_PLUGIN)
    items = collected(
        request,
        "@pytest.mark.hypothesis(rate >= 0.5)\n"
        '@pytest.mark.parametrize("n", [1, 2, 3])\n'
        "def test_it(n, trial): return trial.rng.random() < n / 4\n",
    )
    spec = read_spec(items[0], items[0].function)
    try:
        family = family_of(items[0], spec, Settings(alpha=0.06))
    finally:
        plugins.unregister(name=FAMILIES_PLUGIN)
    assert family.name == "test_it.py::test_it"
    assert family.size == 3
    assert (family.alpha, family.beta) == (0.06, 0.05)
    assert family_of(items[0], spec, Settings(alpha=0.06)) is None
