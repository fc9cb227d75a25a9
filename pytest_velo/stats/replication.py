"""Evidence of replications: e-values of independent draws multiply.

**The theorem.** Let E1, E2, … be the evidence against one null from fresh draws, each stopped by any rule
that looks at what came so far, and each followed or not by another, as its owner likes. Each Ek is the value
of a non-negative supermartingale at a stopping time, given all before: E(Ek | E1 … Ek-1) <= 1 under the null.
So the products M1 = E1, M2 = E1 E2, … are a non-negative supermartingale that starts at 1, and by Ville's
inequality P(any Mk >= 1/alpha) <= alpha, however often it is replicated, and whyever.
Sources: Ville (1939); Shafer (2021), "Testing by betting", JRSS A 184:407; Grünwald, de Heide & Koolen
(2024), "Safe testing", JRSS B 86:1091, proposition 2.

**What is multiplied.** The evidence itself (`log_e`), at Ville's threshold. The calibrated rules compare the
same mixture of likelihood ratios with a lower threshold, which is exact for one run of one horizon; neither
that threshold nor a p-value may be used on a product. So a product may be undecided where a run alone was
not. What several nulls share (the smaller of two e-values against "the claim is false", the mean of several
against "it is true") is an e-value under each of them, so its products are.

**What may not be multiplied.** Evidence about a population from cases that were seen: given the first run
their mean is not the population's. The caller sees to it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from pytest_velo.verdicts import Verdict


class Combined(NamedTuple):
    """The evidence of several runs, and the verdict by all of it."""

    verdict: Verdict
    log_e_support: float
    log_e_refute: float


def combined(runs: Sequence[tuple[float, float]], *, alpha: float, beta: float) -> Combined:
    """Multiply the evidence for and against a claim.

    Args:
        runs: The logs of both, of each run on draws of its own.
        alpha: P(supported | claim false), at most, for the product; in (0, 1).
        beta: P(refuted | claim true), likewise.
    """
    support, refute = (math.fsum(logs) for logs in zip(*runs, strict=True))
    over_support, over_refute = support + math.log(alpha), refute + math.log(beta)
    verdict = Verdict.INCONCLUSIVE
    if max(over_support, over_refute) >= 0.0:
        verdict = Verdict.SUPPORTED if over_support >= over_refute else Verdict.REFUTED
    return Combined(verdict, support, refute)
