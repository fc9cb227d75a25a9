"""Which hypotheses may be sampled before pytest reaches them: those that only our own code sets up."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import pytest

from pytest_velo.designing.supplies import supply
from pytest_velo.integration.body import taker_of
from pytest_velo.integration.collect.fixture_names import is_harmless, is_ours
from pytest_velo.integration.collect.stash import FUNCTION, SPEC
from pytest_velo.integration.compat import fixture_info, hooks_of_conftests, is_parameter
from pytest_velo.integration.names import RESCORE_PLUGIN
from pytest_velo.integration.session import VeloSession
from pytest_velo.settings import Mode, Scheduler

_IN_TURN = ("maxfail", "stepwise", "usepdb", "trace", "reruns", "setuponly", "setupshow", "setupplan")
"""Options under which a later test may never run, or must not start before its turn."""

_HOOKS = (
    "pytest_runtest_protocol",
    "pytest_runtest_setup",
    "pytest_runtest_call",
    "pytest_runtest_teardown",
    "pytest_pyfunc_call",
)
_MARKS = ("skip", "skipif", "timeout", "flaky", "xfail")


def may_pool(session: pytest.Session, state: VeloSession) -> bool:
    """Tell whether the hypotheses of this session are sampled together."""
    config, settings = session.config, state.settings
    option = config.option
    if state.worker is not None or config.pluginmanager.has_plugin(RESCORE_PLUGIN):
        return False
    if settings.scheduler is Scheduler.IN_ORDER or settings.mode is Mode.ESTIMATE:
        return False
    if option.collectonly or (session.testsfailed and not option.continue_on_collection_errors):
        return False
    return not any(getattr(option, name, False) for name in _IN_TURN) and not _has_timeout(config)


def _has_timeout(config: pytest.Config) -> bool:
    """Tell whether pytest-timeout watches every test: an item would be charged for the others' time."""
    if getattr(config.option, "timeout", None):
        return True
    try:
        in_the_file = config.getini("timeout")  # unknown without the plugin
        return bool(float(os.environ.get("PYTEST_TIMEOUT") or in_the_file or 0))
    except (ValueError, TypeError):
        return False


def is_free(item: pytest.Function) -> bool:
    """Tell whether none of the user's code has to run before a prepared item's bodies.

    Its arguments are our fixtures and values of parametrize. No other fixture, set-up function, conftest hook
    or mark that may skip it comes first.
    """
    if any(item.get_closest_marker(name) is not None for name in _MARKS):
        return False
    if any(hooks_of_conftests(item, name) for name in _HOOKS):
        return False
    if item.stash[SPEC].ladder is not None:
        return False  # which rung is sampled next depends on the one before
    if item.function is not item.stash[FUNCTION]:
        return False
    last = (definitions[-1] for definitions in fixture_info(item).name2fixturedefs.values())
    return all(is_parameter(definition) or is_harmless(definition) for definition in last)


def own_fixtures(item: pytest.Function) -> Mapping[str, Any]:
    """Return the values of a free item's arguments: our fixtures, and parameters."""
    info = fixture_info(item)
    params = getattr(getattr(item, "callspec", None), "params", {})
    values: dict[str, Any] = {}
    for name in info.argnames:
        if not is_ours(info, name):
            values[name] = params[name]
        else:
            values[name] = supply(name, taker_of(item, name))
    return values
