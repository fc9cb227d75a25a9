"""What a hypothesis measured: its statistic, the estimate, its interval, and how many units it rests on."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from pytest_velo.records import HypothesisResult
from pytest_velo.verdicts import Interval, Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What a claim is about, as far as its text tells.

    Attributes:
        text: The statistic as it is written, e.g. `mean(0, 10, "helpful")`.
        kind: `rate`, `mean` or `difference`; `claim` for the claim of a plugin.
        outcome: The name of the outcome; empty if it is the only one.
        arms: The arms that are compared, first minus second; empty if none are.
        low, high: The least and the most it can be; None where that is not known.
        at_most: The claim says that it is at most a number.
    """

    text: str
    kind: str = "claim"
    outcome: str = ""
    arms: tuple[str, ...] = ()
    low: float | None = None
    high: float | None = None
    at_most: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """One number of a result.

    Attributes:
        claim: The claim, or the part of a joint one, as written.
        of: What it is about.
        estimate: Mean of the valid units, in the statistic's own units.
        interval: Valid at any stopping time; None if there is none.
        n: Units that the interval rests on, from 1.
        verdict, certified: On this claim, and the inequality it certifies.
    """

    claim: str
    of: Measured
    estimate: float
    interval: Interval | None
    n: int
    verdict: Verdict
    certified: str


def measures(result: HypothesisResult) -> tuple[Measure, ...]:
    """Return what a result measured: one number, or one of each part of a joint claim; none without units."""
    decision = result.decision
    if decision is None:
        return ()
    evidence = decision.evidence
    if not decision.parts:
        if evidence.estimate is None:
            return ()
        whole = Measure(
            claim=result.claim,
            of=measured(result.claim),
            estimate=evidence.estimate,
            interval=evidence.interval,
            n=evidence.n,
            verdict=decision.verdict,
            certified=decision.certified,
        )
        return (whole,)
    return tuple(
        Measure(
            claim=part.claim,
            of=measured(part.claim),
            estimate=part.estimate,
            interval=part.interval,
            n=evidence.n,
            verdict=part.verdict,
            certified=part.certified,
        )
        for part in decision.parts
        if part.estimate is not None
    )


# A name may contain anything, what follows a statistic no quotes.
_ENDS = re.compile(r'(?P<statistic>.+)(?P<rest> (?:>=|<=) [^"]+|\.within\([^"]+\))', re.DOTALL)
_ESTIMATE = re.compile(r"^estimate\((?P<statistic>.+?)(?:, halfwidth=[^,()]+)?\)$", re.DOTALL)
_RATE = re.compile(r'rate(?:\("(?P<outcome>.+)"\))?', re.DOTALL)
_MEAN = re.compile(r'mean\((?P<low>[^,()]+), (?P<high>[^,()]+)(?:, "(?P<outcome>.+)")?\)', re.DOTALL)
_DIFFERENCE = re.compile(
    r'difference\("(?P<first>.+)", "(?P<second>.+?)"(?:, of=(?P<of>(?:rate|mean)\b.*))?\)', re.DOTALL
)
_BASELINE = " - baseline"


def measured(claim: str) -> Measured:
    """Read what a claim is about out of its text, which is all that a record has of it."""
    asked = _ESTIMATE.match(claim)
    if asked is not None:
        return _statistic(asked["statistic"])
    compared = _ENDS.fullmatch(claim)
    if compared is None:
        return Measured(text=claim)
    name = compared["statistic"]
    if "baseline" in compared["rest"]:
        name += _BASELINE
    return replace(_statistic(name), at_most=compared["rest"].startswith(" <="))


def _statistic(text: str) -> Measured:
    if text.endswith(_BASELINE):
        return replace(_between(_statistic(text.removesuffix(_BASELINE))), text=text)
    if (found := _RATE.fullmatch(text)) is not None:
        return Measured(text=text, kind="rate", outcome=found["outcome"] or "", low=0.0, high=1.0)
    if (found := _MEAN.fullmatch(text)) is not None:
        low, high = float(found["low"]), float(found["high"])
        return Measured(text=text, kind="mean", outcome=found["outcome"] or "", low=low, high=high)
    if (found := _DIFFERENCE.fullmatch(text)) is not None:
        arms = (found["first"], found["second"])
        return replace(_between(_statistic(found["of"] or "rate")), text=text, arms=arms)
    return Measured(text=text)


def _between(one: Measured) -> Measured:
    """Return the difference of two such statistics."""
    if one.low is None or one.high is None:
        return replace(one, kind="difference")
    span = one.high - one.low
    return replace(one, kind="difference", low=-span, high=span)
