"""What a search found, as a page shows it: a row for each finding, with the draws of its own."""

from __future__ import annotations

from dataclasses import dataclass

from pytest_velo.baselines.written import claim_of
from pytest_velo.claims import EachCase
from pytest_velo.records import HypothesisResult
from pytest_velo.report.numbers import count, interval, p_value, percent
from pytest_velo.report.page.conversation import shown
from pytest_velo.report.page.forest import Bar, bar_of, thresholds_of
from pytest_velo.report.searches import found_text, search_rows, searched_of
from pytest_velo.verdicts import FoundCase, Verdict

_LONGEST = 2_000
"""Characters of a case that are shown; the record has all of them."""
_TONES = {Verdict.REFUTED: "refuted", Verdict.SUPPORTED: "supported"}
_WORDS = {Verdict.REFUTED: "confirmed", Verdict.SUPPORTED: "not confirmed"}


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingShown:
    """A case that seemed to break the claim.

    Attributes:
        number: Of the finding, from 1.
        case: As small as it still seemed to break the claim.
        from_case: How it was found, and how many smaller cases were tried.
        tone, word: What its own draws say of it.
        told: The inequality of it, or that there is none.
        against: Its draws against the claim, of all valid ones.
        invalid: Its invalid draws; empty for none.
        interval: Of the rate on this case; empty before any draw.
        p_value: With what was needed; empty before any draw.
        bar: The rate on this case, beside the threshold; None where the claim is none of ours.
    """

    number: int
    case: str
    from_case: str
    tone: str
    word: str
    told: str
    against: str
    invalid: str
    interval: str
    p_value: str
    bar: Bar | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchShown:
    """What a search did.

    Attributes:
        told: How many cases it tried, and where they came from.
        saved: Where the confirmed ones are; empty for nowhere.
        findings: In the order in which they were found.
        labels: The labels of the rows of text that say the same.
    """

    told: str
    saved: str
    findings: tuple[FindingShown, ...]
    labels: frozenset[str]


def search_shown(result: HypothesisResult) -> SearchShown | None:
    """Return what a search did and found; None for other claims."""
    searched = searched_of(result)
    if searched is None:
        return None
    rows = list(search_rows(searched))
    told = f"{count(searched.n_cases, 'case')} tried, smaller ones included: {searched.source}"
    return SearchShown(
        told=shown(told, _LONGEST),
        saved=shown(dict(rows).get("saved", ""), _LONGEST),
        findings=tuple(_finding(result, at, found) for at, found in enumerate(searched.findings, start=1)),
        labels=frozenset(label for label, _ in rows),
    )


def _finding(result: HypothesisResult, number: int, found: FoundCase) -> FindingShown:
    settled, around = found.verdict in _WORDS, ""
    if found.interval is not None:
        around = f"{interval(found.interval)} ({percent(found.interval.level)})"
    needed = f"{p_value(found.p_value)} ({percent(found.level)} needed)" if found.p_value is not None else ""
    return FindingShown(
        number=number,
        case=shown(found.smallest, _LONGEST),
        from_case=shown(found_text(found, _LONGEST), 2 * _LONGEST),
        tone=_TONES.get(found.verdict, "inconclusive"),
        word=_WORDS.get(found.verdict, "open"),
        told=shown(found.certified if settled else "its draws do not settle it", _LONGEST),
        against=f"{found.n_against:,} of {found.n - found.n_invalid:,}",
        invalid=f"{found.n_invalid:,} invalid" if found.n_invalid else "",
        interval=around,
        p_value=needed,
        bar=_bar(result, found),
    )


def _bar(result: HypothesisResult, found: FoundCase) -> Bar | None:
    claim = claim_of(result.claim)
    if not isinstance(claim, EachCase):
        return None
    (ends,) = thresholds_of(claim.claim)
    return bar_of(claim.statistics[0], ends, found.estimate, found.interval)
