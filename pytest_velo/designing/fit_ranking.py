"""Whether keywords fit a ranking, judged from these alone."""

from __future__ import annotations

from typing import Any

from pytest_velo.case_sets import CaseSet
from pytest_velo.claims import Ranking
from pytest_velo.errors import UsageError, nearest
from pytest_velo.records import Invalid

NOT_FOR_RANKINGS = {
    "draws_per_case": "a round is one trial of each arm; max_trials= says how many rounds there may be",
    "once": "it counts recorded outcomes of one arm",
    "ceiling": "it is for the difference of two arms",
    "guards": "it is for claims about the baseline",
    "ladder": "a rung asks one model, and a ranking asks them all",
    "expect": "the power of a ranking depends on all of its arms; velo plan shows some",
    "family": "its arms already share one alpha; in a family of hypotheses it would pay twice",
    "covariate": "it is for a claim about one rate, mean or difference",
    "truth": "it is for a claim about one rate or mean, or an estimate of one",
    "futility": "it is never given up, for every round may settle something",
    "extend": "it is never calibrated to max_trials, which may be raised at any time",
}
"""Keywords that a ranking does not take, with the reason."""


def check_ranking(claim: Ranking, options: dict[str, Any]) -> None:
    """Check the keywords of a ranking; models become its arms if there are no others.

    Raises:
        UsageError: They do not fit. Without a place; the caller knows it.
    """
    for name, reason in NOT_FOR_RANKINGS.items():
        if options.get(name):
            raise UsageError(f"{name}= does not apply to a ranking: {reason}", fix="leave it out")
    if options.get("invalid") is Invalid.EXCLUDE:
        raise UsageError(
            'invalid="exclude" does not apply to a ranking: each arm would have the rate of its own valid'
            " replies, and two of them share no cases to be compared on",
            fix='invalid="bound", or "against"',
        )
    arms = options.get("arms") or options.get("models")
    if arms is None or len(arms) < 2:
        raise UsageError(
            f"`{claim}` compares several, but models= names {'none' if arms is None else 'only one'}",
            fix='models=["openai/gpt-5-mini", "anthropic/claude-haiku-4-5"], or arms=("plain", "terse")',
        )
    options["arms"] = tuple(arms)
    if claim.best is not None and claim.best not in arms:
        raise UsageError(f"best= names {claim.best!r}, which is not ranked", fix=nearest(claim.best, arms))
    if claim.top >= len(arms):
        raise UsageError(
            f"top={claim.top} of {len(arms)} leaves nobody out",
            fix=f"top={len(arms) - 1}{' or less' if len(arms) > 2 else ', or leave it out'}",
        )
    margin = options.get("margin", 0.0)
    if margin and claim.top > 1:
        raise UsageError("margin= is for the best one alone", fix="leave out top= or margin=")
    if margin >= claim.of.scale.span:
        raise UsageError(
            f"margin={margin:g} is as wide as the range of {claim.of}",
            fix=f"margin={claim.of.scale.span / 20:g}",
        )


def check_ranked_cases(cases: CaseSet | None) -> None:
    """Check that a round can be one trial of each arm on one case.

    Raises:
        UsageError: The cases are groups, or recorded several times.
    """
    if cases is None:
        return
    if cases.groups is not None:
        raise UsageError(
            "a ranking draws one case a round, and group= makes a group the unit",
            fix="drop group=, and give each group as one case; or compare two arms with difference(...)",
        )
    if cases.is_recorded:
        raise UsageError(
            "a ranking chooses whom it asks, and a log has been asked already",
            fix="velo judge compares the logs of two models",
        )
