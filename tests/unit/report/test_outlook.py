"""What would likely decide an undecided hypothesis: trials, dollars, time and the line to type."""

from __future__ import annotations

from pytest_velo.report.outlook import outlook
from support.reports import undecided


def test_outlook_of_an_undecided_hypothesis() -> None:
    guess = outlook(undecided(log_e_support=1.0))
    assert guess.n_units == 600
    assert guess.cost_usd == 0.8
    assert guess.duration_s == 200.0
    assert guess.command == "pytest test_a.py::test_c --velo-seed=0 --velo-max-trials=600"
