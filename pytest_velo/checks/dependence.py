"""Dependent trials: told from their outcomes, from what they sent, and from what their body keeps."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby, islice
from statistics import fmean, median

from pytest_velo.checks.check import Check, Remark, Seen
from pytest_velo.checks.exchangeability import OrderEvidence
from pytest_velo.checks.pages import address_of
from pytest_velo.checks.ranks import RankEvidence
from pytest_velo.checks.state import goes_by_index, kept_state
from pytest_velo.claims import Claim, Estimation, Statistic
from pytest_velo.found import Level
from pytest_velo.records import JsonObject, OutcomeKind, TrialRecord, UnitKind
from pytest_velo.runner.frame import Over

ALPHA = 0.001
"""How often, at most, it says so of outcomes whose order does not matter."""
_FIRST_LOOK = 8
_MOST_UNITS = 10_000  # by then a dependence that matters has shown
_CUT_UNITS = 10  # of scores: these tell where to cut the others in two
_MOST_NAMES = 3
_MOST_TALKS = 10_000  # looked at


@dataclass(slots=True)
class Sequence01:
    """The outcomes of one arm, or the signs of the differences of two, as a sequence of 0 and 1.

    Attributes:
        told: What its outcomes are, to follow "of".
        binary: The outcomes of units are 0 or 1 as they are.
        ranks: That they rise or fall, of scores.
        evidence: That their order matters.
    """

    told: str
    binary: bool
    ranks: RankEvidence
    evidence: OrderEvidence = field(default_factory=OrderEvidence)
    _first: list[float] = field(default_factory=list)
    _cut: float = 0.5

    def add(self, value: float) -> None:
        """Take in the outcome of the next unit, if it is there.

        The first scores only set the cut: given these, the order of the others matters no more than before.
        """
        if not self.binary:
            self.ranks.add(value)
        if not self.binary and len(self._first) < _CUT_UNITS:
            self._first.append(value)
            self._cut = _cut_of(self._first)
        else:
            self.evidence.add(value > self._cut)


def _cut_of(values: Sequence[float]) -> float:
    """Return a value above which about half of these lie, and some do unless all are the same."""
    middle = median(values)
    lower = [value for value in values if value < middle]
    return max(lower) if middle == max(values) and lower else middle


@dataclass(frozen=True, slots=True, kw_only=True)
class Dependence:
    """What shows that the order of outcomes matters.

    Attributes:
        sequence: The sequence in which it shows most.
        log_e: The evidence of all sequences together, when it was the largest; or that of ranks.
        by_ranks: It is the ranks of scores that show it.
    """

    sequence: Sequence01
    log_e: float
    by_ranks: bool = False


def dependence_in(
    trials: Iterable[TrialRecord],
    statistics: Sequence[Statistic],
    arms: Sequence[str] = (),
    *,
    single: bool = True,
    exchangeable: bool = False,
    lots: str = "",
) -> Dependence | None:
    """Return what shows that the order of the units matters, at the level `ALPHA`; None if nothing does.

    Where there are scores, half of the level goes to the ranks of these.

    Args:
        trials: In submission order.
        statistics: Those of the claim.
        arms: The arms that each case goes through.
        single: Units are single trials, or one of each arm, rather than means.
        exchangeable: Units come in random order, each once; else they are independent.
        lots: What ranks of scores that are equal are drawn by; see `RankEvidence`.
    """
    sequences = {
        (statistic.name or "", arm): Sequence01(
            _told(statistic, arm), binary=statistic.binary and single, ranks=RankEvidence(lots)
        )
        for statistic in statistics
        for arm in arms or ("",)
    }
    pairs = {
        statistic: Sequence01(f"the signs of `{statistic}`", binary=True, ranks=RankEvidence(lots))
        for statistic in statistics
        if len(statistic.arms) == 2 and set(statistic.arms) <= set(arms)
    }
    every = [*sequences.values(), *pairs.values()]
    next_look, n, largest = _FIRST_LOOK, 0, None
    for n, means in enumerate(islice(_units(trials, sequences), _MOST_UNITS), start=1):
        for key, mean in means.items():
            sequences[key].add(mean)
        for statistic, sequence in pairs.items():
            name = statistic.name or ""
            one, other = ((name, arm) for arm in statistic.arms)
            if one in means and other in means and means[one] != means[other]:
                sequence.add(float(means[one] > means[other]))
        if n == next_look:
            next_look += max(1, n // 4)
            largest = _larger(largest, _now(every, exchangeable=exchangeable))
    if n:
        largest = _larger(largest, _now(every, exchangeable=exchangeable))
    scores = [sequence for sequence in every if not sequence.binary]
    if largest is not None and largest.log_e >= math.log((2 if scores else 1) / ALPHA):
        return largest
    ranked = max(scores, key=lambda sequence: sequence.ranks.most, default=None)
    if ranked is not None and ranked.ranks.most >= 2 * len(scores) / ALPHA:
        return Dependence(sequence=ranked, log_e=math.log(ranked.ranks.most), by_ranks=True)
    return None


def _told(statistic: Statistic, arm: str) -> str:
    return f"arm {arm!r}" if arm else f"`{statistic}`"


def _units(
    trials: Iterable[TrialRecord], wanted: Iterable[tuple[str, str]]
) -> Iterator[Mapping[tuple[str, str], float]]:
    """Yield each whole unit's mean outcome, by name and arm, of the valid trials."""
    names = [*wanted]
    for _, group in groupby(
        trials, key=lambda trial: (trial.index, "") if trial.unit is None else trial.unit
    ):
        unit = tuple(group)
        if len(unit) < (unit[0].unit_size or 1):
            return  # a run that was cut short left it incomplete
        found: dict[tuple[str, str], list[float]] = {}
        for trial in unit:
            if trial.kind is not OutcomeKind.INVALID:
                for key in names:
                    if key[1] == trial.arm and key[0] in trial.values:
                        found.setdefault(key, []).append(trial.values[key[0]])
        yield {key: values[0] if len(values) == 1 else fmean(values) for key, values in found.items()}


def _now(sequences: Sequence[Sequence01], *, exchangeable: bool) -> Dependence:
    """Return the mean of the evidence of all sequences, which is one itself."""
    logs = [each.evidence.log_e(exchangeable=exchangeable) for each in sequences]
    top = max(logs)
    mean = top + math.log(math.fsum(math.exp(each - top) for each in logs) / len(logs))
    return Dependence(sequence=sequences[logs.index(top)], log_e=mean)


def _larger(one: Dependence | None, other: Dependence) -> Dependence:
    return other if one is None or other.log_e > one.log_e else one


def carried_over(trials: Sequence[TrialRecord]) -> dict[int, int]:
    """Return the trials that went on with the conversation of others, each with the index of another.

    All that others sent is the beginning of what such a trial sent, although they have other cases and it did
    not ask that itself, and what the model says in between is what they were answered: trials share a chat.
    One such turn may be written by hand and be answered alike by chance, so there are two, or three where
    there are no cases to tell trials apart.
    """
    if not any(len(call.request.messages) > 1 for trial in trials for call in trial.calls):
        return {}
    asked: dict[int, tuple[TrialRecord, set[str]]] = {}
    for trial in trials:
        for call in trial.calls:
            *_, whole = _digests(call.request.messages)
            if not call.speaker:
                asked.setdefault(whole, (trial, set()))[1].add(call.reply.text)
    found: dict[int, int] = {}
    for trial in trials:
        own = {[*_digests(call.request.messages)][-1] for call in trial.calls}
        for call in trial.calls:
            others = _others(trial, call.request.messages, asked, own)
            if len(others) >= (2 if trial.case_id else 3):
                found.setdefault(trial.index, others[-1])
    return found


def _others(
    trial: TrialRecord,
    messages: Sequence[JsonObject],
    asked: Mapping[int, tuple[TrialRecord, set[str]]],
    own: set[int],
) -> list[int]:
    """Return the other trials whose conversations these messages go on with; none if they may be written."""
    others: list[int] = []
    replies: set[str] = set()
    for digest in [*_digests(messages)][1:-1]:
        if digest in asked and digest not in own:
            other, answers = asked[digest]
            if other.index != trial.index and (other.case_id != trial.case_id or not trial.case_id):
                others.append(other.index)
                replies |= answers
    said = [message.get("content") for message in messages if message.get("role") == "assistant"]
    answered = sum(text in replies for text in said if isinstance(text, str))
    return others if not said or answered >= 2 else []


def _digests(messages: Sequence[JsonObject]) -> Iterator[int]:
    """Yield a digest of the first message, of the first two, and so on; one of nothing comes first."""
    digest = 0
    yield digest
    for message in messages:
        digest = hash((digest, str(message.get("role")), str(message.get("content"))))
        yield digest


def _statistics(seen: Seen) -> list[Statistic]:
    """Return the statistics of a claim of ours; none of a ranking, whose arms leave as they lose."""
    if isinstance(seen.claim, Estimation):
        return [seen.claim.statistic]
    parts = getattr(seen.claim, "parts", ())
    return [part.statistic for part in parts] if all(type(part) is Claim for part in parts) else []


def _look(seen: Seen) -> Iterator[Remark]:
    carried = carried_over(seen.trials[:_MOST_TALKS])
    if carried:
        first, other = next(iter(carried.items()))
        yield Remark(
            message=f"{len(carried):,} of {len(seen.trials):,} trials went on with the conversation of"
            f" others: what trial {first} sent begins with all that trial {other} sent. {_COUNTED},"
            " and those of one conversation are not",
            fix=_FIX,
            trials=carried,
            level=Level.WARNING,
        )
        return
    kept = kept_state(seen.body)
    found = _in_outcomes(seen)
    if found is not None and not found.by_ranks and found.sequence.evidence.alternates:
        yield Remark(message=f"{_shown(found)}. {_COUNTED}", fix=_BY_PLACE, level=Level.WARNING)
    elif found is not None:
        fix = _BY_PLACE if goes_by_index(seen.body) and not kept else _FIX
        yield Remark(message=f"{_shown(found)}. {_VOID}", fix=fix)
    elif kept:
        names = " and ".join(f"`{name}`" for name in kept[:_MOST_NAMES])
        yield Remark(
            message=f"the body changes {names} and reads what earlier trials left there. {_COUNTED}, which"
            " their outcomes neither show nor rule out",
            fix=_FIX,
            level=Level.WARNING,
        )


def _in_outcomes(seen: Seen) -> Dependence | None:
    """Return what the outcomes show; None where their order may mean something, or claims are not ours."""
    result = seen.result
    endless = seen.cases is not None and seen.cases.endless  # in the order of its source
    statistics = _statistics(seen)
    if endless or not statistics or seen.frame.unit is UnitKind.ROUND:
        return None
    return dependence_in(
        seen.trials,
        statistics,
        seen.frame.arms,
        single=seen.frame.design.single,
        exchangeable=seen.frame.over is Over.POPULATION,
        lots="" if result is None else f"{result.node_id} {result.model} {result.seed}",
    )


_COUNTED = "The verdict counts trials as independent"
_BY_PLACE = "let cases= or trial.rng decide what differs between trials, not trial.index or the trial before"
_VOID = "The verdict counts trials as independent, so it is void"
_FIX = (
    "begin every trial afresh (no chat, memory, global or file that trials share); if they must be one after"
    " another, make them one trial"
)


def _shown(found: Dependence) -> str:
    """Say what is seen in a sequence, in numbers that anyone can count again."""
    sequence, evidence = found.sequence, found.sequence.evidence
    if found.by_ranks:
        ranks = sequence.ranks
        n = ranks.n_higher + ranks.n_lower
        way, as_said, what = (
            ("rise", ranks.n_higher, "higher") if ranks.rises else ("fall", ranks.n_lower, "lower")
        )
        return (
            f"the outcomes of {sequence.told} {way} as the run goes on: of {n:,} pairs of units that differ,"
            f" the later one is {what} in {as_said:,}, where about half would be if order did not matter"
        )
    at, before, after = evidence.change
    what, whole = (
        ("1", "") if sequence.binary else ("high", f", after {_CUT_UNITS} that set where high begins")
    )
    if evidence.follows or not at:
        n = evidence.n_same + evidence.n_changed
        how = "alternate" if evidence.alternates else "follow each other"
        return (
            f"the outcomes of {sequence.told} {how}: {evidence.n_same:,} of {n:,} are the same as the one"
            f" before, where about {evidence.n_same_expected:,.0f} would be if order did not matter{whole}"
        )
    return (
        f"the outcomes of {sequence.told} change as the run goes on: {before:,} of the first {at:,} are"
        f" {what}, and {after:,} of the {evidence.n - at:,} that follow{whole}"
    )


CHECK = Check(
    code="F19",
    name="dependent trials",
    sees="The outcome of a trial depends on the trials before it.",
    look=_look,
    level=Level.ERROR,
    page=address_of("F19", "dependent trials"),
)
