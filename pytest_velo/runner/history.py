"""Several looks at the same draws, and how often one of them at least is wrong.

A rule that looks again at the same draws says the same, so only *different* rules are further chances to be
wrong. What differs is the edition of the rules, the kind of thresholds, the horizon they were made for, and
what is asked where that enters the rule: the half-width of an estimate, at which its looks or bets aim, or
the arms of a ranking.

Edited thresholds are no further chance by themselves. The tests of one end are nested: whoever rejects "the
rate is at most t" rejects it for every smaller t. So of all false claims that were made about one end, the
least strict is supported wherever another one is, and one test alone would have to err. That holds for
several ends (of `within`, of the parts of a joint claim) as long as there is one end that all claims that can
be false together get wrong: where one claim is stricter than the other at every end, or two ranges overlap.
Where thresholds went both ways, each end has an error rate of its own, and they add up.

A search is wrong only by a finding that it put to the test on fresh draws. So one that put none to the test
was no chance to be wrong: given all that was seen before, what comes after it has the whole error rate.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import combinations
from typing import NamedTuple

from pytest_velo.cache.looks import Look
from pytest_velo.claims import AnyClaim, Claim, Direction, EachCase, Estimation, Joint, Ranking
from pytest_velo.records import Invalid
from pytest_velo.runner.hypothesis import Hypothesis
from pytest_velo.stats import exact
from pytest_velo.stats.engine.design import Design
from pytest_velo.stats.engine.nulls import Null, is_no_difference, nulls_of
from pytest_velo.stats.rules.choice import rule_for
from pytest_velo.stats.rules.estimate import EstimateRule, horizons_error, make_estimate

HORIZONED = ("calibrated", "mixed")
"""The rules with thresholds that hold for one `max_trials`."""


class Law(NamedTuple):
    """What the verdict of a look goes by, but for its thresholds.

    Attributes:
        edition: That of the rules; 0 if an older look does not tell.
        rule: The kind of its thresholds.
        horizon: The `max_trials` that it was made for; 0 if it is the same for all.
        asked: What was asked, where that enters the rule; else empty.
    """

    edition: int
    rule: str
    horizon: int
    asked: str


def law_of(look: Look) -> Law:
    """Return what the verdict of a look went by."""
    horizon = look.horizon
    if horizon is None:  # an older look
        horizon = look.max_trials if look.rule in HORIZONED else 0
    return Law(look.edition, look.rule, horizon, look.asked)


def horizon_of(hypothesis: Hypothesis, rule: str) -> int:
    """Return the `max_trials` that a rule of this kind is made for; 0 if it is the same for all."""
    design, claim = hypothesis.design, hypothesis.claim
    aims = isinstance(claim, Estimation) and claim.halfwidth is not None and hypothesis.labelling is None
    tosses = isinstance(claim, Claim) and bool(_tosses(hypothesis, claim))
    return design.max_units if rule in HORIZONED or tosses or (aims and not design.extend) else 0


def asked_of(hypothesis: Hypothesis) -> str:
    """Return what is asked as far as it enters the rule beyond its thresholds, in words."""
    claim, frame = hypothesis.claim, hypothesis.frame
    draws = f"{frame.turns_per_unit} draws a case" if hypothesis.design.draws > 1 else ""
    match claim:
        case Estimation(halfwidth=float() | int()) if hypothesis.labelling is None:
            asked = str(claim)
        case EachCase():
            asked = str(claim)
        case Ranking():
            asked = f"{claim} of {', '.join(hypothesis.arms)}"
        case _:
            asked = ""
    return " with ".join(filter(None, (asked, draws)))


def ends_of(claim: AnyClaim) -> tuple[float, ...]:
    """Return a number for each end of a claim, the larger the stricter; nothing for what is no claim."""
    match claim:
        case Joint():
            return tuple(end for part in claim.parts for end in ends_of(part))
        case Claim():
            low = () if claim.low is None else (claim.low,)
            high = () if claim.high is None else (-claim.high,)
            return (*low, *high)
        case _:
            return ()


def n_ends_at_stake(claim: AnyClaim, made: Iterable[tuple[float, ...]]) -> int:
    """Return how many ends of a claim have a chance to be wrong, after it was made with these ends.

    It is 1 where one test would have to err for any of the false claims among them to be supported.
    """
    claims = [*made]
    pairs = [*combinations(claims, 2)]
    if all(_is_stricter(one, other) or _is_stricter(other, one) for one, other in pairs):
        return 1
    if isinstance(claim, Claim) and claim.direction is Direction.WITHIN and all(map(_overlap, pairs)):
        return 1
    return len(claims[0])


def _is_stricter(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
    """Tell whether a claim is at least as strict as another at every end."""
    return len(one) == len(other) and all(mine >= theirs for mine, theirs in zip(one, other, strict=True))


def _overlap(pair: tuple[tuple[float, ...], tuple[float, ...]]) -> bool:
    """Tell whether two ranges have values in common: no value is then above the one and below the other."""
    (low, minus_high), (other_low, other_minus_high) = pair
    return max(low, other_low) < min(-minus_high, -other_minus_high)


class History(NamedTuple):
    """The looks by different rules, or with thresholds that went both ways, at the same draws.

    Attributes:
        laws: What they went by, in the order in which each came first.
        now: What the last look goes by, which may be one of before.
        is_first: The last look is made as the first one was.
        n_ends: The ends that have a chance to be wrong each.
        measures: They were estimates, whose intervals may miss.
        error: The chance that one of the verdicts is wrong, or one of the intervals misses, at most.
        level: That of a single look.
    """

    laws: tuple[Law, ...]
    now: Law
    is_first: bool
    n_ends: int
    measures: bool
    error: float
    level: float

    @property
    def costs(self) -> bool:
        """Whether the error is more than that of a single look."""
        return self.error > self.level

    @property
    def by_horizon(self) -> bool:
        """Whether the looks differ in their horizons alone."""
        alike = {law._replace(horizon=0) for law in self.laws}
        return len(alike) == 1 and self.n_ends == 1 and all(law.horizon for law in self.laws)

    @property
    def is_largest(self) -> bool:
        """Whether the last look has the largest horizon."""
        return self.now.horizon == max(law.horizon for law in self.laws)

    def __str__(self) -> str:
        """Say how draws were looked at, and what that means for the error."""
        told = [f"looks at {self._looks()}"] if len(self.laws) > 1 else []
        if self.n_ends > 1:
            told.append("thresholds that went both ways between looks")
        wrong = "that an interval misses" if self.measures else "of a wrong verdict"
        return f"{', with '.join(told)}: the chance {wrong} is up to {self.error:.1%}, not {self.level:.1%}"

    def _looks(self) -> str:
        if self.by_horizon:
            *others, last = sorted(law.horizon for law in self.laws)
            return f"max_trials={', '.join(map(str, others))} and {last}"
        return ", then at ".join(map(self._told, self.laws))

    def _told(self, law: Law) -> str:
        several = len({each.asked for each in self.laws}) > 1
        horizons = len({each.horizon for each in self.laws}) > 1 or not several
        words = [law.asked] if several and law.asked else []
        words += [f"max_trials={law.horizon}" if law.horizon else "any max_trials"] if horizons else []
        words += [f"thresholds of another kind ({law.rule})"] if law.rule != self.now.rule else []
        words += ["the rules of another version"] if law.edition != self.now.edition else []
        return " with ".join(words)


def history_of(hypothesis: Hypothesis, looks: Sequence[Look]) -> History:
    """Return what looks at the same draws, of which the last is that of the hypothesis, mean for its error.

    For a claim about one rate, or about no difference of pairs, by the rules of this edition it is the exact
    error of tosses, at the worst of its nulls; for all others the sum over the looks by different rules. What
    refutes `within`, and what tests another difference, holds for every horizon. For an estimate, what is the
    same for all horizons counts once.
    """
    looks = [*(look for look in looks[:-1] if look.n_confirming != 0), looks[-1]]
    laws = tuple(dict.fromkeys(map(law_of, looks)))
    now = law_of(looks[-1])
    claim, design = hypothesis.claim, hypothesis.design
    made = [*dict.fromkeys(look.ends for look in looks if look.ends)]
    n_ends = n_ends_at_stake(claim, made)
    is_first = laws[0] == now and (not looks[0].ends or looks[0].ends == looks[-1].ends)
    alike = all(law.horizon and law == now._replace(horizon=law.horizon) for law in laws)
    if len(laws) == n_ends == 1:
        error, level = design.alpha, design.alpha
    elif alike and n_ends == 1 and (tests := _tests(hypothesis, made)):
        horizons = sorted(law.horizon for law in laws)
        error, level = _worst(
            (exact.history_error(null.threshold, null.side, level, horizons, first), level)
            for null, level, first in tests
        )
    elif alike and isinstance(claim, Estimation) and claim.halfwidth is not None:
        rules = [_estimate_at(law.horizon, hypothesis, claim) for law in laws]
        error, level = min(1.0, horizons_error(rules)), design.alpha
    else:
        sides = [(n_ends, design.alpha)]
        if not isinstance(claim, Estimation):
            sides.append((1, design.beta))
        error, level = _worst((min(1.0, len(laws) * n * level), level) for n, level in sides)
    return History(laws, now, is_first, n_ends, isinstance(claim, Estimation), error, level)


def _estimate_at(horizon: int, hypothesis: Hypothesis, claim: Estimation) -> EstimateRule:
    """Return the rule of an estimate for another horizon."""
    design = replace(hypothesis.design, max_units=horizon)
    may_be_open = hypothesis.invalid is not Invalid.EXCLUDE
    return make_estimate(claim.statistic, claim.halfwidth, design, may_be_open=may_be_open)


def _worst(errors: Iterable[tuple[float, float]]) -> tuple[float, float]:
    """Return the error, with its level, that is the most above it."""
    return max(errors, key=lambda error: error[0] - error[1])


class _Test(NamedTuple):
    """A null that is tested at a horizon's threshold, at a level, from a number of outcomes on."""

    null: Null
    level: float
    first: int


def _tests(hypothesis: Hypothesis, made: Iterable[tuple[float, ...]]) -> list[_Test]:
    """Return the tests of a claim, as it was made with these ends, that are made for one horizon.

    Empty where their errors are not known exactly. Of pairs, those that differ are tossed for, which are
    never more than the pairs: a smaller horizon's threshold is lower, so that the error is at most that of
    tosses in the place of pairs.
    """
    claim, design = hypothesis.claim, hypothesis.design
    if not isinstance(claim, Claim):
        return []
    claims = [_with_ends(claim, ends) for ends in made]
    if hypothesis.calibrated:
        every = [test for each in claims for test in _levels(each, design)]
        return [_Test(null, level, design.min_units) for null, level in every]
    return [_Test(null, level, 1) for each in claims for null, level in _tosses(hypothesis, each)]


def _tosses(hypothesis: Hypothesis, claim: Claim) -> list[tuple[Null, float]]:
    """Return the tests of a claim about pairs that are of no difference, which alone have a horizon."""
    design = hypothesis.design
    ours = hypothesis.make_rule is rule_for and design.census is None and not hypothesis.is_centred
    if not (ours and claim.statistic.arms and claim.statistic.binary and design.calibrates):
        return []
    return [(null, level) for null, level in _levels(claim, design) if is_no_difference(null)]


def _levels(claim: Claim, design: Design) -> list[tuple[Null, float]]:
    """Return the nulls of a claim that have a test of their own, each with its level."""
    nulls = nulls_of(claim, design.margin)
    tests = [(null, design.alpha) for null in nulls.support]
    return [*tests, (nulls.refute[0], design.beta)] if len(nulls.refute) == 1 else tests


def _with_ends(claim: Claim, ends: tuple[float, ...]) -> Claim:
    """Return a claim as it was made with other ends."""
    low = None if claim.low is None else ends[0]
    high = None if claim.high is None else -ends[-1]
    return replace(claim, low=low, high=high)
