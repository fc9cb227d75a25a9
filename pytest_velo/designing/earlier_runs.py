"""What came out of each case in an earlier run: which hypothesis `recorded()` means, and which it could."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import fmean
from typing import NamedTuple

from pytest_velo.cache.runs import run_folders
from pytest_velo.canonical import digest
from pytest_velo.case_sets import Case, CaseSet
from pytest_velo.claims import Statistic
from pytest_velo.covariates import EarlierRun
from pytest_velo.errors import UsageError, VeloError
from pytest_velo.plain import case_to_json
from pytest_velo.records import HypothesisResult, OutcomeKind, TrialRecord
from pytest_velo.report.as_covariate import fits, words, words_for
from pytest_velo.report.load import Run, load, load_folder
from pytest_velo.report.record import runs_folder

_MOST_NAMED = 5
_MOST_RUNS = 20
_MOST_TRIALS = 20_000
"""How many runs, and trials of a hypothesis, are read for an error that names them."""

Usable = Callable[[HypothesisResult, Sequence[TrialRecord]], bool]
"""Tells whether a recorded hypothesis may be a covariate: it is not what is judged."""


class EarlierRuns:
    """The records beside the store, as far as they answer the cases of a list."""

    def __init__(self, cases: CaseSet, statistic: Statistic, cache_dir: Path, usable: Usable) -> None:
        self._cases = cases
        self._statistic = statistic
        self._cache_dir = cache_dir
        self._usable = usable

    def meant(self, earlier: EarlierRun) -> tuple[HypothesisResult, tuple[TrialRecord, ...]]:
        """Return the hypothesis that is meant, and its trials of our cases, which have our names.

        Raises:
            UsageError: There is no such run, or it is another one each time; none or several of its
                hypotheses fit; or none of our cases is in it.
        """
        folder = Path(earlier.run)
        try:
            run = load_folder(folder) if folder.is_dir() else load(earlier.run, self._cache_dir)
        except UsageError as error:
            raise UsageError(error.what, where=error.where, fix=self.named()) from None
        if run.folder.name != folder.name:
            raise UsageError(
                f"recorded({earlier.run!r}) is another run each time, and this one once it has ended",
                fix=self.named("name the run"),
            )
        found = [result for result in run.document.results if fits(result, earlier)]
        if len(found) != 1:
            what = "several hypotheses fit" if found else "no hypothesis fits"
            raise UsageError(
                f"{what} {words(earlier)}",
                where=str(run.folder),
                fix=_pasted([*self._in(run, found or run.document.results)])
                or self.named("name a run of these cases"),
            )
        [result] = found
        trials = run.trials_of(result.node_id)
        ours = [*known_as(self._cases, trials)]
        if not outcomes_by_case(ours, self._statistic):
            raise UsageError(
                f"{words(earlier)} answers none of these {len(self._cases)} cases",
                where=f"{run.folder}, {result.node_id}",
                fix=self.named("name a run of the same list of cases"),
            )
        return result, tuple(ours)

    def named(self, otherwise: str = "", before: str = "") -> str:
        """Return a fix that names the runs which answer our cases: of each test the one with the most.

        Args:
            otherwise: What to do where none does.
            before: What to do instead, in any case; it stands first.
        """
        best: dict[tuple[str, str | None], _Candidate] = {}
        for folder in [*reversed(run_folders(runs_folder(self._cache_dir)))][:_MOST_RUNS]:
            try:
                run = load(folder.name, self._cache_dir)
                for each in () if run.is_partial else self._in(run, run.document.results):
                    if each.of not in best or each.n > best[each.of].n:
                        best[each.of] = each
            except VeloError:
                continue  # one that cannot be read is no help
        if found := [*best.values()]:
            return before + _pasted([each for each in found if each.n == len(self._cases)] or found)
        first = before or (f"{otherwise}; " if otherwise else "")
        size = len(self._cases)
        return (
            f"{first}no run here answers any of these cases: let another model do that first, in a test with"
            f' over="population", min_trials={size} and max_trials={size}'
        )

    def _in(self, run: Run, results: Iterable[HypothesisResult]) -> Iterator[_Candidate]:
        """Yield those of a run's hypotheses that answer our cases."""
        for result in results:
            if not 0 < run.n_trials_of(result.node_id) <= _MOST_TRIALS:
                continue
            trials = run.trials_of(result.node_id)
            n = len(outcomes_by_case(known_as(self._cases, trials), self._statistic))
            if n and self._usable(result, trials):
                size = len(self._cases)
                told = words_for(result, run.document.results, run.folder.name)
                beside = (result.node_id.partition("[")[0].rpartition("::")[2], result.model or "")
                known = [f"all {size} cases" if n == size else f"{n} of {size} cases"]
                known += [each for each in beside if each not in told]
                yield _Candidate(n, (result.node_id, result.model), f"{told}  # {', '.join(known)}")


class _Candidate(NamedTuple):
    n: int
    of: tuple[str, str | None]
    text: str


def _pasted(found: Sequence[_Candidate]) -> str:
    if not found:
        return ""
    more = len(found) - _MOST_NAMED
    lines = [each.text for each in found[:_MOST_NAMED]] + ([f"# and {more} more"] if more > 0 else [])
    return "\n    ".join(["paste one of these:" if len(found) > 1 else "paste this:", *lines])


def known_as(cases: CaseSet, trials: Iterable[TrialRecord]) -> Iterator[TrialRecord]:
    """Yield the trials whose cases are in a list, by the names that these have there.

    Cases with ids of their own are known by them, so that their fields may be edited. Others are named by
    their position, which says nothing of another list: they are known by their content.
    """
    if _have_ids(cases):
        ids = {*cases.ids}
        yield from (trial for trial in trials if trial.case_id in ids)
        return
    names: dict[str, list[str]] = defaultdict(list)
    for name, item in zip(cases.ids, cases.items, strict=True):
        names[digest(case_to_json(item))].append(name)
    found: dict[str, list[str]] = {}
    for trial in trials:
        if trial.case is None:  # older records lack it
            yield trial
            continue
        if trial.case_id not in found:
            found[trial.case_id] = names.get(digest(case_to_json(trial.case)), [])
        for name in found[trial.case_id]:
            yield trial if name == trial.case_id else replace(trial, case_id=name)


def _have_ids(cases: CaseSet) -> bool:
    """Tell whether the cases are named by what they are, and not by where they stand."""
    at = tuple(map(str, range(len(cases))))
    own = [Case.get(item, "id") if isinstance(item, Case) else None for item in cases.items]
    return cases.ids != at or tuple(map(str, own)) == at


def outcomes_by_case(trials: Iterable[TrialRecord], statistic: Statistic) -> dict[str, list[float]]:
    """Return the valid outcomes of each case by its id; of a difference, those of whole pairs."""
    turns: dict[tuple[str, int], dict[str, float]] = defaultdict(dict)
    for trial in trials:
        if trial.kind is OutcomeKind.INVALID:
            continue
        name = statistic.name or ""
        value = trial.values.get(name)
        if value is None and len(trial.values) == 1:
            [value] = trial.values.values()
        if value is not None:
            turns[trial.case_id, trial.repeat][trial.arm] = value
    found: dict[str, list[float]] = defaultdict(list)
    for (case_id, _), values in turns.items():
        if len(statistic.arms) == 2 and any(arm in values for arm in statistic.arms):
            if all(arm in values for arm in statistic.arms):
                first, second = statistic.arms
                found[case_id].append(values[first] - values[second])
        else:
            found[case_id].append(fmean(values.values()))
    return found
