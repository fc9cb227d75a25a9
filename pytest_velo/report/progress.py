"""The live line of a run that goes on."""

from __future__ import annotations

from pytest_velo.records import add_costs
from pytest_velo.report.terminal import progress_line
from pytest_velo.runner.distance import n_against, pair_counts
from pytest_velo.runner.run import Run


def run_line(run: Run, name: str, width: int, encoding: str | None = "utf-8") -> str:
    """Return the line; without an interval, whose inversion takes milliseconds on the loop."""
    n_valid = run.units.n_valid
    statistic = run.hypothesis.claim.statistics[0]
    return progress_line(
        name,
        n_for=n_valid - n_against(run.weigher.distances(), run.units),
        n_valid=n_valid,
        estimate=run.estimate,
        ends=None,
        min_more=run.weigher.min_more(),
        what="difference" if statistic.arms else "rate" if statistic.binary else "mean",
        pairs=pair_counts(run.units, binary=statistic.binary),
        cost_usd=add_costs(trial.cost_usd for trial in run.trials),
        width=width,
        encoding=encoding,
    )
