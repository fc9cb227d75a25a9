"""The checks of an item: which there are, what its marks silence, and what they find before it runs."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from pytest_velo.checks.check import Check
from pytest_velo.checks.registry import OURS, check_silence, known_checks
from pytest_velo.designing.checking import Checking, checking_of
from pytest_velo.designing.spec import Spec
from pytest_velo.integration.collect.frame import case_set, frame_of
from pytest_velo.integration.collect.judges import judges_held
from pytest_velo.integration.collect.stash import CHECKING, FUNCTION, SPEC
from pytest_velo.settings import Settings

_CHECKS: pytest.StashKey[Sequence[Check]] = pytest.StashKey()
"""The checks of a session."""


def our_checks() -> tuple[Check, ...]:
    """Return those of pytest-velo."""
    return OURS


def checks_of(config: pytest.Config) -> Sequence[Check]:
    """Return the checks of a session, by code.

    Raises:
        UsageError: A plugin's check has the code of another.
    """
    if _CHECKS not in config.stash:
        config.stash[_CHECKS] = known_checks(config.hook.pytest_velo_checks())
    return config.stash[_CHECKS]


def check_silenced(spec: Spec, config: pytest.Config) -> None:
    """Refuse a `silence=` that names what is no check.

    Raises:
        UsageError: Without a place; the caller knows it.
    """
    silence = spec.get("silence")
    if silence is not None:
        check_silence(silence, checks_of(config))


def checking_for(item: pytest.Function, settings: Settings) -> Checking:
    """Return the checks of an item, made once; those of its cases have looked.

    Raises:
        UsageError: As in `frame_of`.
    """
    if CHECKING not in item.stash:
        cases, frame = case_set(item, settings), frame_of(item, settings)
        checks = checks_of(item.config)
        held = judges_held(item.session, settings)
        item.stash[CHECKING] = checking_of(
            item.stash[SPEC], frame, cases, item.stash[FUNCTION], checks, judges_held=held
        )
    return item.stash[CHECKING]
