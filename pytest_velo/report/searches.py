"""What is said of a search: its verdict, what it tried, and each finding with the draws of its own."""

from __future__ import annotations

from collections.abc import Iterator

from pytest_velo.records import HypothesisResult, Outcome
from pytest_velo.report.lines import Line, Style
from pytest_velo.report.numbers import count, interval, p_value, percent, rate
from pytest_velo.report.stubs import outcome_word
from pytest_velo.report.text import inline
from pytest_velo.verdicts import FoundCase, Searched, StopReason, Verdict

_LONGEST = 300
"""Characters of a case that are shown in a line; the record has all of them."""


def searched_of(result: HypothesisResult) -> Searched | None:
    """Return what a search did; None for other claims."""
    return None if result.decision is None else result.decision.searched


def search_headline(result: HypothesisResult, searched: Searched) -> Line:
    """Say the verdict of a search: the cases that are confirmed, or that there are none."""
    word = outcome_word(result)
    if result.outcome is Outcome.REFUTED:
        cases = [inline(each.smallest, _LONGEST) for each in _confirmed(searched)]
        one = len(cases) == 1
        what = (
            "1 case that breaks it, confirmed on draws of its own"
            if one
            else (f"{len(cases)} cases that break it, confirmed on draws of their own")
        )
        risk = f"if no case broke it, a search would confirm one at most {percent(result.beta)} of the time"
        return Line(f"{word}: {what}: {', '.join(cases)} ({risk})", Style.BAD)
    tried = count(searched.n_cases, "case")
    return Line(f"{word}: {tried} tried, nothing confirmed, which says little about other cases", Style.WARN)


def search_rows(searched: Searched) -> Iterator[tuple[str, str]]:
    """Yield what a search did, and what became of each finding, with labels."""
    yield "searched", f"{count(searched.n_cases, 'case')}, smaller ones included: {searched.source}"
    for number, found in enumerate(searched.findings, start=1):
        smallest, how = inline(found.smallest, _LONGEST), found_text(found)
        as_found = found.smallest == found.found
        yield f"finding {number}", f"{smallest} ({how})" if as_found else f"{smallest}, {how}"
        yield "its draws", _as_confirmed(found)
    if searched.saved:
        yield "saved", f"{searched.saved}: cases={searched.saved!r} makes a claim about what was confirmed"


def trial_counts(result: HypothesisResult, searched: Searched) -> str:
    """Say what the trials of a search were for. How they came out is no rate, and is not said."""
    n = searched.n_exploring + searched.n_shrinking + searched.n_confirming
    stop = None if result.decision is None else result.decision.stop
    kept = (
        ", and the rest was kept to confirm one"
        if stop is StopReason.MAX_TRIALS and n < result.max_trials
        else ""
    )
    invalid = 0 if result.decision is None else result.decision.evidence.n_invalid
    return (
        f"{n:,} of at most {result.max_trials:,}: {searched.n_exploring:,} to find a case{kept},"
        f" {searched.n_shrinking:,} to make it smaller, {searched.n_confirming:,} to confirm it;"
        f" {invalid:,} of them invalid"
    )


def search_observed(searched: Searched) -> str:
    """Say how many findings there are, and how many are confirmed."""
    n_confirmed = len(_confirmed(searched))
    if not searched.findings:
        return "nothing found"
    return f"{n_confirmed:,} of {count(len(searched.findings), 'finding')} confirmed"


def search_advice(searched: Searched, stop: StopReason) -> str:
    """Say what to do after a search that confirmed nothing, and stopped for this reason."""
    open_ones = [each for each in searched.findings if each.verdict is Verdict.INCONCLUSIVE]
    if open_ones:
        return "a finding is open: a larger confirm= in search() may decide it, and draws anew"
    told = "a search that found nothing is no evidence that there is nothing: give it other cases"
    if stop is StopReason.CASES_EXHAUSTED:
        return f"{told}, or let a model attack; it has tried all that it was given"
    return f"{told}, let a model attack, or raise max_trials= on fresh draws (--velo-profile=confirm)"


def _confirmed(searched: Searched) -> list[FoundCase]:
    return [each for each in searched.findings if each.verdict is Verdict.REFUTED]


def found_text(found: FoundCase, longest: int = _LONGEST) -> str:
    """Say how a finding was found, and how many smaller cases were tried."""
    if found.smallest == found.found:
        return f"{count(found.n_smaller, 'smaller case')} tried" if found.n_smaller else "as it was found"
    end = "" if found.is_smallest else ", and there were no trials left to go on"
    return (
        f"made smaller from {inline(found.found, longest)}"
        f" ({count(found.n_smaller, 'smaller case')} tried{end})"
    )


def _as_confirmed(found: FoundCase) -> str:
    n_valid = found.n - found.n_invalid
    words = {
        Verdict.REFUTED: f"confirmed: {found.certified}",
        Verdict.SUPPORTED: f"not confirmed: on this case {found.certified}",
    }
    word = words.get(found.verdict, "not confirmed: its draws do not settle it")
    seen = f"{found.n_against:,} of {count(n_valid, 'fresh draw')} against the claim"
    if found.n_invalid:
        seen += f", {found.n_invalid:,} more invalid"
    if found.interval is not None:
        seen += (
            f"; rate {rate(found.estimate)}, {percent(found.interval.level)} interval"
            f" {interval(found.interval)}"
        )
    if found.p_value is not None:
        seen += f"; p-value {p_value(found.p_value)} ({percent(found.level)} needed)"
    return f"{word}; {seen}"
