"""The baseline file, `velo-baseline.json`: what is committed with the tests and guarded against."""

from __future__ import annotations

from pytest_velo.baselines.entry import Sampled
from pytest_velo.baselines.file import BaselineFile


def test_an_accepted_sample_is_found_again() -> None:
    file = BaselineFile().accept(
        hypothesis="test_a.py::test_b",
        model="",
        statistic="rate",
        design="",
        sampled=Sampled(made_at="2026-12-01T09:30:00+00:00", seed=0, set_digest="", turns=()),
    )
    assert file.get("test_a.py::test_b", "", "rate").anchor.made_at == "2026-12-01T09:30:00+00:00"
