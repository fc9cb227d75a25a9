"""Whether baselines may be updated here."""

from __future__ import annotations

import shlex
from dataclasses import replace

import pytest

from pytest_velo.errors import UsageError
from pytest_velo.integration.collect.stash import SPEC
from pytest_velo.integration.config.options import in_ci
from pytest_velo.integration.session import VeloSession
from pytest_velo.settings import Update


def check_update(item: pytest.Item, session: VeloSession) -> None:
    """Refuse to update baselines in CI, where the change goes unreviewed, unless their tests are named.

    Raises:
        UsageError: `--velo-update` for a claim about a baseline that no node id names.
    """
    if session.settings.update is None or not item.stash[SPEC].against_baseline or not in_ci():
        return
    if not replace(session.paying, everything=False).allows(item.nodeid):
        option = "--velo-update" if session.settings.update is Update.ALL else "--velo-update=new"
        raise UsageError(
            "baselines are not updated in CI: whatever the model does there would become the standard",
            where=item.nodeid,
            fix="update it on your machine and commit the file; or name the test:"
            f" pytest {shlex.quote(item.nodeid)} {option}",
        )
