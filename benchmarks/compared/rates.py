"""Claims about a rate: `rate >= t`, exactly, over thresholds and effects from clear to hardly detectable."""

from __future__ import annotations

import math

from compared.habits import Ends, fixed_test, observed, peeked
from compared.kinds import ALPHA, FIXED, MAX_TRIALS, OBSERVED, OURS, PATIENT, PEEKING, POWER, Cell, Kind, Law
from pytest_velo.claims import rate
from pytest_velo.stats.engine.design import Design
from pytest_velo.stats.engine.futility import usual_futility
from pytest_velo.stats.planning.operating import law_with_futility, operating_characteristics
from pytest_velo.stats.rules.rate import RateRule, make_rate_rule

THRESHOLDS = (0.05, 0.1, 0.3, 0.5, 0.7, 0.9, 0.95)
EFFECTS = (-0.3, -0.2, -0.1, -0.05, 0.05, 0.1, 0.2, 0.3)


def rates() -> Kind:
    """Compute the grid; some seconds."""
    cells = [cell for threshold in THRESHOLDS for cell in _cells(threshold)]
    return Kind(name="rate >= t", least="log(1/alpha) / KL", runs=0, cells=cells)


def bound(truth: float, threshold: float) -> float:
    """Return log(1/alpha) over the divergence of the truth from the threshold, in trials."""
    pairs = ((truth, threshold), (1.0 - truth, 1.0 - threshold))
    return math.log(1.0 / ALPHA) / sum(p * math.log(p / q) for p, q in pairs if p > 0.0)


def rule_for(threshold: float, max_trials: int = MAX_TRIALS) -> RateRule:
    """Return the shipped rule."""
    return make_rate_rule(rate >= threshold, Design(alpha=ALPHA, beta=ALPHA, max_units=max_trials))


def _cells(threshold: float) -> list[Cell]:
    truths = [threshold + effect for effect in EFFECTS if 0.005 < threshold + effect < 0.995]
    at = [threshold, *truths]  # at the threshold either verdict is at its most wrong
    shipped = law_with_futility(rule_for(threshold), usual_futility(MAX_TRIALS))(at)
    patient = operating_characteristics(rule_for(threshold), at)
    ends, found = Ends(threshold, None), []
    peeked_edge, observed_edge = peeked(threshold, ends), observed(threshold, ends)
    wrong = {
        OURS: max(shipped[0].supported, shipped[0].refuted),
        PATIENT: max(patient[0].supported, patient[0].refuted),
        OBSERVED: max(observed_edge[:2]),
        PEEKING: max(peeked_edge[:2]),
    }
    for truth, law, to_the_end in zip(truths, shipped[1:], patient[1:], strict=True):
        of = 0 if truth > threshold else 1  # the verdict that is right
        asked, looked = observed(truth, ends), peeked(truth, ends)
        laws = {
            OURS: Law(trials=law.mean_n, right=(law.supported, law.refuted)[of]),
            PATIENT: Law(trials=to_the_end.mean_n, right=(to_the_end.supported, to_the_end.refuted)[of]),
            OBSERVED: Law(trials=asked.trials, right=asked[of]),
            PEEKING: Law(trials=looked.trials, right=looked[of]),
        }
        own = dict(wrong)
        if fixed := fixed_test(truth, threshold):
            laws[FIXED], own[FIXED] = Law(trials=fixed[0], right=POWER), fixed[1]
        cell = Cell(
            claim=f"rate >= {threshold:g}",
            truth=f"{truth:g}",
            least=bound(truth, threshold),
            laws=laws,
            wrong=own,
        )
        found.append(cell)
    return found
