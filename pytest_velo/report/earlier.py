"""A recorded run beside an earlier one: which there are, and what changed since."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

from pytest_velo.baselines.recorded import Compared, RecordedComparison, compare_recorded
from pytest_velo.bodies.instruments import changes_between
from pytest_velo.errors import StoreError, UsageError, nearest
from pytest_velo.reading import FileState, state_of
from pytest_velo.records import HypothesisResult, RepeatKind
from pytest_velo.report.again import name_in, originals, why_left_out
from pytest_velo.report.chosen import Before
from pytest_velo.report.comparison import RunComparison, name_of
from pytest_velo.report.load import Run, load
from pytest_velo.report.record import RUN_FILE, runs_folder
from pytest_velo.stats.multiplicity import holm

_NAME = re.compile(r"(?P<time>.+?Z)(?:-(?P<number>\d+))?")
_LOOKED_AT = 20
"""Earlier runs that are read to find one with a test in common."""


def finished_runs(cache_dir: str | Path) -> list[str]:
    """Return the ids of the finished runs, the newest first."""
    names = {path.parent.name for path in runs_folder(cache_dir).glob(f"*/{RUN_FILE}")}
    return sorted(names, key=_age, reverse=True)


def runs_before(name: str, cache_dir: str | Path) -> list[str]:
    """Return the ids of the finished runs before a run, the newest first."""
    return [other for other in finished_runs(cache_dir) if _age(other) < _age(name)]


def _age(name: str) -> tuple[str, int]:
    """Return a sort key for the names of runs by age: `...Z-10` is newer than `...Z-2`."""
    found = _NAME.fullmatch(name)
    return (found["time"], int(found["number"] or 1)) if found else (name, 1)


def earlier_run(run: Run) -> Run | None:
    """Return the last finished run before this one that has a test in common with it; None without any.

    A damaged record is passed over: it is no reason to show nothing of this run.
    """
    tests = {result.node_id for result in run.results}
    cache_dir = run.folder.parent.parent
    if (repeats := run.document.repeats) is not None:
        try:
            return load(repeats.run, cache_dir)
        except (StoreError, UsageError):
            return None
    for name in runs_before(run.folder.name, cache_dir)[:_LOOKED_AT]:
        try:
            other = load(name, cache_dir)
        except StoreError:
            continue
        if any(result.node_id in tests for result in other.results):
            return other
    return None


def hypothesis_before(node_id: str, name: str, cache_dir: str | Path) -> Before | None:
    """Return a test in the last finished run before this one that has it; None without any.

    Damaged records are passed over.
    """
    return _last_of(node_id, runs_before(name, cache_dir), cache_dir)


def last_of(node_id: str, cache_dir: str | Path) -> Before | None:
    """Return a test in the last finished run that has evidence of it; None without any."""
    return _last_of(node_id, finished_runs(cache_dir), cache_dir, with_evidence=True)


def _last_of(
    node_id: str, names: Sequence[str], cache_dir: str | Path, *, with_evidence: bool = False
) -> Before | None:
    for name in names[:_LOOKED_AT]:
        try:
            run = _loaded(name, cache_dir)
            found = run.by_node_id.get(node_id)
            if found is not None and found.decision is None and with_evidence:
                ran = (result for result in reversed(run.results) if result.node_id == node_id)
                found = next((result for result in ran if result.decision is not None), None)
            if found is not None:
                return Before(run=name, result=_with_trials(found.without_trials, run))
        except StoreError:
            continue
    return None


def _loaded(name: str, cache_dir: str | Path) -> Run:
    """Return a run as `load` does, read once for all the tests of a session that ask for it."""
    return _read(name, cache_dir, state_of(runs_folder(cache_dir) / name / RUN_FILE))


@lru_cache(maxsize=2)
def _read(name: str, cache_dir: str | Path, state: FileState | None) -> Run:
    return load(name, cache_dir)


def compare_runs(
    before: Run, now: Run, part: str = "", *, alpha: float = 0.05, margin: float | None = None
) -> RunComparison:
    """Compare the hypotheses that two runs have in common, one at a time.

    Args:
        before: The earlier run.
        now: The later one.
        part: Only tests whose node id contains it.
        alpha: P(a change is reported although there is none), at most, for each comparison.
        margin: A distance that would matter, in the statistics' units.

    Raises:
        UsageError: No test's node id contains `part`.
        StoreError: The trials of a run cannot be read.
    """
    if _repeats(now, before):
        return _compare_repeat(before, now, part, alpha=alpha, margin=margin)
    old, new = _results(before), _results(now)
    names = [*new, *(name for name in old if name not in new)]
    chosen = [name for name in names if part in name]
    if part and not chosen:
        raise UsageError(f"no test in these runs has {part!r} in its node id", fix=nearest(part, names))

    def alone(these: Mapping[str, HypothesisResult], others: Mapping[str, HypothesisResult]) -> list[str]:
        missing = [these[name] for name in chosen if name in these and name not in others]
        return [name_of(result.node_id, result.model, result.model) for result in missing]

    return RunComparison(
        before=before.folder.name,
        now=now.folder.name,
        alpha=alpha,
        margin=margin,
        hypotheses=tuple(
            _one(_with_trials(old[name], before), _with_trials(new[name], now), alpha)
            for name in chosen
            if name in old and name in new
        ),
        only_before=tuple(alone(old, new)),
        only_now=tuple(alone(new, old)),
    )


def _repeats(now: Run, before: Run) -> bool:
    """Tell whether a run repeats another on another model, so that its tests may have other names."""
    repeats = now.document.repeats
    return repeats is not None and (repeats.kind, repeats.run) == (RepeatKind.RERUN, before.folder.name)


def _compare_repeat(before: Run, now: Run, part: str, *, alpha: float, margin: float | None) -> RunComparison:
    """Compare a run with that of another model: what moved most comes first, and all are one family."""
    repeats = now.document.repeats
    assert repeats is not None  # the caller asked
    known = originals(repeats, before.document.results)
    pairs = [
        (old, new)
        for new in now.document.results
        if part in new.node_id
        for old in known.get(name_in(repeats, new), [])
    ]
    if part and not pairs:
        raise UsageError(f"no test in these runs has {part!r} in its node id", fix=nearest(part, known))
    compared = [
        replace(
            _one(_with_trials(old, before), _with_trials(new, now), alpha),
            outcomes=(old.outcome.value, new.outcome.value),
        )
        for old, new in pairs
    ]
    there = {name_in(repeats, new) for new in now.document.results}
    return RunComparison(
        before=before.folder.name,
        now=now.folder.name,
        alpha=alpha,
        margin=margin,
        hypotheses=tuple(sorted(as_family(compared, alpha), key=_how_far)),
        only_before=tuple(
            f"{result.node_id}: {why_left_out(repeats, result) or 'not run here'}"
            for result in before.document.results
            if name_in(repeats, result) not in there and part in result.node_id
        ),
        is_family=True,
    )


def as_family(compared: Sequence[RecordedComparison], alpha: float) -> list[RecordedComparison]:
    """Return comparisons whose changes stand by Holm's step-down over all of them.

    Each p-value is valid by itself, at any stopping times; Holm's procedure holds under any dependence.
    """
    p_values = [part.comparison.p_value for each in compared for part in each.parts]
    if not p_values:
        return list(compared)
    stand = iter(holm(p_values, alpha).rejects)

    def settled(part: Compared) -> Compared:
        moves = part.moved != 0
        return replace(part, stands=next(stand) or not moves)

    return [replace(each, parts=tuple(map(settled, each.parts))) for each in compared]


def _how_far(hypothesis: RecordedComparison) -> tuple[bool, float]:
    """Return a sort key: what moved, then by how much of its range."""
    ranges = [
        (part.moved != 0, abs(part.comparison.difference or 0.0) / part.part.statistic.scale.span)
        for part in hypothesis.parts
    ]
    moved, far = max(ranges, default=(False, -1.0))
    return not moved, -far


def _one(before: HypothesisResult, now: HypothesisResult, alpha: float) -> RecordedComparison:
    compared = compare_recorded(before, now, alpha=alpha)
    return replace(compared, changes=changes_between(before, now))


def _results(run: Run) -> dict[str, HypothesisResult]:
    """Return the results of a run by node id; for a test that ran again, the last, as for its trials."""
    return {result.node_id: result for result in run.document.results}


def _with_trials(result: HypothesisResult, run: Run) -> HypothesisResult:
    return replace(result, trials=run.trials_of(result.node_id))
