"""What the names in a test's signature resolve to: our fixtures, the user's, or a plugin's."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_velo.integration.fixtures import OURS
from pytest_velo.integration.private import FixtureInfo, is_parameter

# Function-scoped fixtures of these plugins belong to their event loops, which our bodies never run on.
_HARMLESS_MODULES = ("pytest_velo.", "pytest_asyncio.", "anyio.")


def is_ours(info: FixtureInfo, name: str) -> bool:
    """Tell whether `name` resolves to our own fixture for this test, not to one of the user's.

    Examples:
        >>> from pytest_velo.integration.examples import collected
        >>> from pytest_velo.integration.private import fixture_info
        >>> (test,) = collected(getfixture("request"), '''
        ... @pytest.mark.parametrize("judge", ["a value that is called judge"])
        ... @pytest.mark.hypothesis(rate >= 0.5, cases=[1, 2])
        ... def test_it(case, judge): return case > 1
        ... ''')
        >>> [is_ours(fixture_info(test), name) for name in ("case", "judge", "trial")]
        [True, False, False]
    """
    definitions = info.name2fixturedefs.get(name)
    return definitions is not None and definitions[-1].func.__module__ == "pytest_velo.integration.fixtures"


def ours_in(info: FixtureInfo) -> list[str]:
    """Return the names in the closure that resolve to our own fixtures.

    Examples:
        >>> from pytest_velo.integration.examples import collected
        >>> from pytest_velo.integration.private import fixture_info
        >>> (test,) = collected(getfixture("request"), '''
        ... @pytest.mark.hypothesis(rate >= 0.5, cases=[1, 2])
        ... def test_it(case, trial, tmp_path): return case > 1
        ... ''')
        >>> ours_in(fixture_info(test))
        ['case', 'trial']
    """
    return [name for name in OURS if name in info.names_closure and is_ours(info, name)]


def asking_in(info: FixtureInfo) -> list[str]:
    """Return the fixtures that a model's id can be given to.

    Examples:
        >>> from pytest_velo.integration.examples import collected
        >>> from pytest_velo.integration.private import fixture_info
        >>> (test,) = collected(getfixture("request"), '''
        ... @pytest.mark.hypothesis(rate >= 0.5, models=["local/smollm2-135m"])
        ... def test_it(model, trial): return model("Is 7 a prime?") == "yes"
        ... ''')
        >>> asking_in(fixture_info(test))
        ['model']
    """
    return [name for name in ("model", "velo") if name in ours_in(info)]


def is_harmless(definition: pytest.FixtureDef[Any]) -> bool:
    """Tell whether a fixture is ours or an event loop of a plugin, on which our bodies never run.

    Examples:
        >>> from pytest_velo.integration.examples import collected
        >>> from pytest_velo.integration.private import fixture_info
        >>> (test,) = collected(getfixture("request"), '''
        ... @pytest.mark.hypothesis(rate >= 0.5)
        ... def test_it(trial, tmp_path): return trial.rng.random() < 0.6
        ... ''')
        >>> definitions = fixture_info(test).name2fixturedefs
        >>> [is_harmless(definitions[name][-1]) for name in ("trial", "tmp_path")]
        [True, False]
    """
    module = str(getattr(definition.func, "__module__", ""))
    return (module + ".").startswith(_HARMLESS_MODULES)


def shared_state(info: FixtureInfo) -> list[str]:
    """Name the user's function-scoped fixtures: set up once, they would be shared by concurrent trials.

    Examples:
        >>> from pytest_velo.integration.examples import collected
        >>> from pytest_velo.integration.private import fixture_info
        >>> (test,) = collected(getfixture("request"), '''
        ... @pytest.mark.hypothesis(rate >= 0.5)
        ... def test_it(trial, tmp_path, tmp_path_factory): return trial.rng.random() < 0.6
        ... ''')
        >>> shared_state(fixture_info(test))
        ['tmp_path']
    """
    names = []
    for name, definitions in info.name2fixturedefs.items():
        last = definitions[-1]
        if last.scope == "function" and not is_parameter(last) and not is_harmless(last):
            names.append(name)
    return sorted(names)
