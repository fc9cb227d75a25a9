"""Whether baselines may be updated here."""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from dataclasses import replace

import pytest

from pytest_velo.errors import UsageError
from pytest_velo.integration.collect.mistakes import keep
from pytest_velo.integration.collect.stash import SPEC
from pytest_velo.integration.config.options import in_ci
from pytest_velo.integration.session import VeloSession
from pytest_velo.settings import Update


def check_update(items: Iterable[pytest.Function], session: VeloSession) -> None:
    """Refuse to update baselines in CI, where the change goes unreviewed, unless their tests are named.

    The mistake is kept, as any other.
    """
    if session.settings.update is None or not in_ci():
        return
    named = replace(session.paying, everything=False)
    option = "--velo-update" if session.settings.update is Update.ALL else "--velo-update=new"
    for item in items:
        if item.stash[SPEC].against_baseline and not named.allows(item.nodeid):
            error = UsageError(
                "baselines are not updated in CI: whatever the model does there would become the standard",
                where=item.nodeid,
                fix="update it on your machine and commit the file; or name the test:"
                f" pytest {shlex.quote(item.nodeid)} {option}",
            )
            keep(item, error)
