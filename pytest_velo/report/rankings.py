"""What is said of a ranking: its verdict, and a table of its arms."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import NamedTuple

from pytest_velo.baselines.written import claim_of
from pytest_velo.claims import Ranking
from pytest_velo.records import HypothesisResult, Outcome
from pytest_velo.report.lines import Line, Style, block
from pytest_velo.report.numbers import dollars, interval, percent, rate
from pytest_velo.report.stubs import outcome_word
from pytest_velo.report.text import columns, inline, pad
from pytest_velo.verdicts import RankedArm, Standings

MOST_SHOWN = 12
"""Arms that are listed in a terminal if they are out; those that may win are always listed."""

_LONGEST_NAME = 44


class ArmText(NamedTuple):
    """One arm in words, column by column."""

    rank: str
    name: str
    observed: str
    interval: str
    n: str
    cost: str
    may_win: str


def ranking_headline(result: HypothesisResult) -> Line:
    """Say the verdict of a ranking: who won, or how many may."""
    assert result.decision is not None  # the caller looked
    word = outcome_word(result)
    certified = inline(result.decision.certified, 400)
    match result.outcome:
        case Outcome.SUPPORTED:
            within = f" by {result.margin:g} or more" if result.margin else ""
            risk = (
                f"another one is the best{within}" if not _several(result) else "any of the first is left out"
            )
            return Line(
                f"{word}: {certified} ({risk} at most {percent(result.alpha)} of the time)", Style.GOOD
            )
        case Outcome.REFUTED:
            risk = f"at most {percent(result.beta)} of the time if it does"
            return Line(f"{word}: {certified} ({risk})", Style.BAD)
        case _:
            return Line(f"{word}: {certified}", Style.WARN)


def _several(result: HypothesisResult) -> bool:
    standings = standings_of(result)
    return standings is not None and standings.top > 1


def standings_of(result: HypothesisResult) -> Standings | None:
    """Return how the arms of a ranking stand; None for other claims."""
    return None if result.decision is None else result.decision.standings


def head_of(standings: Standings) -> ArmText:
    """Return the heads of the columns."""
    level = next((arm.interval.level for arm in standings.arms if arm.interval is not None), None)
    which = "may be the best" if standings.top == 1 else f"may be in the first {standings.top}"
    ends = "interval" if level is None else f"{percent(level)} interval"
    return ArmText("rank", "arm", "observed", ends, "trials", "cost", which)


def arm_texts(result: HypothesisResult, standings: Standings) -> Iterator[tuple[RankedArm, ArmText]]:
    """Yield each arm, the best first, with its columns in words."""
    for arm in standings.arms:
        invalid = f" ({arm.n_invalid:,} invalid)" if arm.n_invalid else ""
        yield (
            arm,
            ArmText(
                rank=f"{arm.low}" if arm.low == arm.high else f"{arm.low} to {arm.high}",
                name=inline(arm.name, _LONGEST_NAME),
                observed=rate(arm.estimate),
                interval=interval(arm.interval),
                n=f"{arm.n + arm.n_invalid:,}{invalid}",
                cost=dollars(result.usd_by_arm.get(arm.name)),
                may_win=_may_win(arm, standings),
            ),
        )


def _may_win(arm: RankedArm, standings: Standings) -> str:
    others = sum(each.may_win for each in standings.arms) > len(standings.winners)
    if arm.name in standings.winners and others:
        return "good enough"  # within the margin
    return "yes" if arm.may_win else "no"


def caveats_of(result: HypothesisResult, standings: Standings) -> Iterator[str]:
    """Say how the table may be read: what holds together, and what a winner's rate is worth."""
    level = percent(1.0 - result.alpha)
    yield (
        f"ranks and the last column hold together with {level}, the intervals likewise, whenever you look;"
        " an arm that cannot win is drawn no more, so the ranks below stay open"
    )
    claim = claim_of(result.claim)
    lowest = isinstance(claim, Ranking) and claim.lowest
    way, why = ("downward", "low") if lowest else ("upward", "high")
    what = "mean" if isinstance(claim, Ranking) and not claim.of.binary else "rate"
    yield (
        f"the observed {what} of a winner is biased {way}: it was chosen for being {why}. Its interval is"
        " not: it holds for all arms at once"
    )


def standing_lines(
    result: HypothesisResult, width: int, *, indent: int = 2, said: Collection[str] = ()
) -> Iterator[Line]:
    """Yield the table of a ranking; nothing for other claims.

    Of how to read it, what is `said` elsewhere is left out.
    The columns from the last one on are left out where they do not fit.
    """
    standings = _shown_standings(result)
    if standings is None:
        return
    rows = [*arm_texts(result, standings)]
    shown = [row for place, row in enumerate(rows) if place < MOST_SHOWN or row[0].may_win]
    free = all(result.usd_by_arm.get(arm.name, 0.0) == 0.0 for arm, _ in rows)
    order = [at for at in range(len(ArmText._fields)) if not (free and ArmText._fields[at] == "cost")]
    head = head_of(standings)
    cells = [[each[at] for at in order] for each in (head, *(text for _, text in shown))]
    widths = [max(map(columns, column)) for column in zip(*cells, strict=True)]
    room = width - indent - sum(widths) - 2 * (len(widths) - 1)
    if room < 0:
        widths[1] = max(12, widths[1] + room)
    styles = [Style.DIM, *(Style.GOOD if arm.name in standings.winners else Style.PLAIN for arm, _ in shown)]
    for row, style in zip(cells, styles, strict=True):
        fitted = (pad(inline(cell, most), most) for cell, most in zip(row, widths, strict=True))
        yield Line((" " * indent + "  ".join(fitted)).rstrip(), style)
    if len(shown) < len(rows):
        yield Line(f"{' ' * indent}… and {len(rows) - len(shown)} more that cannot win", Style.DIM)
    for told in caveats_of(result, standings):
        if told not in said:
            yield from block("", told, width, Style.DIM, indent=max(0, indent - 11))


def said_later(results: Sequence[HypothesisResult]) -> list[frozenset[str]]:
    """Return for each of several results what a later one says of how to read its table."""
    found: list[frozenset[str]] = []
    later: frozenset[str] = frozenset()
    for result in reversed(results):
        found.append(later)
        standings = _shown_standings(result)
        later = later if standings is None else later.union(caveats_of(result, standings))
    return found[::-1]


def _shown_standings(result: HypothesisResult) -> Standings | None:
    """Return the standings of a ranking of which something was drawn."""
    standings = standings_of(result)
    drawn = standings is not None and any(arm.n + arm.n_invalid for arm in standings.arms)
    return standings if drawn else None
