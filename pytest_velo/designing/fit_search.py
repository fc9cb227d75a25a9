"""Whether keywords fit a search, and whether it can confirm anything."""

from __future__ import annotations

import inspect
from typing import Any

from pytest_velo.claims import EachCase
from pytest_velo.errors import UsageError
from pytest_velo.records import Invalid
from pytest_velo.runner.frame import Frame
from pytest_velo.searching.confirmation import fewest_trials
from pytest_velo.searching.search import Search

_NOT_FOR_SEARCHES = {
    "arms": "a case breaks the claim or it does not, whatever happens in another arm",
    "alpha": "a search never supports its claim; beta= is the chance that it refutes a true one",
    "margin": "it is for claims that can be supported",
    "min_trials": "confirm= of search() says how many trials a finding may take",
    "futility": "a search ends with its trials",
    "over": "it is no sample of any cases",
    "draws_per_case": "a case gets as many trials as it takes to tell whether it breaks the claim",
    "expect": "the power of a search depends on what there is to find",
    "predict": "a search never supports its claim",
    "extend": "max_trials= may be raised at any time",
    "family": "all findings share one beta already",
    "once": "it counts recorded outcomes",
    "ceiling": "it is for the difference of two arms",
    "guards": "it is for claims about the baseline",
    "covariate": "it is for a rate over cases",
    "truth": "a finding is confirmed on draws of its own, which are judged as they come",
    "ladder": "a rung asks in one way, and a search is one way to ask",
}
"""Keywords that a search does not take, with the reason."""


def check_search(claim: EachCase, options: dict[str, Any]) -> None:
    """Check the keywords of a claim about each case.

    Raises:
        UsageError: They do not fit. Without a place; the caller knows it.
    """
    if not isinstance(options.get("cases"), Search):
        raise UsageError(
            f"`{claim}` is refuted by a single case, and none is looked for",
            fix=f"cases=search(...); for a rate over given cases: `{claim.claim}`",
        )
    for name, reason in _NOT_FOR_SEARCHES.items():
        if name in options:
            raise UsageError(f"{name}= does not apply to a search: {reason}", fix="leave it out")
    if options.get("invalid") is Invalid.AGAINST:
        raise UsageError(
            'invalid="against" would make findings of trials that say nothing about the model',
            fix='use invalid="bound" or "exclude"',
        )


def check_findings(claim: EachCase, frame: Frame) -> None:
    """Check that a finding can be confirmed, and that there are trials left to look for one.

    Raises:
        UsageError: It names the number of trials that is needed.
    """
    assert frame.search is not None  # the claim has one
    confirm, beta = frame.search.confirm, frame.design.beta
    needed = fewest_trials(claim.claim, beta)
    if needed > confirm:
        raise UsageError(
            f"no finding against `{claim}` can be confirmed in {confirm} trials: even if all of them are"
            f" against it, the first one needs {needed}",
            fix=f"search(..., confirm={2 * needed}), or a claim that allows less",
        )
    if frame.max_trials <= confirm:
        raise UsageError(
            f"max_trials={frame.max_trials} leaves nothing to search with: {confirm} are kept to confirm",
            fix=f"max_trials={confirm + 200}, or search(..., confirm={max(needed, frame.max_trials // 2)})",
        )


def check_attack(search: Search, *, is_async: bool) -> None:
    """Check that an attack is of the kind of the body, whose models it uses.

    Raises:
        UsageError: It is not. Without a place; the caller knows it.
    """
    attack = search.attack
    if attack is None or inspect.iscoroutinefunction(attack) == is_async:
        return
    name = getattr(attack, "__name__", "attack")
    raise UsageError(
        f"the attack {name} is {'a plain function' if is_async else 'async'}, and the test is not",
        fix=f"write `{'async def' if is_async else 'def'} {name}(...)`",
    )
