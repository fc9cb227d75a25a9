"""What `velo show` prints of a recorded run: which hypotheses there are, and the transcripts of one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from pytest_velo.errors import UsageError, nearest
from pytest_velo.records import HypothesisResult, TrialRecord
from pytest_velo.report.chosen import Before, Chosen, Turn, choose, kind_title, turns_of
from pytest_velo.report.failure import headline, rows
from pytest_velo.report.ladders import on_rung
from pytest_velo.report.lines import Line, Style, block, paragraph
from pytest_velo.report.load import Run
from pytest_velo.report.numbers import count
from pytest_velo.report.rankings import standing_lines
from pytest_velo.report.summary import short_names
from pytest_velo.report.table import table_lines
from pytest_velo.report.text import inline
from pytest_velo.report.trials import turn_lines
from pytest_velo.settings import ShowKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which trials of a hypothesis a reader asked for.

    Attributes:
        kind: None for all, in the order they were started.
        most: Trials or pairs; None for all.
        index: The one trial asked for, with the arms beside it; None for any.
        arm: Only the trials of this arm; None for all.
        seed: Of the random choice; None for the run's.
    """

    kind: ShowKind | None = None
    most: int | None = None
    index: int | None = None
    arm: str | None = None
    seed: int | None = None


def find(run: Run, test: str, model: str | None = None) -> list[HypothesisResult]:
    """Return the hypotheses that are meant: by node id, name, a part of either, or the number in the list.

    Raises:
        UsageError: None is meant; it names the nearest.
    """
    results = _of_model([*run.document.results], model)
    if not test:
        return results
    if test.isdecimal() and not any(test in result.node_id for result in results):
        place = int(test)
        if not 1 <= place <= len(results):
            raise UsageError(
                f"there is no hypothesis {place}: the run has {len(results)}",
                where=str(run.folder),
                fix=f"velo show {run.folder.name} lists them",
            )
        return [results[place - 1]]
    exact = [result for result in results if result.node_id == test]
    named = [result for result in results if result.node_id.rpartition("::")[2] == test]
    found = exact or named or [result for result in results if test in result.node_id]
    if found:
        return found
    if test.isdecimal() and 1 <= int(test) <= len(results):
        return [results[int(test) - 1]]
    raise UsageError(
        f"no test of the run has {test!r} in its node id",
        where=str(run.folder),
        fix=nearest(test, [name for result in results for name in _names(result.node_id)]),
    )


def rung_named(result: HypothesisResult, name: str) -> HypothesisResult:
    """Return the result of one rung of a ladder, by its name or a part of it.

    Raises:
        UsageError: There is no ladder, or no such rung was sampled.
    """
    if result.ladder is None:
        raise UsageError(f"{result.node_id} climbed no ladder", where="--rung", fix="leave --rung out")
    sampled = [(at, rung.name) for at, rung in enumerate(result.ladder.rungs) if rung.outcome is not None]
    found = [at for at, known in sampled if known == name] or [at for at, known in sampled if name in known]
    if len(found) != 1:
        what = f"{name!r} is part of several rungs' names" if found else f"no rung {name!r} was sampled"
        raise UsageError(what, where="--rung", fix=nearest(name, [known for _, known in sampled]))
    return on_rung(result, found[0])


def _names(node_id: str) -> list[str]:
    return [node_id, node_id.rsplit("::", 1)[-1]]


def _of_model(results: list[HypothesisResult], model: str | None) -> list[HypothesisResult]:
    if model is None:
        return results
    found = [result for result in results if model in (result.model or "")]
    if not found:
        known = sorted({result.model for result in results if result.model})
        raise UsageError(
            f"no hypothesis of the run is about a model with {model!r} in its name",
            where="--model",
            fix=nearest(model, known) if known else "leave --model out: none calls a model",
        )
    return found


def list_lines(run: Run, results: Sequence[HypothesisResult], width: int) -> Iterator[Line]:
    """List hypotheses, numbered as `find` takes them."""
    places = {id(result): number for number, result in enumerate(run.document.results, 1)}
    numbers = [places[id(result)] for result in results]
    named = [f"{number}  {name}" for number, name in zip(numbers, short_names(results), strict=True)]
    yield from table_lines(results, named, width)
    yield Line("")
    how = f"velo show {run.folder.name} {numbers[0]} shows the transcripts of the first"
    yield from paragraph(f"{how}; part of a name will do, too", Style.DIM, width)


def transcript_lines(
    run: Run, result: HypothesisResult, wanted: Wanted, before: Before | None, *, verbosity: int, width: int
) -> Iterator[Line]:
    """Show one hypothesis, then the trials that are wanted, one after another.

    Raises:
        UsageError: There is no such trial, or no such arm.
    """
    chosen, title = _chosen(result, wanted, before)
    yield Line(inline(result.node_id, width), Style.BOLD)
    yield from paragraph(*headline(result), width)
    for row in rows(result, verbosity):
        yield from block(row.label, row.text, width, row.style)
    yield from standing_lines(result, width)
    yield Line("")
    yield from paragraph(title, Style.BOLD, width)
    for turn in chosen.turns:
        yield from turn_lines(result, turn, verbosity, width)
    yield Line("")
    yield from paragraph(f"run {run.folder.name}", Style.DIM, width)
    if result.rerun:
        yield Line(f"run it again: {inline(result.rerun)}")


def _chosen(result: HypothesisResult, wanted: Wanted, before: Before | None) -> tuple[Chosen, str]:
    """Return the trials to show, and what they are."""
    if wanted.index is not None:
        return _one(result, wanted.index)
    if wanted.arm is not None:
        _check_arm(result, wanted.arm)
    if not result.trials:
        return Chosen(), "no trial is recorded"
    if wanted.kind is None:
        turns = turns_of(result)
        shown = tuple(turns[: wanted.most])
        chosen, title = Chosen(turns=shown, total=len(turns)), _things(result)
    else:
        chosen = choose(result, wanted.kind, wanted.most, before=before, seed=wanted.seed)
        seed = result.seed if wanted.seed is None else wanted.seed
        title = kind_title(wanted.kind, seed)
        if before is not None and wanted.kind is ShowKind.CHANGED:
            title = title.replace("before", f"than in run {before.run}")
        if chosen.why_none:
            return chosen, f"{title}: {chosen.why_none}"
    if wanted.arm is not None:
        title += f", arm {inline(wanted.arm, 40)}"
        chosen = replace(chosen, turns=tuple(_only(turn, wanted.arm) for turn in chosen.turns))
    n = len(chosen.turns)
    counted = "none" if not n else f"{n:,}" if n == chosen.total else f"{n:,} of {chosen.total:,}"
    return chosen, f"{title}: {counted}"


def _things(result: HypothesisResult) -> str:
    arms = {trial.arm for trial in result.trials}
    return "trials" if arms <= {""} else "trials, the arms of each case together"


def _only(turn: Turn, arm: str) -> Turn:
    return tuple(trial for trial in turn if trial.arm == arm)


def _one(result: HypothesisResult, index: int) -> tuple[Chosen, str]:
    for turn in turns_of(result):
        if any(trial.index == index for trial in turn):
            mine: tuple[TrialRecord, ...] = tuple(trial for trial in turn if trial.index == index)
            return Chosen(turns=(mine,), total=1), f"trial {index}, of {count(len(result.trials), 'trial')}"
    known = sorted(trial.index for trial in result.trials)
    there = f"they are {known[0]} to {known[-1]}" if known else "no trial is recorded"
    raise UsageError(f"there is no trial {index}: {there}", where=f"--trial {index}", fix="name one of them")


def _check_arm(result: HypothesisResult, arm: str) -> None:
    arms = sorted({trial.arm for trial in result.trials if trial.arm})
    if arm not in arms:
        raise UsageError(
            f"{result.node_id} has no arm {arm!r}" if arms else f"{result.node_id} has no arms",
            where="--arm",
            fix=nearest(arm, arms) if arms else "leave --arm out",
        )
