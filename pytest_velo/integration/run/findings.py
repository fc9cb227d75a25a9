"""Confirmed findings of a search are added to a file of cases, for a claim about them later."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from pytest_velo.canonical import canonical
from pytest_velo.case_sets import Case
from pytest_velo.records import HypothesisResult
from pytest_velo.runner.run import Run
from pytest_velo.runner.searched import SearchWeigher
from pytest_velo.writing import whole


def with_saved(result: HypothesisResult, run: Run) -> HypothesisResult:
    """Add confirmed findings to the file that the search names, each once, and say so in the result.

    Where the file cannot be written, the result says that: the search was paid for, and its record has them.
    """
    search, weigher, decision = run.hypothesis.frame.search, run.weigher, result.decision
    if search is None or search.save is None or decision is None or decision.searched is None:
        return result
    assert isinstance(weigher, SearchWeigher)  # as its claim is one
    cases = weigher.confirmed_cases()
    if not cases:
        return result
    try:
        _add(run.hypothesis.folder / search.save, cases)
    except (OSError, UnicodeDecodeError) as error:
        problem = f"the findings could not be added to {search.save}: {error}"
        return replace(result, notices=(*result.notices, problem))
    searched = replace(decision.searched, saved=search.save)
    return replace(result, decision=replace(decision, searched=searched))


def _add(path: Path, cases: tuple[object, ...]) -> None:
    before = path.read_text(encoding="utf-8") if path.exists() else ""
    lines = [canonical(vars(case) if isinstance(case, Case) else case).decode() for case in cases]
    new = [line for line in lines if line not in before.splitlines()]
    if not new:
        return
    head = before if before.endswith("\n") or not before else f"{before}\n"
    with whole(path) as part:
        part.write_text(head + "".join(f"{line}\n" for line in new), encoding="utf-8")
