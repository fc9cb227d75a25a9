"""Verdicts on logs: error rates at the boundary, from the file to the verdict, whatever broke in the log."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from random import Random
from typing import Any

import pytest

from pytest_velo.claims import AnyClaim, difference, rate
from pytest_velo.logs.arms import read_arms
from pytest_velo.logs.grid import make_grid
from pytest_velo.logs.judging import Options, judge
from pytest_velo.runner.frame import Over
from pytest_velo.verdicts import Verdict
from support.logs import rows_of, write_rows

N_PAIRS = 250
"""Of logs: 500 samples in 4 epochs are judged in tests/servers, with logs of Inspect."""
ALPHA = 0.05


def verdict_on(
    folder: Path, claim: AnyClaim, logs: Mapping[str, Sequence[Mapping[str, Any]]], **told: Any
) -> Verdict:
    files = [write_rows(folder / f"{name}.jsonl", rows) for name, rows in logs.items()]
    options = Options(alpha=ALPHA, beta=ALPHA, **told)
    return judge(claim, make_grid(read_arms(files)), options).verdict


def hidden(rows: Sequence[Mapping[str, Any]], rng: Random, *, right: float, wrong: float) -> list[Any]:
    """Return rows of which some broke: more of those that would have come out one way."""
    return [
        {"id": row["id"], "epoch": row["epoch"], "error": "429"}
        if rng.random() < (right if row["correct"] else wrong)
        else row
        for row in rows
    ]


@pytest.mark.parametrize("broken", ["nothing", "wrong answers of a, right ones of b"])
def test_a_difference_at_the_boundary_is_seldom_decided(
    tmp_path: Path, calibration: Any, broken: str
) -> None:
    """Samples differ in how hard they are; their rates are drawn anew for each pair of logs."""
    claim = difference("a", "b") >= 0.1
    found: Counter[Verdict] = Counter()
    for seed in range(N_PAIRS):
        rng = Random(seed)
        hard = [0.9 * rng.random() for _ in range(40)]
        a = rows_of([rate + 0.1 for rate in hard], rng, epochs=2)
        b = rows_of(hard, rng, epochs=2)
        if broken != "nothing":
            a = hidden(a, rng, right=0.0, wrong=0.3)
            b = hidden(b, rng, right=0.3, wrong=0.0)
        found[verdict_on(tmp_path, claim, {"a": a, "b": b}, seed=seed)] += 1
    for verdict in (Verdict.SUPPORTED, Verdict.REFUTED):
        assert found[verdict] / N_PAIRS <= calibration.most(ALPHA, N_PAIRS), found


@pytest.mark.parametrize("told", [{}, {"over": Over.CASES}], ids=["once", "with replacement"])
def test_a_rate_at_the_boundary_is_seldom_decided(
    tmp_path: Path, calibration: Any, told: dict[str, Any]
) -> None:
    """Of what the samples were drawn from, and of the samples themselves, picked with replacement."""
    found: Counter[Verdict] = Counter()
    fixed = [Random(0).choice((0.2, 0.6, 1.0)) for _ in range(60)]
    threshold = 0.6 if not told else sum(fixed) / len(fixed)
    for seed in range(N_PAIRS):
        rng = Random(seed)
        hard = fixed if told else [rng.choice((0.2, 0.6, 1.0)) for _ in range(60)]
        rows = rows_of(hard, rng, epochs=1 if not told else 4)
        found[verdict_on(tmp_path, rate >= threshold, {"a": rows}, seed=seed, **told)] += 1
    for verdict in (Verdict.SUPPORTED, Verdict.REFUTED):
        assert found[verdict] / N_PAIRS <= calibration.most(ALPHA, N_PAIRS), found


def test_what_is_true_is_supported_and_what_is_false_refuted(tmp_path: Path) -> None:
    found: Counter[Verdict] = Counter()
    for seed in range(20):
        rng = Random(seed)
        hard = [0.6 * rng.random() for _ in range(300)]
        logs = {
            "a": rows_of([rate + 0.25 for rate in hard], rng, epochs=2),
            "b": rows_of(hard, rng, epochs=2),
        }
        found[verdict_on(tmp_path, difference("a", "b") >= 0.1, logs)] += 1
        found[verdict_on(tmp_path, difference("b", "a") >= -0.1, logs)] += 1
    assert found == {Verdict.SUPPORTED: 20, Verdict.REFUTED: 20}
