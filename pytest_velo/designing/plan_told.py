"""What a plan says beside its numbers: of units, covariates, small samples, and of what it leaves out."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from pytest_velo.claims import AnyClaim, Change, Claim, Estimation, Joint, Ranking
from pytest_velo.designing.foreseen import clusters_told
from pytest_velo.designing.planned import N_CONTESTS
from pytest_velo.designing.power import is_foreseeable
from pytest_velo.records import UnitKind
from pytest_velo.report.covariates import expected_text
from pytest_velo.report.numbers import count
from pytest_velo.report.plan_record import PlannedPart
from pytest_velo.runner.frame import Frame
from pytest_velo.stats.rules.centred import expected_saving, is_centred


def covariate_told(claim: AnyClaim, frame: Frame) -> str:
    """Say what is expected of the covariate; empty without one."""
    known = frame.covariate
    if frame.labelled_every is not None:
        return (
            f"a correlation of {math.sqrt(frame.design.explained):.2f} with the labels is assumed of what it"
            " says of all trials; verdicts are valid whatever it is"
        )
    if known is None or not isinstance(claim, Claim):
        return ""
    return expected_text(
        known.name,
        math.sqrt(known.explained),
        expected_saving(claim, frame.design),
        declared=known.declared,
        used=is_centred(claim, frame.design),
        learned=known.centring.learns,
    )


def power_told(claim: AnyClaim, frame: Frame, expect: float | None) -> str:
    """Say what units that are means can show; empty for others, and where there are too many."""
    if frame.design.single or not is_foreseeable(claim, frame):
        return ""
    assert isinstance(claim, Claim)
    return clusters_told(claim, frame, expect, always=True) or ""


def _shared(frame: Frame) -> Iterator[str]:
    """Say that alpha is what the next attempt at the belief gets."""
    if frame.attempts_alpha is not None:
        yield (
            f"alpha {frame.design.alpha:.2g} is this attempt's share of {frame.attempts_alpha:g}, which all"
            " attempts at the belief have together; a later one has less"
        )


def _by_labels(claim: AnyClaim, frame: Frame) -> Iterator[str]:
    """Say what the plan of an estimate by labels leaves out."""
    if frame.labelled_every is not None and isinstance(claim, Estimation):
        yield "planned as if labels were all there is: a judge that agrees with them makes it shorter"


def _members(frame: Frame, *, against_baseline: bool) -> str:
    """Say what a unit of several is made of, and of how many."""
    size = frame.turns_per_unit
    if frame.arms:
        return f"{count(size, 'pair')}, each of {len(frame.arms)} trials on the same case"
    if against_baseline:
        return f"{count(size, 'pair')}, each of a trial and the stored one on the same case"
    return count(size, "trial")


def unit_told(frame: Frame, *, against_baseline: bool) -> str:
    """Say what a unit is; empty for a single trial."""
    size, what = frame.turns_per_unit, _members(frame, against_baseline=against_baseline)
    match frame.unit:
        case UnitKind.GROUP:
            return f"a group: the mean of up to {what}"
        case UnitKind.CASE:
            return f"a case: the mean of its {what}"
        case UnitKind.PAIR if frame.arms:
            return f"a pair: a trial in each of {len(frame.arms)} arms, on the same case"
        case UnitKind.PAIR:
            return "a pair: a trial now and the stored one, on the same case"
        case UnitKind.ROUND:
            return f"a round: a trial of each of {len(frame.arms)} arms still in play, on one case"
        case UnitKind.OUTCOME:
            return "one of the recorded outcomes, each counted once"
        case UnitKind.LABEL:
            return f"a label: of one trial in {size}, all of which are judged"
        case UnitKind.TRIAL:
            return ""


def remarks_on(
    claim: AnyClaim, frame: Frame, parts: Sequence[PlannedPart], *, ladder: bool = False
) -> list[str]:
    """Return what a reader of a plan has to know beside its numbers."""
    remarks = [*_shared(frame), *_by_labels(claim, frame)]
    remarks.append("all trials are assumed valid: invalid ones make verdicts later and rarer")
    if ladder:
        remarks.append("of a ladder, reach and table are those of its first rung")
    if isinstance(claim, Ranking) and claim.top == 1 and not frame.design.margin:
        remarks.append(
            f"of a ranking, {N_CONTESTS} runs with seeded outcomes of 0 or 1 are played, in which all others"
            " are at 0.5 and arms share no luck: where all find the same cases hard, it takes less"
        )
    if isinstance(claim, Joint):
        remarks.append(
            "each part is planned as if it were alone, with its share of beta; the claim is supported when"
            " all parts are, and refuted when one is"
        )
    if isinstance(claim, Claim) and isinstance(claim.statistic, Change):
        remarks.append("there are never more pairs than the baseline has trials")
    tables = [table for part in parts for table in part.tables]
    if any(table.simulated for table in tables):
        remarks.append("simulated: probabilities are accurate to about 0.03")
    if any(not (table.exact or table.simulated) for table in tables):
        remarks.append("approximate: probabilities are accurate to about 0.1, means to about 20%")
    if any(not table.stops_early for part in parts for table in part.tables):
        remarks.append("true means are lower near the threshold: runs stop once a verdict is unlikely")
    return remarks
