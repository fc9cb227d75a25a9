"""How many trials every kind of claim takes, beside a fixed n and beside the usual rules.

    python benchmarks/claims.py                     # everything; some minutes
    python benchmarks/claims.py rates ranges        # some kinds
    python benchmarks/claims.py --runs 50           # fewer simulated runs

Rates, ranges and estimates of rates are exact (dynamic programming). The others are simulated (seeded),
through the rules that ship. alpha = beta = 0.05, max_trials 1,000 (ranges 2,000, estimates 3,000). The ways
that are compared are said below the tables; `verdicts.py` prints how often each is wrong.

Trials are given over what is best known: log(1/alpha) / KL, which no rule that errs with probability alpha
and always decides can beat on average (one that gives up may well); KL_inf for scores; for a range the
two-edge bound (`within.py`). For estimates and rankings no such bound is known that is near, so it is the
fixed n of whoever knows the truth beforehand.
"""

from __future__ import annotations

from compared.catalogue import (
    SCHEDULERS,
    asked_of,
    how,
    made,
    parser_of,
    print_overview,
    print_schedulers,
)
from compared.kinds import OURS, Cell, Kind
from measuring import machine, print_table


def main() -> None:
    """Print a table for each kind, and one of all."""
    parser = parser_of(__doc__)
    options = parser.parse_args()
    asked = asked_of(parser, options)
    print(machine("numpy", "scipy"))
    found = []
    for kind in made(asked, options.runs):
        found.append(kind)
        print_kind(kind)
    if found:
        title = "Every kind: geometric mean of mean trials over what they are measured by"
        print_overview(title, found, _mean_ratio)
    if SCHEDULERS in asked:
        print_schedulers(options.sessions)


def print_kind(kind: Kind) -> None:
    """Print the cells of a kind: trials over what they are measured by, and P(right) of ours."""
    ways = [way for way in kind.ways if any(way in cell.laws for cell in kind.cells)]
    rows = [
        [
            cell.claim,
            cell.truth,
            f"{cell.least:,.0f}",
            *(_ratio(cell, way) for way in ways),
            f"{cell.laws[OURS].right or 0.0:.1%}",
        ]
        for cell in kind.cells
    ]
    rows.append(["geometric mean", "", "", *(f"{kind.ratio(way) or 0.0:.2f}" for way in ways), ""])
    title = f"{kind.name}: mean trials over {kind.least}, {how(kind)}"
    print_table(title, ["claim", "truth", "least", *ways, f"right, {OURS}"], rows)


def _ratio(cell: Cell, way: str) -> str:
    return f"{cell.laws[way].trials / cell.least:.2f}" if way in cell.laws else ""


def _mean_ratio(kind: Kind, way: str) -> str:
    ratio = kind.ratio(way)
    return "" if ratio is None else f"{ratio:.2f}"


if __name__ == "__main__":
    main()
