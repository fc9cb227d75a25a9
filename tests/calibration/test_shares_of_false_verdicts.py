"""Under e-BH the mean share of wrong ones among the verdicts is at most alpha, whatever members share.

By the step that ships, `settle`: exactly, where members' e-values are as bold as they may be, and in 20,000
runs of members that stop by their own evidence, as `--velo-multiplicity=ebh` designs them.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from pytest_velo.claims import rate
from pytest_velo.designing.frame import make_frame
from pytest_velo.designing.spec import Spec
from pytest_velo.records import Family, HypothesisResult, Outcome
from pytest_velo.runner.holm import settle
from pytest_velo.settings import Settings
from pytest_velo.stats.engine.mixture import log_e_counts
from pytest_velo.verdicts import Verdict
from support.members import NO_EVIDENCE, UNDECIDED

ALPHA, BETA, N_RUNS, N_UNITS = 0.2, 0.1, 20_000, 40
FALSE, TRUE = 4, 2
"""Claims `rate >= 0.5`: at the edge, and far beyond it."""
SIZE = FALSE + TRUE
FAMILY = Family(name="f", size=SIZE, alpha=ALPHA, beta=BETA, procedure="ebh")
_MEMBER = HypothesisResult(node_id="t", belief="", claim="", scope="", outcome=Outcome.INCONCLUSIVE)


def member(log_e_support: float, log_e_refute: float, size: int = SIZE) -> HypothesisResult:
    """Return a member that stopped with this evidence, with the verdict that it has by itself."""
    outcome = Outcome.INCONCLUSIVE
    if log_e_support >= math.log(size / ALPHA):
        outcome = Outcome.SUPPORTED
    elif log_e_refute >= math.log(size / BETA):
        outcome = Outcome.REFUTED
    evidence = replace(NO_EVIDENCE, rule="ville", log_e_support=log_e_support, log_e_refute=log_e_refute)
    decision = replace(UNDECIDED, verdict=Verdict(outcome.value), evidence=evidence)
    return replace(_MEMBER, outcome=outcome, decision=decision, family=replace(FAMILY, size=size))


@pytest.mark.parametrize("of", [Outcome.SUPPORTED, Outcome.REFUTED])
def test_the_boldest_e_values_spend_alpha_exactly_and_no_more(of: Outcome) -> None:
    """Of twelve true nulls k at a time have the same e-value, 12 / (level k) and less, else 0.

    An e-value of c has a probability of 1 / c at most. The k come together, another k with other draws: so
    one block or none is there, and its verdicts are all wrong. That is the worst there can be.
    """
    size, level = 12, ALPHA if of is Outcome.SUPPORTED else BETA
    worst = 0.0
    for k in (1, 2, 3, 4, 6, 12):
        for short in (1.0, 0.97, 0.9, 0.8, 0.5):
            bold = size / (level * k) * short
            p_any = (size / k) / bold  # of disjoint blocks, each with the probability 1 / bold
            logs = [math.log(bold)] * k + [-math.inf] * (size - k)
            both = [(e, -1.0) if of is Outcome.SUPPORTED else (-1.0, e) for e in logs]
            found = [each.outcome is of for each in settle([member(*pair, size=size) for pair in both])]
            share = p_any if any(found) else 0.0
            assert share <= level + 1e-12, (k, short)
            worst = max(worst, share)
    assert worst == pytest.approx(level)


def counts(shared: str, seed: int) -> np.ndarray:
    """Return the ones so far of each run, member and unit."""
    rng = np.random.default_rng(seed)
    luck = rng.random((N_RUNS, 1 if shared else SIZE, N_UNITS))
    if shared == "opposed":  # each finds another part of the one draw to be a 1
        luck = (luck + np.arange(SIZE)[None, :, None] / FALSE) % 1.0
    rates = np.array([0.5] * FALSE + [0.75] * TRUE)[None, :, None]
    return (np.broadcast_to(luck, (N_RUNS, SIZE, N_UNITS)) < rates).cumsum(axis=2)


def evidence_of(ones: np.ndarray, side: int) -> np.ndarray:
    """Return the log evidence after each unit."""
    table = np.full((N_UNITS + 1, N_UNITS + 1), np.nan)
    for n in range(1, N_UNITS + 1):
        table[n, : n + 1] = [log_e_counts(n, s, 0.5, side) for s in range(n + 1)]
    return table[np.arange(1, N_UNITS + 1), ones]


@pytest.mark.parametrize("shared", ["", "the same", "opposed"])
def test_the_share_holds_and_without_the_procedure_it_would_not(calibration, shared: str) -> None:
    ones = counts(shared, seed=11 + len(shared))
    both = np.stack([evidence_of(ones, side) for side in (1, -1)])
    over = (both[0] >= math.log(SIZE / ALPHA)) | (both[1] >= math.log(SIZE / BETA))
    at = np.where(over.any(axis=2), over.argmax(axis=2), N_UNITS - 1)
    ended = np.take_along_axis(both, at[None, :, :, None], axis=3)[..., 0]

    frame = make_frame(
        Spec(claim=rate >= 0.5, options={"max_trials": N_UNITS, "alpha": ALPHA, "beta": BETA}),
        None,
        Settings(seed=0),
        family=FAMILY,
    )
    hypothesis = replace(calibration.hypothesis(rate >= 0.5, N_UNITS), frame=frame)
    for run in range(60):  # where a member stops, and with what, is what the weigher makes of its trials
        for which in range(SIZE):
            path = np.diff(ones[run, which], prepend=0).tolist()
            weigher, _ = calibration.weighed(hypothesis, ([calibration.trial(_=float(one))] for one in path))
            assert weigher.n == at[run, which] + 1
            assert weigher.log_e() == pytest.approx(tuple(ended[:, run, which].tolist()), abs=1e-9)

    wrong = {Outcome.SUPPORTED: np.zeros(N_RUNS), Outcome.REFUTED: np.zeros(N_RUNS)}
    n_true = 0
    near = (
        ended[0][:, :FALSE].max(axis=1) >= math.log(1 / ALPHA) - 0.05
    )  # else none that is false is supported
    near |= ended[1].max(axis=1) >= math.log(1 / BETA) - 0.05
    for run in [*np.flatnonzero(near).tolist(), *np.flatnonzero(~near)[:200].tolist()]:
        found = [each.outcome for each in settle([member(*pair) for pair in ended[:, run].T.tolist()])]
        supported, refuted = found.count(Outcome.SUPPORTED), found.count(Outcome.REFUTED)
        assert near[run] or not refuted + found[:FALSE].count(Outcome.SUPPORTED)
        n_true += found[FALSE:].count(Outcome.SUPPORTED)
        if supported:
            wrong[Outcome.SUPPORTED][run] = found[:FALSE].count(Outcome.SUPPORTED) / supported
        wrong[Outcome.REFUTED][run] = float(refuted > 0)
    shares = {outcome: float(of_runs.mean()) for outcome, of_runs in wrong.items()}
    calibration.tell(shares)
    for outcome, level in ((Outcome.SUPPORTED, ALPHA), (Outcome.REFUTED, BETA)):
        assert 0.0 < shares[outcome] <= level + 4 * math.sqrt(level * (1 - level) / N_RUNS)
    assert n_true > 100  # it supports what is true
    if not shared:  # each at alpha: if all claims are false, any that is supported is a share of 1
        alone = (both[0, :, :FALSE].max(axis=2) >= math.log(1 / ALPHA)).any(axis=1)
        assert alone.mean() > 1.4 * ALPHA
