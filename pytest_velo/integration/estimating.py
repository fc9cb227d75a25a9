"""What a run would cost, without a call: at most max_trials times the calls a trial made last time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_velo.integration.building import rerun_line
from pytest_velo.integration.collection import SPEC
from pytest_velo.integration.designs import case_set, design_of
from pytest_velo.report.numbers import dollars

if TYPE_CHECKING:
    from pytest_velo.integration.session import VeloSession


def estimate(item: pytest.Item, session: VeloSession) -> str:
    """Say how many calls and dollars an item may take at most."""
    design = design_of(item.stash[SPEC], case_set(item, session.settings), session.settings)
    n_trials = design.max_units * design.unit_size
    seen = session.store.last_seen(item.nodeid)
    if seen is None:
        return f"estimate: at most {n_trials} trials; calls and dollars unknown until it has run once"
    calls, usd = seen.calls_per_trial * n_trials, seen.usd_per_trial
    cost = None if usd is None else usd * n_trials
    return (
        f"estimate: at most {calls:.0f} calls, {dollars(cost)}, over {n_trials} trials; cached ones are free"
    )


def skip_text(item: pytest.Item, session: VeloSession) -> str:
    """Say why an item was not sampled, what it would take, and the line that samples it."""
    line = rerun_line(item.nodeid, session.settings).replace("pytest", "pytest -m velo", 1)
    return f"needs paid draws, and nobody asked for them ({estimate(item, session)}); run: {line}"
