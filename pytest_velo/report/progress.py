"""What a long run says while it goes on: a live line, or a plain one now and then."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from pytest_velo.records import Outcome
from pytest_velo.report.lines import fit_encoding
from pytest_velo.report.numbers import count, dollars, duration, rate
from pytest_velo.report.text import columns, inline
from pytest_velo.verdicts import PairCounts


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How far a session has come.

    Attributes:
        names: The tests that are being sampled, the one that pytest waits for first.
        n: Trials that have ended, of those tests; None where workers run them.
        most: Trials they may take, at most.
        elapsed_s: Seconds since their sampling began.
        least_more: Fewest further trials that could give a verdict; None if unknown.
        what, estimate: What is observed: a rate, mean or difference, and its value; None if there is none
            yet, or several hypotheses are sampled.
        pairs: How the pairs of a difference came out so far.
        n_tests: Tests to run in all; None if unknown.
        ended: How many ended with each outcome.
        cost_usd: Dollars spent so far; None if a price is unknown.
    """

    names: Sequence[str] = ()
    n: int | None = None
    most: int | None = None
    elapsed_s: float = 0.0
    least_more: int | None = None
    what: str = "rate"
    estimate: float | None = None
    pairs: PairCounts | None = None
    n_tests: int | None = None
    ended: Mapping[Outcome, int] = field(default_factory=dict)
    cost_usd: float | None = 0.0


_SHORTEST = 12
"""Columns of a test's name, which is shortened before any number is left out."""


def live_line(standing: Standing, *, width: int = 80, encoding: str | None = "utf-8") -> str:
    """Return the line that is drawn again and again, at most `width` columns.

    What matters least is left out where it does not fit: first the verdicts so far, what is observed, and
    how many tests are done, then the time.
    """
    name = _names(standing)
    trials, observed, money = _trials(standing), _observed(standing), dollars(standing.cost_usd)
    left, most = _left(standing), _at_most(standing)
    tests, verdicts = _tests(standing), _verdicts(standing)
    for pieces in (
        [trials, observed, left, money, f"{tests}: {verdicts}" if tests and verdicts else tests],
        [trials, observed, left, money, tests],
        [trials, observed, most, money, tests],
        [trials, most, money, tests],
        [trials, most, money],
        [trials, money],
        [trials],
    ):
        facts = fit_encoding(" · ".join(piece for piece in pieces if piece), encoding)
        room = width - columns(facts) - 2
        if room >= min(_SHORTEST, columns(name)):
            return f"{inline(name, room)}  {facts}"
    return inline(f"{name}  {trials}", width)


def plain_line(standing: Standing, *, encoding: str | None = "utf-8") -> str:
    """Return the line for a log, whole."""
    tests, verdicts = _tests(standing), _verdicts(standing)
    pieces = [
        _trials(standing),
        _observed(standing),
        _left(standing),
        f"{dollars(standing.cost_usd)} so far",
        f"{tests}: {verdicts}" if tests and verdicts else tests,
    ]
    facts = " · ".join(piece for piece in pieces if piece)
    return fit_encoding(f"velo: {_names(standing)}  {facts}", encoding)


def _names(standing: Standing) -> str:
    if not standing.names:
        return "sampling"
    first, *others = standing.names
    return inline(first) + (f" and {len(others):,} more" if others else "")


def _trials(standing: Standing) -> str:
    if standing.n is None or standing.most is None:
        return ""
    return f"{standing.n:,} of at most {count(standing.most, 'trial')}"


def _observed(standing: Standing) -> str:
    pairs = standing.pairs
    if pairs is not None and pairs.n:
        first, second = inline(pairs.first, 20), inline(pairs.second, 20)
        return f"{first} ahead in {pairs.n_first:,} pairs, {second} in {pairs.n_second:,}"
    return "" if standing.estimate is None else f"{standing.what} {rate(standing.estimate)}"


def _left(standing: Standing) -> str:
    """Say how long it may take yet, at the pace so far: never a guess of when the verdict comes."""
    longest = _at_most(standing)
    if standing.least_more and standing.n and longest:
        soonest = duration(standing.elapsed_s / standing.n * standing.least_more)
        if f"at most {soonest} more" != longest:
            longest = longest.replace("at most", f"{soonest} to")
    return f"{longest} at this pace" if longest else ""


def _at_most(standing: Standing) -> str:
    if not standing.n or standing.most is None or standing.most <= standing.n:
        return ""
    longest_s = standing.elapsed_s / standing.n * (standing.most - standing.n)
    return f"at most {duration(longest_s)} more" if longest_s >= 1.0 else ""


def _tests(standing: Standing) -> str:
    n = sum(standing.ended.values())
    if standing.n_tests is None:
        return f"{count(n, 'test')} done" if n else ""
    return f"{n:,} of {count(standing.n_tests, 'test')} done"


def _verdicts(standing: Standing) -> str:
    return ", ".join(f"{standing.ended[kind]:,} {kind}" for kind in Outcome if standing.ended.get(kind))
