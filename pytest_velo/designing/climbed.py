"""The result of a ladder, made of its rungs'."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from pytest_velo.elicit.ladders import Ladder, Step
from pytest_velo.records import HypothesisResult, LadderResult, Outcome, RungResult, add_costs, rung_id

Done = Sequence[tuple[Step, HypothesisResult]]


def climbed(ladder: Ladder, steps: Sequence[Step], done: Done, *, alpha: float) -> HypothesisResult:
    """Return the result of a ladder.

    It is supported if a rung is, refuted if every rung that can be sampled is, and inconclusive otherwise.
    Evidence and trials are those of one rung: the one that decided, else the last one that is undecided, else
    the last one. Calls and dollars are those of all.

    Args:
        ladder: The ladder.
        steps: Its rungs that can be sampled, in the order of the climb.
        done: Those that were sampled, with their results; at least one.
        alpha: P(any rung wrongly supported), at most.
    """
    at = _deciding([result.outcome for _, result in done])
    decided = done[at][1]
    outcome = decided.outcome
    if outcome is Outcome.REFUTED and len(done) < len(steps):
        outcome = Outcome.INCONCLUSIVE
    rungs = _rungs(ladder, steps, done, at)
    tried = done[at][0].rung.name
    results = [result for _, result in done]
    return replace(
        decided,
        outcome=outcome,
        ladder=LadderResult(
            alpha=alpha,
            rungs=rungs,
            at=next(place for place, rung in enumerate(rungs) if rung.name == tried),
        ),
        n_calls=sum(result.n_calls for result in results),
        n_cached=sum(result.n_cached for result in results),
        cost_usd=add_costs(result.cost_usd for result in results),
        n_unpriced=_sum([result.n_unpriced for result in results]),
        priced_usd=add_costs(result.priced_usd for result in results),
        n_retries=_sum([result.n_retries for result in results]),
        n_in_flight_max=max(result.n_in_flight_max for result in results),
        duration_s=sum(result.duration_s for result in results),
        outside=_outside(results),
        oldest_draw=min((result.oldest_draw for result in results if result.oldest_draw), default=None),
        models_served=tuple(sorted({model for result in results for model in result.models_served})),
        notices=_notices(done, at),
    )


def beside_those_before(result: HypothesisResult, before: LadderResult) -> HypothesisResult:
    """Return the result of a ladder of which one rung was scored anew, beside what the others came to before.

    Where it is no longer supported, rungs behind it were never reached, and leave the ladder undecided.
    """
    assert result.ladder is not None  # the caller climbed it
    assert result.ladder.at is not None  # one was sampled
    anew = result.ladder.rungs[result.ladder.at]
    rungs = tuple(anew if rung.name == anew.name else rung for rung in before.rungs)
    outcome = result.outcome
    tried = [rung.outcome for rung in rungs if rung.alpha is not None]
    if outcome is Outcome.REFUTED and any(each is not Outcome.REFUTED for each in tried):
        outcome = Outcome.INCONCLUSIVE
    return replace(
        result, outcome=outcome, ladder=LadderResult(alpha=before.alpha, rungs=rungs, at=before.at)
    )


def _deciding(outcomes: Sequence[Outcome]) -> int:
    """Return which rung's evidence is shown first: which one that is never depends on how close it came."""
    for wanted in (Outcome.SUPPORTED, Outcome.ERROR, Outcome.INCONCLUSIVE):
        if wanted in outcomes:
            return max(at for at, outcome in enumerate(outcomes) if outcome is wanted)
    return len(outcomes) - 1


def _rungs(ladder: Ladder, steps: Sequence[Step], done: Done, at: int) -> tuple[RungResult, ...]:
    """Return all rungs: those that can be sampled in the order of the climb, then the skipped ones."""
    sampled = [
        RungResult(
            name=step.rung.name,
            outcome=result.outcome,
            why=result.problem,
            alpha=result.alpha,
            model=result.model,
            decision=result.decision,
            telling=result.telling,
            n_calls=result.n_calls,
            n_cached=result.n_cached,
            cost_usd=result.cost_usd,
            notices=result.notices,
            recorded_as="" if place == at else rung_id(result.node_id, step.rung.name),
        )
        for place, (step, result) in enumerate(done)
    ]
    _, last = done[-1]
    why = (
        "a rung before it is supported"
        if last.outcome is Outcome.SUPPORTED
        else "what ended the rung before it ends the climb"
    )
    level = last.alpha / done[-1][0].share
    behind = [
        RungResult(name=step.rung.name, why=why, alpha=level * step.share) for step in steps[len(done) :]
    ]
    skipped = [RungResult(name=rung.name, why=rung.skip) for rung in ladder.rungs if rung.skip]
    return (*sampled, *behind, *skipped)


def _notices(done: Done, at: int) -> tuple[str, ...]:
    """Return the notices of the deciding rung, then those that only others have, with their names."""
    told = list(done[at][1].notices)
    for place, (step, result) in enumerate(done):
        if place != at:
            told += [
                f"{step.rung.name}: {notice.removeprefix(f'{step.rung.name}: ')}" for notice in result.notices
            ]
    return tuple(dict.fromkeys(told))


def _outside(results: Sequence[HypothesisResult]) -> Mapping[str, int]:
    found: dict[str, int] = {}
    for result in results:
        for address, n in result.outside.items():
            found[address] = found.get(address, 0) + n
    return found


def _sum(counts: Sequence[int | None]) -> int | None:
    known = [count for count in counts if count is not None]
    return sum(known) if len(known) == len(counts) else None
