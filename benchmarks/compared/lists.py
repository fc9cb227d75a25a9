"""Claims about a list whose cases differ: with a covariate, or learning the cases while they come."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from statistics import fmean

import numpy as np
from blocks import a_list as list_of_two_kinds
from blocks import in_blocks, share_between
from blocks import tosses as a_block
from covariates import a_list, tosses

from compared.following import Followed, Unit, followed, laws_of, learned_units, wrong_of
from compared.habits import Ends, Floats, Z, fixed_mean, observed, peeked
from compared.kinds import FIXED, MAX_TRIALS, OBSERVED, PEEKING, POWER, Cell, Kind, Law
from compared.rates import bound
from pytest_velo.claims import rate
from pytest_velo.stats.engine.centred import Centring, learned_centring
from pytest_velo.verdicts import Verdict

SQUARED = (0.15, 0.3, 0.5, 0.7)
KINDS = ((10, 0.5), (10, 0.8), (50, 0.5), (50, 0.8))
"""Cases, and the share of the variance that is between them."""

DISTANCE = 0.1
PATHS = 4_000
BLOCKS = "blocks that learn"
PLAIN = "without it"
KL = "log(1/alpha) / KL, the cases unknown"

Picks = Callable[[int], Iterator[Unit]]
"""Makes the units of a run from its seed."""


def covariates(runs: int) -> Kind:
    """Feed rules with a covariate that has this squared correlation, on 200 cases."""
    cells = []
    for squared in SQUARED:
        rates, z = a_list(np.random.default_rng(1), squared)
        centres = (z - z.min()) / (z.max() - z.min())
        centres -= centres.mean()
        known = Centring(float(centres.min()), float(centres.max()), float(centres.var()))
        seen = share_between(rates)
        cells.append(_cell(f"rho² {seen:.2f}", rates, known, seen, _picked(rates, centres), runs))
    return Kind(name="rate >= t, covariate=", least=KL, runs=runs, cells=cells)


def learning(runs: int) -> Kind:
    """Feed rules that learn the cases of a short list, of two kinds."""
    cells = []
    for n_cases, between in KINDS:
        rates = list_of_two_kinds(n_cases, between, 0.7)
        known = learned_centring([1.0 / n_cases] * n_cases, between)
        assert known.learning is not None
        truth = f"{n_cases} cases, {between:g} between"
        explained = known.learning.explained(MAX_TRIALS / 2)
        cells.append(_cell(truth, rates, known, explained, _learned(rates), runs, n_blocks=runs))
    return Kind(name="rate >= t, covariate=learned()", least=KL, runs=runs, cells=cells)


def _cell(
    truth: str,
    rates: Floats,
    known: Centring,
    explained: float,
    picks: Picks,
    runs: int,
    n_blocks: int = 0,
) -> Cell:
    """Compare on one list, whose rate is claimed to be 0.1 less than it is; then, at what it is."""
    centre = float(rates.mean())
    threshold, ends = centre - DISTANCE, Ends(centre - DISTANCE, None)

    def run(at: float, centring: Centring | None) -> list[Followed]:
        claim = rate >= at
        return [followed(claim, picks(seed), centring, explained) for seed in range(runs)]

    laws = laws_of(run(threshold, known), Verdict.SUPPORTED)
    plain = laws_of(run(threshold, None), Verdict.SUPPORTED)
    within = centre * (1.0 - centre) * (1.0 - share_between(rates))
    laws[PLAIN] = next(iter(plain.values()))
    laws[FIXED] = Law(trials=fixed_mean(within, DISTANCE), right=POWER)
    laws[OBSERVED] = _law(observed(centre, ends))
    laws[PEEKING] = _law(peeked(centre, ends))
    if n_blocks:
        rng = np.random.default_rng(1)
        draw = a_block(rates)
        taken = [in_blocks(rng, draw, threshold, learns=True) for _ in range(n_blocks)]
        laws[BLOCKS] = Law(trials=fmean(taken))
    wrong = wrong_of(run(centre, known))
    edge, rng = Ends(centre, None), np.random.default_rng(2)
    wrong[FIXED] = _size(rng, rates, round(laws[FIXED].trials))
    wrong[OBSERVED], wrong[PEEKING] = max(observed(centre, edge)[:2]), max(peeked(centre, edge)[:2])
    return Cell(
        claim=f"rate >= {threshold:.2g}", truth=truth, least=bound(centre, threshold), laws=laws, wrong=wrong
    )


def _size(rng: np.random.Generator, rates: Floats, n: int) -> float:
    """Return how often the fixed n, which knows the cases, rejects the list's own rate."""
    picks = rng.integers(0, len(rates), (PATHS, n))
    left = (tosses(rng, rates[picks]) - rates[picks]).mean(axis=1)
    return float((left * np.sqrt(n / (rates * (1.0 - rates)).mean()) > Z).mean())


def _law(found: tuple[float, float, float]) -> Law:
    supported, _, trials = found
    return Law(trials=trials, right=supported)


def _picked(rates: Floats, centres: Floats) -> Picks:
    def units(seed: int) -> Iterator[Unit]:
        rng = np.random.default_rng(seed)
        picks = rng.integers(0, len(rates), MAX_TRIALS)
        for value, centre in zip(tosses(rng, rates[picks]).tolist(), centres[picks].tolist(), strict=True):
            yield Unit(value=value, centre=centre)

    return units


def _learned(rates: Floats) -> Picks:
    def units(seed: int) -> Iterator[Unit]:
        rng = np.random.default_rng(seed)
        picks = rng.integers(0, len(rates), MAX_TRIALS)
        return learned_units(picks.tolist(), tosses(rng, rates[picks]).tolist(), len(rates))

    return units
