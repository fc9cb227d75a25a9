"""How often each check finds what it is for, and how often it speaks where nothing is wrong.

Run with ``python benchmarks/checks.py DATA --write``. DATA is a folder with public data: `bbh/` (BIG-Bench
Hard, `suzgunmirac/BIG-Bench-Hard`) and `model_written_evals/` (`anthropics/evals`). Real draws are of the
embedded model, so `velo pull smollm2-135m` must have been run. `--write` puts what was measured into
`docs/checks/rates.json`, which `velo checks` and the pages show.

The checks were written with an eye on `model_written_evals/one-box-tendency` and `survival-instinct`, so
nothing is measured on these. What is right is never taken from a check: it is what was planted, or what the
engine said before it was hidden. Intervals are Clopper–Pearson's at 95%. Everything is seeded.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict, dataclass
from importlib import import_module
from pathlib import Path

from pytest_velo.stats.intervals import clopper_pearson

PARTS = ("checks_cases", "checks_of_replies", "checks_of_facts", "checks_of_order")
RATES = Path(__file__).parents[1] / "docs" / "checks" / "rates.json"
LEVEL = 0.95


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """How often a check spoke, out of how many times it was asked; `how` says on what."""

    found: int
    n: int
    low: float
    high: float
    how: str


def rate_of(spoke: list[bool], how: str) -> Rate:
    """Return the rate of a list of answers, with its interval."""
    found, n = sum(spoke), len(spoke)
    ends = clopper_pearson(found, n, LEVEL)
    return Rate(found=found, n=n, low=round(ends.low, 4), high=round(ends.high, 4), how=how)


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """Both rates of a check."""

    detection: Rate
    false_alarms: Rate


def main() -> None:
    """Measure all checks, print what was found, and write it where that is asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--only", nargs="*", help="codes; the rates of others stay")
    parser.add_argument("--write", action="store_true")
    given = parser.parse_args()
    rates = json.loads(RATES.read_text(encoding="utf-8"))["checks"]
    for name in PARTS:
        for code, measure in import_module(name).MEASURES.items():
            if given.only and code not in given.only:
                continue
            rates[code] = asdict(measure(given.data))
            for label, rate in rates[code].items():
                ends = f"[{rate['low']:.1%}, {rate['high']:.1%}]"
                print(f"{code} {label:12} {rate['found']:>4} of {rate['n']:<4} {ends}  {rate['how']}")
    if given.write:
        text = json.dumps({"checks": dict(sorted(rates.items()))}, indent=1, ensure_ascii=False)
        RATES.write_text(f"{text}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
