"""Whether a design can reach a verdict; one that cannot is refused before a call is made."""

from __future__ import annotations

from pytest_velo.claims import AnyClaim, Claim, Direction, EachCase, Estimation, Joint, Ranking
from pytest_velo.designing.fit_search import check_findings
from pytest_velo.errors import UsageError
from pytest_velo.records import UnitKind
from pytest_velo.report.families import level_text
from pytest_velo.report.numbers import count
from pytest_velo.runner.frame import Frame, Over
from pytest_velo.stats import contest
from pytest_velo.stats.engine.design import Design
from pytest_velo.stats.planning.reach import reach_for
from pytest_velo.stats.rules.estimate import fewest_units


def check_reach(claim: AnyClaim, frame: Frame) -> None:
    """Refuse a claim that no data could support, or measure, within the horizon.

    Raises:
        UsageError: It names the number of units that is needed.
    """
    design = frame.design
    if isinstance(claim, EachCase):
        check_findings(claim, frame)
        return
    n_needed = _least_needed(claim, design, len(frame.arms))
    if n_needed is None:
        return
    source = "groups" if frame.unit is UnitKind.GROUP else "cases"
    runs_out = design.max_units != frame.max_trials
    few = f" (there are no more {source})" if runs_out else ""
    estimate = isinstance(claim, Estimation)
    easier = "a larger halfwidth" if estimate else "an easier claim"
    what, all_of_them = ("measured", "came out the same") if estimate else ("supported", "agreed with it")
    if isinstance(claim, Ranking):
        easier, all_of_them = "a larger alpha", "were won alike"
    every = frame.labelled_every or 1
    parts = claim.parts if isinstance(claim, Claim | Joint) else ()
    least = "at least " if any(part.direction is Direction.WITHIN for part in parts) else ""
    raise UsageError(
        f"`{claim}` can never be {what} within {count(design.max_units, str(frame.unit))}{few}:"
        f" even if all of them {all_of_them}, it needs {least}{n_needed}{_at_level(frame)}",
        fix=f"{_more(frame, n_needed * every, source, runs_out=runs_out)}, or {easier}",
    )


def _more(frame: Frame, n_needed: int, source: str, *, runs_out: bool) -> str:
    """Say what there must be more of: cases or groups if these run out first, else trials."""
    if runs_out:
        longer = f" and max_trials={n_needed}" if frame.max_trials < n_needed else ""
        return f"{n_needed} or more {source}{longer}"
    once = frame.over is Over.POPULATION
    return f"max_trials={n_needed} or more" + (f" (with as many {source})" if once else "")


def _least_needed(claim: AnyClaim, design: Design, n_arms: int) -> int | None:
    """Return the fewest units a verdict needs, if that is more than there are; else None."""
    if isinstance(claim, Ranking):
        needed = contest.fewest_rounds_of(claim, n_arms, design)
        return needed if needed > design.max_units else None
    if isinstance(claim, Estimation):
        goal = (claim.halfwidth or 1.0) / claim.statistic.scale.span
        needed = fewest_units(goal, design.alpha) if goal < 0.5 else 1
        return needed if needed > design.max_units else None
    if isinstance(claim, EachCase):
        return None
    if design.census is not None or any(type(part) is not Claim for part in claim.parts):
        return None  # a whole list settles everything; the law of another plugin's rule is unknown
    reaches = [reach_for(part, design) for part in claim.parts]
    short = [reach.n_support for reach in reaches if not reach.can_support]
    return max(short) if short else None


def _at_level(frame: Frame) -> str:
    family = frame.family
    if frame.attempts_alpha is not None:
        return (
            f" at alpha {frame.design.alpha:.2g}, this attempt's share of the {frame.attempts_alpha:g} that"
            " all attempts have together"
        )
    if family is None or family.size == 1:
        return ""
    return f" at {level_text('alpha', family.alpha, family)}"
