"""The words by which a test takes a recorded hypothesis as its covariate."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from pytest_velo.covariates import EarlierRun
from pytest_velo.records import HypothesisResult
from pytest_velo.report.load import Run
from pytest_velo.report.numbers import count

_FEWEST = 2
_MOST = 20_000


def words(earlier: EarlierRun) -> str:
    """Return a source as it is written: `recorded("2026-11-30T05-52-47Z", test="test_sums")`."""
    named = (("", earlier.run), ("test=", earlier.test), ("model=", earlier.model))
    told = (f"{name}{json.dumps(value, ensure_ascii=False)}" for name, value in named if value)
    return f"recorded({', '.join(told)})"


def words_for(result: HypothesisResult, results: Sequence[HypothesisResult], run: str) -> str:
    """Return the fewest words that name one hypothesis of a run."""
    plain = result.node_id.partition("[")[0]
    for test in (None, plain.rpartition("::")[2], plain, result.node_id):
        for model in (None, result.model) if test else (None,):
            earlier = EarlierRun(run=run, test=test, model=model)
            if sum(fits(other, earlier) for other in results) == 1:
                return words(earlier)
    return words(EarlierRun(run=run, test=result.node_id, model=result.model))


def fits(result: HypothesisResult, earlier: EarlierRun) -> bool:
    """Tell whether a source names a recorded hypothesis."""
    if earlier.model is not None and result.model != earlier.model:
        return False
    plain = result.node_id.partition("[")[0]
    return earlier.test is None or earlier.test in (result.node_id, plain, plain.rpartition("::")[2])


def is_as_planned(result: HypothesisResult) -> bool:
    """Tell whether the mark says how many trials there are, and all were made: as a sweep over cases does."""
    n_units = 0 if result.decision is None else result.decision.evidence.n
    return result.max_trials_marked and _FEWEST <= n_units == result.max_trials <= _MOST


def as_covariates(run: Run) -> Iterator[tuple[str, str]]:
    """Yield what a run has for covariates, with the words: tests that asked each case once, as planned.

    Raises:
        StoreError: The trials cannot be read.
    """
    for result in filter(is_as_planned, run.document.results):
        cases = [trial.case_id for trial in run.trials_of(result.node_id)]
        if "" not in cases and len({*cases}) == len(cases):
            name = words_for(result, run.document.results, run.folder.name)
            yield f"covariate of {count(len(cases), 'case')}", name
