"""From a run that ended to its result, with what the checks in hindsight and the look log say of it."""

from __future__ import annotations

from dataclasses import replace

from pytest_velo.designing.books import Books
from pytest_velo.designing.checking import Checking
from pytest_velo.designing.notices import with_notices
from pytest_velo.designing.outcomes import BodyOutcomes
from pytest_velo.records import HypothesisResult
from pytest_velo.report.stubs import refusal, stubs_of
from pytest_velo.runner.result import result_of
from pytest_velo.runner.run import Run
from pytest_velo.sampling.stats import SamplingStats


def concluded(
    run: Run,
    outcomes: BodyOutcomes,
    books: Books | None,
    *,
    strict: bool,
    checking: Checking | None = None,
    before: SamplingStats | None = None,
    after: SamplingStats | None = None,
) -> HypothesisResult:
    """Return the result of a run that ended for any reason.

    Args:
        run: The run.
        outcomes: What read its outcomes.
        books: Where it was entered, and what was found is added; None where it is no look.
        strict: Inconclusive hypotheses fail, and so does a raised max_trials.
        checking: The checks of the hypothesis; None where there are none.
        before: The totals of a sampler that the run had to itself, before it; None otherwise.
        after: The same, after it.
    """
    if books is not None:
        books.looks.recognise(run, strict=strict)
    result = with_notices(result_of(run), outcomes, before, after)
    if checking is not None:
        result = checking.of(result)
    if strict and stubs_of(result):
        result = replace(result, notices=(*result.notices, refusal(result).replace("\n  fix: ", "; ")))
    return result if books is None else books.attempts.note(run, books.looks.note(run, result))
