"""Which judges the tests of a session hold against labels, as far as can be seen before they run."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from pytest_velo.checks.labels import fields_of
from pytest_velo.designing.models import judge_id
from pytest_velo.integration.collect.stash import CASES, FUNCTION, SPEC
from pytest_velo.scorers.labels import LABEL
from pytest_velo.settings import Settings

_HELD: pytest.StashKey[frozenset[str]] = pytest.StashKey()
_ASKS_OTHERS = frozenset({"model", "velo", "openai_client", "anthropic_client"})


def judges_held(session: pytest.Session, settings: Settings) -> frozenset[str]:
    """Return the ids of the judges that any selected test holds against labels.

    It is known before the first test runs, so that what is said does not depend on their order, nor on how
    they are spread over xdist's workers.
    """
    if _HELD not in session.config.stash:
        session.config.stash[_HELD] = frozenset(_held(session, settings))
    return session.config.stash[_HELD]


def _held(session: pytest.Session, settings: Settings) -> Iterator[str]:
    for item in session.items:
        if isinstance(item, pytest.Function) and SPEC in item.stash and "judge" in item.fixturenames:
            judge = judge_id(item.stash[SPEC], settings)
            if judge is not None and (_validates(item) or _asks_about_labels(item)):
                yield judge


def _validates(item: pytest.Function) -> bool:
    """Tell whether the test's function calls `judge.validate`, or something of that name."""
    code = getattr(item.stash[FUNCTION], "__code__", None)
    return "validate" in getattr(code, "co_names", ())


def _asks_about_labels(item: pytest.Function) -> bool:
    """Tell whether the test asks the judge alone, about cases that have a label."""
    if _ASKS_OTHERS & {*item.fixturenames} or CASES not in item.stash:
        return False
    cases = item.stash[CASES].items
    return bool(cases) and LABEL in fields_of(cases[0])
