"""Records that do not say which trials make a unit: what else in them tells it; nothing is guessed."""

from __future__ import annotations

import pytest

from pytest_velo.baselines.older import NotComparable, with_units
from support.reports import refuted, trial


def test_older_trials_get_units_unless_they_had_groups() -> None:
    told = with_units(refuted(trials=(trial(0, 1), trial(1, 0))))
    assert told.unit.value == "trial"
    assert [(trial.unit, trial.unit_size) for trial in told.trials] == [(0, 1), (1, 1)]
    with pytest.raises(NotComparable, match="an older record does not tell the groups apart"):
        with_units(refuted(scope="beyond these cases (unit: group)"))
