"""A decision, and evidence, that nothing was observed of: tests replace what they are about."""

from __future__ import annotations

from pytest_velo.verdicts import Decision, Evidence, StopReason, Verdict

NO_EVIDENCE = Evidence(
    n=1,
    n_for=1,
    n_against=0,
    n_invalid=0,
    n_ones=1,
    estimate=1.0,
    log_e_support=0.0,
    log_e_refute=0.0,
    p_support=1.0,
    p_refute=1.0,
    interval=None,
    wilson=None,
    clopper_pearson=None,
    rule="calibrated",
)
UNDECIDED = Decision(
    verdict=Verdict.INCONCLUSIVE,
    stop=StopReason.MAX_TRIALS,
    certified="",
    evidence=NO_EVIDENCE,
    n_unused=0,
    n_saved=0,
)
