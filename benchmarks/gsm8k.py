"""What is saved where the cases of a real list are known: GSM8K, and four models' answers to it.

Run with ``python benchmarks/gsm8k.py``; some minutes. `gsm8k_outcomes.json` says, question by question, which
of the published solutions are right. So each question always comes out the same, and two models in one of
four ways. Claims are about the mean over the first 20, 60, 200 or all 1,319 questions, 0.1 less than it is
there, at alpha = beta = 5% and max_trials 1,000; through the rules that ship:

- *picks*: today's design, each trial a question with replacement, by the calibrated rule if there is one;
- *cheap model*: with the smallest model's right and wrong answers as `covariate=`, its correlation expected;
- *learned*: with `covariate=learned()`;
- *blocks*: each question once before any comes again, which learns, too, and is not offered (`blocks.py`).

The last three are trials in proportion to those of picks; 300 seeded runs each.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from statistics import fmean

import numpy as np
from blocks import HORIZON, in_blocks
from compared.following import Unit, followed, learned_units
from measuring import machine, print_table

from pytest_velo import difference, rate
from pytest_velo.claims import Claim
from pytest_velo.stats.engine.arrays import Floats
from pytest_velo.stats.engine.centred import Centring, learned_centring

OUTCOMES = Path(__file__).with_name("gsm8k_outcomes.json")
CHEAP = "6b_finetuning"
CLAIMS = (
    ("6b_verification", None),
    ("175b_finetuning", None),
    ("175b_verification", None),
    ("175b_verification", "6b_verification"),
    ("175b_verification", "175b_finetuning"),
    ("6b_verification", "175b_finetuning"),
)
"""A model, and the one that it is compared with."""

SIZES = (20, 60, 200, 1_319)
DISTANCE = 0.1


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=300, help="of each cell (default 300)")
    runs = parser.parse_args().runs
    right = {
        name: np.array([int(each) for each in outcomes], dtype=float)
        for name, outcomes in json.loads(OUTCOMES.read_text(encoding="utf-8"))["outcomes"].items()
    }
    rows = [
        row
        for model, other in CLAIMS
        for size in SIZES
        if (row := compared(model, other, {name: each[:size] for name, each in right.items()}, runs))
    ]
    head = ["claim about", "questions", "it is", "rho²", "picks", "cheap model", "learned", "blocks"]
    print(machine())
    print_table(f"Trials of picks, and the others' in proportion to them, {runs} runs", head, rows)


def compared(model: str, other: str | None, right: dict[str, Floats], runs: int) -> list[str]:
    """Return a row of the table; nothing where the claim would be trivial."""
    units = right[model] if other is None else (right[model] - right[other] + 1.0) / 2.0
    truth = float(units.mean())
    claimed = truth - DISTANCE if other is None else 2.0 * truth - 1.0 - DISTANCE
    if not (0.02 < truth < 0.98 and truth - DISTANCE > 0.02):
        return []
    claim = rate >= claimed if other is None else difference(model, other) >= claimed
    centres = right[CHEAP] - right[CHEAP].mean()
    known = Centring(float(centres.min()), float(centres.max()), float(centres.var()))
    squared = float(np.corrcoef(units, centres)[0, 1] ** 2)
    learned = learned_centring([1.0 / len(units)] * len(units), 1.0)
    assert learned.learning is not None
    picks = taken(claim, units, None, runs)
    cheap = taken(claim, units, known, runs, squared, centres)
    own = taken(claim, units, learned, runs, learned.learning.explained(HORIZON / 2))
    rng, edge = np.random.default_rng(1), truth - DISTANCE / (1 if other is None else 2)
    blocks = fmean(in_blocks(rng, lambda _: units, edge, learns=True) for _ in range(runs))
    return [
        model if other is None else f"{model} - {other}",
        f"{len(units):,}",
        f"{truth if other is None else 2.0 * truth - 1.0:.2f}",
        f"{squared:.2f}",
        f"{picks:.0f}",
        *(f"{each / picks:.2f}" for each in (cheap, own, blocks)),
    ]


def taken(
    claim: Claim,
    units: Floats,
    known: Centring | None,
    runs: int,
    explained: float = 0.0,
    centres: Floats | None = None,
) -> float:
    """Return the mean trials of the rule that ships."""
    found = [followed(claim, picked(units, centres, seed), known, explained) for seed in range(runs)]
    return fmean(run.n for run in found)


def picked(units: Floats, centres: Floats | None, seed: int) -> Iterator[Unit]:
    """Pick questions with replacement, with what is known of each before it is asked."""
    picks = np.random.default_rng(seed).integers(0, len(units), HORIZON)
    values = units[picks].tolist()
    if centres is None:
        yield from learned_units(picks.tolist(), values, len(units))
        return
    for value, centre in zip(values, centres[picks].tolist(), strict=True):
        yield Unit(value=value, centre=centre)


if __name__ == "__main__":
    main()
