"""What would likely decide an undecided hypothesis: trials, dollars, time and the command to type."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from pytest_velo.records import HypothesisResult, Invalid, Outcome, TruthSeen
from pytest_velo.report.phrases import n_trials
from pytest_velo.report.searches import search_advice
from pytest_velo.report.truth import label_command, ran_out_of_labels, waiting_text
from pytest_velo.verdicts import Decision, Evidence, StopReason

# Beyond this many times the units there are, an extrapolation says nothing.
_FARTHEST = 100
_FEWER = "fewer are enough if you fix the cause of the invalid trials"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """A guess from the evidence so far, without any guarantee.

    Attributes:
        n_units: Total units that would likely decide it; None if no number is likely to.
        cost_usd: Dollars of the further trials; None if unknown.
        duration_s: Seconds of the further trials at this run's pace; None if unknown.
        command: The command that continues; empty if only an edit of the test can help.
        advice: What else to do, or what to do instead; empty if the command is enough.
    """

    n_units: int | None
    cost_usd: float | None
    duration_s: float | None
    command: str
    advice: str


def outlook(result: HypothesisResult) -> Outlook | None:
    """Guess what would decide `result`; None unless it is inconclusive with some evidence.

    The run itself guessed from its data (`Decision.n_needed`). Where it could not, in older records and for
    the rules of plugins, the e-process that grew most is extrapolated at its average growth.

    Source: Ville's inequality; the growth rate is that of Kelly (1956), A new interpretation of information
    rate.
    """
    if result.outcome is not Outcome.INCONCLUSIVE or result.decision is None:
        return None
    evidence = result.decision.evidence
    n_units = _units_in_all(result, result.decision)
    n_more = None if n_units is None else max(n_units - evidence.n, 1)
    if n_more is not None and result.truth is not None:
        n_more = max(0, n_more - result.truth.n_waiting)  # those are judged, and paid for
    if result.truth is not None and ran_out_of_labels(result):
        command, advice = _how_to_label(result, result.truth)
    else:
        size = _trials_per_unit(result)
        n_trials_in_all = None if n_units is None else n_units * size
        command, advice = _how_to_continue(result, result.decision.stop, n_trials_in_all)
        if n_units is not None and _is_widened_by_invalid(result, evidence):
            advice = "; ".join(filter(None, (advice, _FEWER)))
    return Outlook(
        n_units=n_units,
        cost_usd=None if n_more is None else _cost_of(result, n_more),
        duration_s=_duration_of(result, evidence, n_more),
        command=command,
        advice=advice,
    )


def _units_in_all(result: HypothesisResult, decision: Decision) -> int | None:
    """Guess the total units of a verdict; None if no number is likely to decide it."""
    if _is_open_by_invalid(result, decision.evidence):
        return None
    if decision.n_needed is not None:
        return _two_digits(max(decision.n_needed, decision.evidence.n + 1))
    if decision.evidence.p_support is None:
        return None
    return _units_to_decide(decision.evidence, result.alpha, result.beta)


def _is_open_by_invalid(result: HypothesisResult, evidence: Evidence) -> bool:
    """Tell whether it is a census in which invalid outcomes stay unknown, however many are seen."""
    return result.scope.endswith("recorded outcomes") and evidence.n_invalid > 0


def _is_widened_by_invalid(result: HypothesisResult, evidence: Evidence) -> bool:
    """Tell whether it is an interval to be narrowed that leaves open what invalid trials would have been."""
    narrows = evidence.p_support is None and evidence.interval is not None
    ranked = result.decision is not None and result.decision.standings is not None
    return narrows and not ranked and evidence.n_invalid > 0 and result.invalid is Invalid.BOUND


def _units_to_decide(evidence: Evidence, alpha: float, beta: float) -> int | None:
    """Return the total number of units, rounded up to two digits; None if none is likely to decide."""
    guesses = [
        evidence.n * math.log(1 / level) / log_e
        for log_e, level in ((evidence.log_e_support, alpha), (evidence.log_e_refute, beta))
        if log_e is not None and log_e > 0
    ]
    nearest = max(min(guesses, default=math.inf), evidence.n + 1)
    if not 0 < nearest <= _FARTHEST * max(evidence.n, 1):
        return None
    return _two_digits(nearest)


def _two_digits(n: float) -> int:
    """Round up to two digits: a guess is no more precise than that."""
    step: int = 10 ** max(math.floor(math.log10(n)) - 1, 0)
    return math.ceil(n / step) * step


def _cost_of(result: HypothesisResult, n_more: int) -> float | None:
    """Price further units by what the trials cost when they were drawn; None if that is unknown."""
    if result.n_calls == 0:
        return None if result.outside else 0.0
    if result.decision is None:
        return None
    evidence = result.decision.evidence
    turns = n_trials(evidence)
    n_made = result.n_calls - result.n_cached
    if result.usd_per_turn is not None:
        per_turn = result.usd_per_turn
    elif result.cost_usd is not None and n_made:  # an older record
        per_turn = result.cost_usd / n_made * (result.n_calls / max(turns + result.decision.n_unused, 1))
    else:
        return None
    return per_turn * (turns / max(evidence.n, 1)) * n_more


def _duration_of(result: HypothesisResult, evidence: Evidence, n_more: int | None) -> float | None:
    """Return the time of further units at this run's pace; None where the cache set it."""
    if n_more is None or not evidence.n or result.n_cached > result.n_calls / 2:
        return None
    return result.duration_s / evidence.n * n_more


def _mostly_invalid(evidence: Evidence) -> bool:
    return evidence.n_invalid > n_trials(evidence) / 2


def _how_to_decide(result: HypothesisResult) -> str:
    """Return the advice if no number of further trials is likely to decide it."""
    evidence = None if result.decision is None else result.decision.evidence
    all_invalid = result.decision is not None and result.decision.stop is StopReason.ALL_INVALID
    if all_invalid or (evidence is not None and _mostly_invalid(evidence)):
        return "too many trials are invalid: fix the cause"
    if evidence is not None and _is_open_by_invalid(result, evidence):
        return "too many outcomes are invalid: fix the cause"
    if result.decision is not None and result.decision.searched is not None:
        return search_advice(result.decision.searched, result.decision.stop)
    if result.decision is not None and result.decision.standings is not None:
        return (
            "those that are left are too near to tell apart, and that is the answer; or set a margin= below"
            " which a difference does not matter, on fresh draws (--velo-profile=confirm)"
        )
    if evidence is not None and evidence.p_support is None:
        larger = "ask for a larger halfwidth, on fresh draws (--velo-profile=confirm)"
        open_by = "invalid trials leave more open than halfwidth= allows: fix their cause, or "
        return (open_by if evidence.n_invalid else "") + larger
    return (
        "what was observed is too near the threshold to tell: claim another one, or set a margin. Either is a"
        " new claim, and wants fresh draws (--velo-profile=confirm)"
    )


def _how_to_label(result: HypothesisResult, truth: TruthSeen) -> tuple[str, str]:
    """Return the command that asks for labels and what comes after it."""
    again = result.rerun or "call it again"
    return label_command(result, truth), f"label {waiting_text(truth)}; then {again}"


def _trials_per_unit(result: HypothesisResult) -> int:
    """Return how many of what `max_trials` counts there are in a unit: of labels, those of a block."""
    return 1 if result.truth is None else result.truth.every


def _how_to_continue(result: HypothesisResult, stop: StopReason, n_units: int | None) -> tuple[str, str]:
    """Return the command that continues and the advice that goes with it."""
    near = _how_to_decide(result)
    if not result.rerun:  # no command runs it again: it was a call
        said = _keyword(result, stop, n_units) or near
        return "", said.replace("--velo-profile=confirm", 'stream="confirm"')
    if stop is StopReason.CASES_EXHAUSTED:
        return "", "add cases: all of them were used" if n_units is not None else near
    if stop is StopReason.INTERRUPTED:
        return result.rerun, ""
    if stop is StopReason.BASELINE_ENDS:
        return "", "record a longer baseline of what was accepted then (--velo-update)"
    if stop is StopReason.RECORD_ENDS:
        return result.rerun, "the recorded trials do not decide it; to draw more:"
    if stop is StopReason.BUDGET:
        return f"{result.rerun} --velo-budget=...", "the draws made so far are kept"
    if n_units is None:
        return "", near
    if n_units <= result.max_trials * _trials_per_unit(result):
        return result.rerun, ""
    if result.max_trials_marked:  # the mark wins over the option
        return result.rerun, f"set max_trials={n_units} in its mark"
    rerun = re.sub(r" --velo-max-trials=\d+", "", result.rerun)
    return f"{rerun} --velo-max-trials={n_units}", ""


def _keyword(result: HypothesisResult, stop: StopReason, n_units: int | None) -> str:
    """Return which keyword of the call would continue it; empty if none would."""
    if stop is StopReason.CASES_EXHAUSTED:
        return "add cases: all of them were used" if n_units is not None else ""
    if stop is StopReason.INTERRUPTED:
        return "call it again: the draws made so far are kept"
    if stop is StopReason.BUDGET:
        return "call it again with a larger budget=...: the draws made so far are kept"
    if n_units is None:
        return ""
    return f"call it again with max_trials={max(n_units, result.max_trials * _trials_per_unit(result) + 1)}"
