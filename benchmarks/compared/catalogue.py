"""All kinds of claims that are compared, and their tables."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence

from measuring import print_table
from scheduling import ratios

from compared.estimates import estimates_of_rates, estimates_of_scores
from compared.kinds import FIXED, OBSERVED, OURS, PATIENT, PEEKING, WAYS, Kind
from compared.lists import covariates, learning
from compared.plugins import plugins
from compared.ranges import ranges
from compared.rankings import rankings
from compared.rates import rates
from compared.scores import differences, scores

KINDS: dict[str, Callable[[int], Kind | None]] = {
    "rates": lambda _: rates(),
    "plugins": lambda _: plugins(),
    "ranges": lambda _: ranges(),
    "means": scores,
    "differences": differences,
    "estimates": lambda _: estimates_of_rates(),
    "scores": estimates_of_scores,
    "covariates": covariates,
    "learned": learning,
    "rankings": rankings,
}
"""Each kind by the word that asks for it, made from the simulated runs of a cell."""

SCHEDULERS = "schedulers"
NO_PLUGINS = "\nplugins: not installed here; rivals.py says how to make an environment with them"


RUNS = 300
SESSIONS = 40


def parser_of(about: str | None) -> argparse.ArgumentParser:
    """Make a parser of the options that every comparison of kinds has."""
    parser = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    names = ", ".join([*KINDS, SCHEDULERS])
    parser.add_argument("kinds", nargs="*", metavar="kind", help=f"of {names} (default all)")
    parser.add_argument("--runs", type=int, default=RUNS, help=f"simulated runs a cell (default {RUNS})")
    parser.add_argument(
        "--sessions", type=int, default=SESSIONS, help=f"of each scheduler (default {SESSIONS})"
    )
    return parser


def asked_of(parser: argparse.ArgumentParser, options: argparse.Namespace) -> list[str]:
    """Return the names of the kinds that are asked for; an unknown one ends the process."""
    names = [*KINDS, SCHEDULERS]
    asked: list[str] = options.kinds or names
    if unknown := [name for name in asked if name not in names]:
        parser.error(f"no kind {unknown[0]!r}; there are {', '.join(names)}")
    return asked


def made(names: Sequence[str], runs: int) -> Iterator[Kind]:
    """Make the kinds of these names, and say which is under way; some take minutes."""
    for name in KINDS:
        if name in names:
            print(f"{name} ...", file=sys.stderr, flush=True)
            kind = KINDS[name](runs)
            if kind is None:
                print(NO_PLUGINS)
            else:
                yield kind


def print_schedulers(sessions: int) -> None:
    """Print what each scheduler spends; no verdict depends on it, so none is more often wrong."""
    found = {in_flight: ratios(sessions, in_flight) for in_flight in (1, 20)}
    rows = [
        [name, *(f"{share:.2f} ± {error:.2f}" for share, error in (by[name] for by in found.values()))]
        for name in found[1]
    ]
    title = f"The next hypothesis: trials to the 10th of 30 verdicts over round-robin's, {sessions} sessions"
    print_table(title, ["scheduler", *(f"{in_flight} in flight" for in_flight in found)], rows)


def print_overview(title: str, kinds: Sequence[Kind], told: Callable[[Kind, str], str]) -> None:
    """Print a row for each kind and what the usual ways mean; `told` says what a way does."""
    ways = (OURS, PATIENT, FIXED, OBSERVED, PEEKING)
    rows = [
        [kind.name, kind.least, f"{len(kind.cells)}, {how(kind)}", *(told(kind, way) for way in ways)]
        for kind in kinds
    ]
    print_table(title, ["kind", "trials over", "cells", *ways], rows)
    print()
    for way, meaning in WAYS.items():
        print(f"- {way}: {meaning}.")


def how(kind: Kind) -> str:
    """Say how its figures were found."""
    return f"{kind.runs:,} runs each" if kind.runs else "exact"
