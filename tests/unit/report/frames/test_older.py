"""A record of an earlier version as data frames: what it did not write is null, and its numbers follow."""

from __future__ import annotations

from pathlib import Path

import pandas
import pytest

from pytest_velo.report.load import Run, load

BEFORE = Path(__file__).parents[3] / "reference" / "before"


@pytest.fixture(scope="module")
def older() -> Run:
    return load("2026-11-29T09-16-38Z", BEFORE)


@pytest.fixture(scope="module")
def trials(older: Run) -> pandas.DataFrame:
    return older.to_pandas()


def test_it_is_read_whole(older: Run, trials: pandas.DataFrame) -> None:
    assert len(trials) == 281
    assert trials.hypothesis.nunique() == len(older.to_pandas("hypotheses")) == 9
    assert len(older.to_pandas("claims")) == 10
    assert not [name for name in trials if name.startswith("case.")], "it did not keep the cases"
    assert trials.case.isna().all()
    assert {*trials.columns} > {"outcome.right", "outcome.long"}


@pytest.mark.parametrize("name", ["rate", "refuted", "mean", "estimate", "census", "groups", "difference"])
def test_its_numbers_follow_from_its_trials(older: Run, trials: pandas.DataFrame, name: str) -> None:
    evidence = older[f"::test_{name}"].decision.evidence
    mine = trials[trials.hypothesis.str.endswith(f"::test_{name}") & trials.counted]
    if name == "difference":
        arms = mine.pivot(index="pair", columns="arm", values="outcome")
        units = arms.thinks - arms.plain
    else:
        units = mine.groupby("unit").outcome.mean()
    assert units.mean() == pytest.approx(evidence.estimate)
    assert len(units) == evidence.n
