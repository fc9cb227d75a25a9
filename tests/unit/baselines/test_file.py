"""The baseline file, `velo-baseline.json`: what is committed with the tests and guarded against."""

from __future__ import annotations

from pathlib import Path

import pytest

import pytest_velo.baselines.file as file_module
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


def test_a_file_is_read_once_until_it_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reads = []
    really = file_module.decode
    monkeypatch.setattr(file_module, "decode", lambda text: (reads.append(len(text)), really(text))[1])
    path = tmp_path / "velo-baseline.json"
    sample = Sampled(made_at="2026-12-01T09:30:00+00:00", seed=0, set_digest="", turns=())

    def accepted(name: str) -> None:
        known = BaselineFile.load(path)
        known.accept(hypothesis=name, model="", statistic="rate", design="", sampled=sample).save(path)

    accepted("test_a.py::test_b")
    for _ in range(5):  # as each test of a session does
        assert len(BaselineFile.load(path).entries) == 1
    assert len(reads) == 1
    accepted("test_a.py::test_c")
    assert len(BaselineFile.load(path).entries) == 2
    path.unlink()
    assert not BaselineFile.load(path).entries
