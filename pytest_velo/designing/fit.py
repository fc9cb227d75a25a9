"""Whether keywords fit their claim and each other, judged from these alone."""

from __future__ import annotations

from typing import Any

from pytest_velo.claims import AnyClaim, Change, Claim, Direction, EachCase, Estimation, Joint, Ranking
from pytest_velo.designing.fit_ranking import check_ranking
from pytest_velo.designing.fit_search import check_search
from pytest_velo.errors import UsageError, nearest
from pytest_velo.records import Invalid
from pytest_velo.searching.search import Search
from pytest_velo.stats.engine.nulls import nulls_of


def check_fit(claim: AnyClaim, options: dict[str, Any]) -> None:
    """Check keywords, each valid on its own, against the claim; fill in `arms` if models are the arms.

    Raises:
        UsageError: They do not fit. Without a place; the caller knows it.
    """
    if isinstance(claim, Ranking):
        check_ranking(claim, options)
        return
    if isinstance(claim, EachCase):
        check_search(claim, options)
        return
    if isinstance(options.get("cases"), Search):
        raise UsageError(
            f"search() chooses cases that break a claim, so `{claim}` over them would say nothing",
            fix=f"each_case({claim if type(claim) is Claim else 'rate >= 0.95'})",
        )
    if isinstance(claim, Estimation):
        _check_estimation(options)
    else:
        for part in claim.parts:
            nulls_of(part, options.get("margin", 0.0))  # the margin must leave room
            if options.get("invalid") is Invalid.AGAINST and part.direction is Direction.WITHIN:
                raise UsageError(
                    'invalid="against" has no side to count on for `within`', fix='use invalid="bound"'
                )
    if len(claim.statistics) > 1 and any(type(part) is not Claim for part in getattr(claim, "parts", ())):
        raise UsageError(f"`{claim}` joins a claim that has its own rule", fix="write one test for each")
    _check_arms(claim, options)
    _check_ceiling(claim, options)
    _check_once(claim, options)
    _check_ladder(claim, options)
    _check_covariate(claim, options)
    _check_truth(claim, options)
    if "guards" in options and not _about_change(claim):
        raise UsageError(
            "guards= is for claims about the baseline", fix="rate >= baseline - 0.05, or leave it out"
        )


def _about_change(claim: AnyClaim) -> bool:
    return isinstance(claim.statistics[0], Change)


def _check_estimation(options: dict[str, Any]) -> None:
    for name in ("margin", "beta", "expect", "predict"):
        if name in options:
            raise UsageError(
                f"{name}= does not apply to an estimate, which claims nothing", fix="leave it out"
            )
    if options.get("family") == "attempts":
        raise UsageError(
            'family="attempts" does not apply to an estimate, which cannot be supported', fix="leave it out"
        )
    if options.get("futility"):
        raise UsageError(
            "futility= does not apply to an estimate, which has no verdict to give up", fix="leave it out"
        )
    if options.get("invalid") is Invalid.AGAINST:
        raise UsageError(
            'invalid="against" has no side to count on for an estimate',
            fix='use invalid="bound" or "exclude"',
        )


def _check_arms(claim: AnyClaim, options: dict[str, Any]) -> None:
    """Check that a difference has its arms, and that no other claim has any."""
    statistic = claim.statistics[0]
    compared = () if _about_change(claim) else statistic.arms
    arms = options.get("arms")
    if not compared:
        if arms is not None:
            raise UsageError(
                f"arms= is for differences, but the claim is `{claim}`",
                fix=f'difference("{arms[0]}", "{arms[-1]}") >= 0.1',
            )
        return
    if arms is None:
        if not all("/" in arm for arm in compared):
            raise UsageError(
                f"`{statistic}` compares arms, but arms= is missing",
                fix=f"arms={compared!r}, and make `arm` an argument of the body",
            )
        options["arms"] = compared  # the arms are models
        return
    for arm in compared:
        if arm not in arms:
            raise UsageError(f"there is no arm {arm!r}", fix=nearest(arm, arms))


def _check_ceiling(claim: AnyClaim, options: dict[str, Any]) -> None:
    """Check that `ceiling` fits a difference, whose gain is shown as a share of the gap to it."""
    ceiling, statistic = options.get("ceiling"), claim.statistics[0]
    if ceiling is None:
        return
    if not statistic.arms:
        raise UsageError(
            f"ceiling= is for differences, but the claim is `{claim}`",
            fix='difference("assisted", "alone") >= 0.1, with ceiling="expert" or a number',
        )
    if isinstance(ceiling, str):
        others = [arm for arm in options.get("arms", ()) if arm not in statistic.arms]
        if ceiling not in others:
            more = f'arms=(..., "{ceiling}"), one more than the two compared; or give a number'
            raise UsageError(
                f"ceiling={ceiling!r} is not a third arm", fix=nearest(ceiling, others) if others else more
            )
        return
    low, high = statistic.outcomes
    if not low < ceiling <= high:
        raise UsageError(
            f"ceiling={ceiling:g} is outside the outcomes' range, {low:g} to {high:g}",
            fix=f"ceiling={high:g}",
        )


def _check_ladder(claim: AnyClaim, options: dict[str, Any]) -> None:
    """Check that a claim is one that a rung can show, by draws of its own."""
    if "ladder" not in options:
        return
    if isinstance(claim, Estimation):
        raise UsageError(
            "a ladder is climbed until a claim is supported, and an estimate claims nothing",
            fix="claim a rate or a mean: rate >= 0.8",
        )
    if _about_change(claim):
        raise UsageError(
            "a ladder has no baseline: each rung would need its own",
            fix="claim a rate or a mean: rate >= 0.8",
        )
    if options.get("once"):
        raise UsageError("once=True counts recorded outcomes, which no rung changes", fix="leave ladder= out")
    if all("/" in arm for arm in options.get("arms", ("",))):
        raise UsageError(
            "a ladder asks one model, and the arms are models",
            fix="models=[...]: each model climbs a ladder of its own",
        )


def _check_once(claim: AnyClaim, options: dict[str, Any]) -> None:
    """Check a census, which counts the ones in a list of recorded outcomes, each looked at once."""
    if not options.get("once"):
        return
    statistic = claim.statistics[0]
    if type(claim) is not Claim or statistic.arms or not statistic.binary:
        raise UsageError(
            f"once=True counts the ones in a list, but the claim is `{claim}`",
            fix="claim a rate of one outcome, or leave once= out",
        )
    if options.get("cases") is None:
        raise UsageError("once=True needs cases", fix="cases=[...] or cases='file.jsonl'")
    for name in ("over", "draws_per_case"):
        if name in options:
            raise UsageError(
                f"{name}= does not apply with once=True: each case is looked at once", fix="leave it out"
            )
    if options.get("invalid") is Invalid.EXCLUDE:
        raise UsageError(
            'invalid="exclude" would change how many outcomes there are', fix='use invalid="bound"'
        )


def _check_covariate(claim: AnyClaim, options: dict[str, Any]) -> None:
    """Check that a covariate goes with the claim and the other keywords."""
    if "covariate" not in options:
        return
    if type(claim) is not Claim or _about_change(claim):
        raise UsageError(
            f"a covariate is for a claim about one rate, mean or difference, and this is `{claim}`",
            fix="leave covariate= out"
            + (", or write one test for each part" if isinstance(claim, Joint) else ""),
        )
    if options.get("cases") is None:
        raise UsageError("covariate= needs cases", fix="cases=[...] or cases='file.jsonl'")
    if options.get("once"):
        raise UsageError(
            "covariate= is for cases that are picked again and again, and once=True looks at each once",
            fix="leave one of them out",
        )
    if "ladder" in options:
        raise UsageError(
            "covariate= is for one way to ask, and a ladder has several", fix="leave one of them out"
        )
    if options.get("invalid") is Invalid.EXCLUDE:
        raise UsageError(
            'covariate= does not go with invalid="exclude": the covariate\'s mean is known over all cases,'
            " not over those that happen to be valid",
            fix='use invalid="bound"',
        )


def _check_truth(claim: AnyClaim, options: dict[str, Any]) -> None:
    """Check that labels go with the claim and the other keywords."""
    if "truth" not in options:
        return
    alone = type(claim) is Claim or isinstance(claim, Estimation)
    if not alone or claim.statistics[0].arms:
        raise UsageError(
            f"truth= is for a claim about one rate or mean, or an estimate of one, and this is `{claim}`",
            fix="write one test for each arm or part, each with truth=labels(...)",
        )
    for name, why in (
        ("covariate", "what is judged already is the covariate of the labels"),
        ("ladder", "each rung would need labels of its own"),
        ("draws_per_case", "one trial in a block is labelled, and not a case's mean"),
        ("once", "a whole list of recorded outcomes has no trials to label"),
        ("expect", "its exact power is unknown here"),
    ):
        if options.get(name) is not None and options.get(name) is not False:
            raise UsageError(f"truth= does not go with {name}=: {why}", fix="leave one of them out")
    if options.get("invalid") is Invalid.EXCLUDE:
        raise UsageError(
            'truth= does not go with invalid="exclude": a label that cannot say may hide either answer',
            fix='use invalid="bound"',
        )
