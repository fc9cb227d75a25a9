"""Whether what a hypothesis assumes holds, when it is its turn, and what follows."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from pytest_velo.bodies.shape import body_digest
from pytest_velo.integration.collect.assumptions import ASSUMES, Target
from pytest_velo.integration.collect.stash import SPEC
from pytest_velo.integration.endings import ERROR, SKIPPED, Ending
from pytest_velo.integration.run.freedom import is_free
from pytest_velo.integration.session import VeloSession
from pytest_velo.records import Assumed, HypothesisResult, Outcome, Standing
from pytest_velo.report.assumptions import was_held_back
from pytest_velo.report.chosen import Before
from pytest_velo.report.earlier import last_of
from pytest_velo.report.stubs import outcome_word
from pytest_velo.settings import Mode

Evaluate = Callable[[pytest.Function, VeloSession], HypothesisResult | None]
"""Samples an item that only our own code sets up; None if it may not be sampled here."""

_ENDINGS = {
    Outcome.SUPPORTED: Standing.SUPPORTED,
    Outcome.REFUTED: Standing.REFUTED,
    Outcome.ERROR: Standing.ERROR,
}
_BLOCKING = (Standing.REFUTED, Standing.ERROR, Standing.UNSAMPLED, Standing.WAITING)
_IDS: pytest.StashKey[frozenset[str]] = pytest.StashKey()


def ending_of(result: HypothesisResult) -> Ending:
    """Return how a hypothesis ended, for those that assume it."""
    outcome, word = _standing_for(result)
    return Ending(outcome=outcome.value, word=word, was_sampled=not was_held_back(result))


def _standing_for(result: HypothesisResult) -> tuple[Outcome, str]:
    """Return what a result is worth as an assumption: a verdict that a check makes void decides nothing."""
    word = outcome_word(replace(result, found=()))  # what a check makes of it comes below
    void = [found for found in result.found if found.fails(strict=False)]
    if not void or result.outcome not in (Outcome.SUPPORTED, Outcome.REFUTED):
        return result.outcome, word
    return Outcome.INCONCLUSIVE, f"{word}, which {void[0].code} ({void[0].name}) makes void"


def is_settled(item: pytest.Function, session: VeloSession) -> bool:
    """Tell whether all that an item assumes has ended, or will not run here."""
    return all(
        not _runs_here(target, item) or session.endings.of(target.node_id) is not None
        for target in item.stash.get(ASSUMES, ())
    )


def assumed_by(item: pytest.Function, session: VeloSession, evaluate: Evaluate) -> tuple[Assumed, ...]:
    """Return what an item assumes, with how each of it stands now."""
    return tuple(_standing(target, item, session, evaluate) for target in item.stash.get(ASSUMES, ()))


def why_not(assumed: Iterable[Assumed]) -> str:
    """Say why a hypothesis is not sampled; empty if what it assumes does not stand against it."""
    against = [each for each in assumed if each.standing in _BLOCKING]
    refuted = [each for each in against if each.standing is Standing.REFUTED]
    if not against:
        return ""
    what, named = ("refuted", refuted) if refuted else ("not shown", against)
    return f"assumption {what}: {'; '.join(map(_named, named))}; not sampled"


def _named(assumed: Assumed) -> str:
    return assumed.node_id if assumed.told == "is refuted" else f"{assumed.node_id}, which {assumed.told}"


def _runs_here(target: Target, item: pytest.Function) -> bool:
    """Tell whether a target is among the tests that this session runs."""
    if target.item is None:
        return False
    stash = item.session.stash
    if _IDS not in stash:
        stash[_IDS] = frozenset(each.nodeid for each in item.session.items)
    return target.node_id in stash[_IDS]


def _standing(target: Target, item: pytest.Function, session: VeloSession, evaluate: Evaluate) -> Assumed:
    if not _runs_here(target, item):
        return _from_record(target, session, "did not run here")
    ending = session.endings.of(target.node_id)
    may_evaluate = session.settings.mode is not Mode.REFRESH  # which would pay for its draws again
    if ending is None and may_evaluate and target.item is not None and is_free(target.item):
        # It is behind in the order, or another worker's: its draws are shared, and never paid for twice.
        result = evaluate(target.item, session)
        ending = Ending(outcome=SKIPPED, word=SKIPPED) if result is None else ending_of(result)
        session.endings.note(target.node_id, ending)
    if ending is None:
        told = (
            "has not ended: another worker has it, or it comes later (--dist=loadfile keeps files together)"
        )
        return Assumed(node_id=target.node_id, standing=Standing.WAITING, told=told)
    if ending.outcome == SKIPPED:
        return _from_record(target, session, "was skipped here")
    if not ending.was_sampled:
        return Assumed(node_id=target.node_id, standing=Standing.UNSAMPLED, told="was not sampled")
    standing = _ENDINGS.get(Outcome(ending.outcome), Standing.UNDECIDED)
    told = {ERROR: "ended in an error"}.get(ending.outcome, f"is {ending.word}")
    return Assumed(node_id=target.node_id, standing=standing, told=told.replace("inconclusive", "undecided"))


def _from_record(target: Target, session: VeloSession, why: str) -> Assumed:
    """Judge a target by its last record: it stands only for the same claim, tested by the same body."""
    last = last_of(target.node_id, session.settings.cache_dir)
    if last is None:
        told = f"{why}, and no earlier run tells of it"
        return Assumed(node_id=target.node_id, standing=Standing.UNKNOWN, told=told)
    result = last.result
    same, how = _same(target, result)
    outcome, word = _standing_for(result)
    told = f"{why}; last: {word}, {_age(last)}, {how}"
    standing = _ENDINGS.get(outcome, Standing.UNDECIDED)
    if not same or result.stubs or standing is Standing.ERROR:
        standing = Standing.UNKNOWN
    return Assumed(node_id=target.node_id, standing=standing, told=told)


def _same(target: Target, result: HypothesisResult) -> tuple[bool, str]:
    if target.function is None:
        return False, "its body is not compared"
    if not result.body_digest or body_digest(target.function) != result.body_digest:
        return False, "the body has changed since"
    if target.item is not None and str(target.item.stash[SPEC].claim) != result.claim:
        return False, f"the claim was {result.claim}"
    return True, "same body"


def _age(last: Before) -> str:
    """Say how long ago a run was, by its name."""
    try:
        began = datetime.strptime(last.run[:20], "%Y-%m-%dT%H-%M-%SZ").replace(tzinfo=UTC)
    except ValueError:
        return f"run {last.run}"
    days = (datetime.now(UTC) - began).days
    return "less than a day ago" if days < 1 else "1 day ago" if days == 1 else f"{days} days ago"
