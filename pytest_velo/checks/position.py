"""Position bias: the answer follows the place of an option, not its content."""

from __future__ import annotations

import math
from collections import Counter, deque
from collections.abc import Hashable, Iterable, Iterator
from dataclasses import dataclass, field

from pytest_velo.checks.check import Check, Remark, Seen
from pytest_velo.checks.labels import label_of
from pytest_velo.checks.options import Question, question_in, sent
from pytest_velo.checks.pages import address_of
from pytest_velo.checks.signs import log_evidence
from pytest_velo.found import Level
from pytest_velo.records import Call, TrialRecord

ALPHA = 0.01
"""How often, at most, it says so of answers that do not depend on the place."""
_MOST_TRIALS = 10_000  # by then a bias that matters has shown
_MOST_IN_VAIN = 500  # trials without a question: the hypothesis asks none
_MOST_PARSED = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Pick:
    """One answer to a question with options.

    Attributes:
        trial: The trial's index.
        case: The case's id.
        stem: What was asked, without the order of the options.
        options: The options in the order in which they were sent.
        marks: What each is called.
        place: Of the option that was picked, from 0; None if the answer names none.
        right: The place of the case's label; None if there is none.
    """

    trial: int
    case: str
    stem: Hashable
    options: tuple[str, ...]
    marks: tuple[str, ...]
    place: int | None
    right: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Preference:
    """The place that answers prefer.

    Attributes:
        place: From 0.
        mark: What it is called, e.g. `A`.
        n_for: Informative pairs that went to it; `n_against` went away from it.
        n_pairs: All pairs.
    """

    place: int
    mark: str
    n_for: int
    n_against: int
    n_pairs: int


def picks_of(trials: Iterable[TrialRecord]) -> Iterator[Pick]:
    """Yield the answers to questions with options, in the order of the trials."""
    parsed: dict[tuple[int, str], Question | None] = {}
    any_found = False
    for n_looked_at, trial in enumerate(trials):
        if n_looked_at >= (_MOST_TRIALS if any_found else _MOST_IN_VAIN):
            return
        for call in trial.calls:
            if call.speaker:
                continue
            key = (id(call.request), call.address.key)  # requests that are equal are often one object
            if key not in parsed:
                if len(parsed) >= _MOST_PARSED:
                    parsed.clear()
                parsed[key] = question_in(sent(call.request.messages))
            question = parsed[key]
            if question is not None:
                any_found = True
                yield _pick(trial, call, question)


def _pick(trial: TrialRecord, call: Call, question: Question) -> Pick:
    label = label_of(trial)
    return Pick(
        trial=trial.index,
        case=trial.case_id,
        stem=(call.model, question.stem, frozenset(question.options)),
        options=question.options,
        marks=question.marks,
        place=question.place_of(call.reply.prefill + call.reply.text),
        right=question.place_of(label) if label else None,
    )


@dataclass(slots=True)
class _Coins:
    """Tosses for each place: pairs that went to it or away from it."""

    n_for: Counter[int] = field(default_factory=Counter)
    n_against: Counter[int] = field(default_factory=Counter)
    n_pairs: int = 0
    marks: tuple[str, ...] = ()

    def toss(self, place: int, sign: int) -> None:
        if sign:
            (self.n_for if sign > 0 else self.n_against)[place] += 1

    def decide(self) -> Preference | None:
        """Return the place that is preferred, if any is, at the level `ALPHA`.

        The mean over places of their e-values is one, and the chance that it ever reaches 1/alpha is at most
        alpha (Ville). So it may be looked at where a run stopped, although that goes by the answers: the plan
        of the trials does not, so that stopping only picks one of the looks at the pairs in their order.
        """
        n_places = len(self.marks)
        logs = [log_evidence(self.n_for[place], self.n_against[place]) for place in range(n_places)]
        top = max(logs, default=-math.inf)
        needed = math.log(1 / ALPHA)
        if top < needed:
            return None
        if top + math.log(sum(math.exp(each - top) for each in logs) / n_places) < needed:
            return None
        best = logs.index(top)
        return Preference(
            place=best,
            mark=self.marks[best].upper(),
            n_for=self.n_for[best],
            n_against=self.n_against[best],
            n_pairs=self.n_pairs,
        )


def swapped(picks: Iterable[Pick]) -> tuple[Preference | None, int]:
    """Compare answers to one question with its options in two orders; return also how many pairs there are.

    If the content that is picked does not depend on the order, the two answers of a pair might as well have
    been given the other way round. So of the pairs in which this would change how often a place is picked,
    each raises or lowers it with even chances: a fair coin. With two options this is McNemar's test.
    """
    coins = _Coins()
    waiting: dict[Hashable, deque[Pick]] = {}
    for pick in picks:
        coins.marks = max(coins.marks, pick.marks, key=len)
        others = waiting.setdefault(pick.stem, deque())
        if not others or others[0].options == pick.options:
            others.append(pick)  # which picks are a pair must not depend on what was picked
            continue
        first = others.popleft()
        coins.n_pairs += 1
        for place in range(len(pick.options)):
            coins.toss(place, _moved_to(place, first, pick))
    return coins.decide(), coins.n_pairs


def _moved_to(place: int, first: Pick, second: Pick) -> int:
    """Return how much oftener a place was picked than if each answer had been given in the other order."""
    picked = (first.place == place) + (second.place == place)
    exchanged = (_place_in(second, first) == place) + (_place_in(first, second) == place)
    return picked - exchanged


def _place_in(other: Pick, pick: Pick) -> int | None:
    return None if pick.place is None else other.options.index(pick.options[pick.place])


def by_label(picks: Iterable[Pick]) -> Preference | None:
    """Compare cases whose right answers stand at different places: one that is right, one that is not.

    If whether an answer is right does not depend on where the right one stands, and cases come in random
    order, either of a pair is the right one with even chances. That cases differ in nothing else is more
    than a data set promises: this is a hint. Each case counts once, since draws of one are alike.
    """
    coins = _Coins()
    waiting: deque[Pick] = deque()
    known: set[str] = set()
    for pick in picks:
        if pick.right is None or pick.case in known:
            continue
        known.add(pick.case)
        coins.marks = max(coins.marks, pick.marks, key=len)
        if not waiting or waiting[0].right == pick.right:
            waiting.append(pick)
            continue
        first = waiting.popleft()
        coins.n_pairs += 1
        for one, other in ((first, pick), (pick, first)):
            assert one.right is not None
            coins.toss(one.right, _is_right(one) - _is_right(other))
    return coins.decide()


def _is_right(pick: Pick) -> bool:
    return pick.place is not None and pick.place == pick.right


def _look(seen: Seen) -> Iterator[Remark]:
    picks = [*picks_of(seen.trials)]
    preferred, n_pairs = swapped(picks)
    if preferred is not None:
        yield Remark(
            message=f"answers go to ({preferred.mark}) whatever stands there: {preferred.n_for} of"
            f" {preferred.n_for + preferred.n_against} telling pairs say so, of {n_pairs} that ask the same"
            f" with its options in another order; {_shares(picks)}",
            fix="count a question as answered only where both orders agree, or claim about a stronger model",
        )
    elif not n_pairs and (preferred := by_label(picks)) is not None:
        yield Remark(
            message=f"answers are right where ({preferred.mark}) is right: {preferred.n_for} of"
            f" {preferred.n_for + preferred.n_against} telling pairs of cases say so; either answers follow"
            f" the place, or these cases are the easier ones; {_shares(picks)}",
            fix="send the options in several orders, e.g. by trial.rng.shuffle(options), which tells the two"
            " apart",
            level=Level.NOTE,
        )


def _shares(picks: Iterable[Pick]) -> str:
    """Say how the answers spread over the places."""
    named = Counter("" if pick.place is None else pick.marks[pick.place].upper() for pick in picks)
    n_none = named.pop("", 0)
    told = [f"({mark}) {n}" for mark, n in sorted(named.items())]
    return "picked: " + ", ".join(told + [f"none of them {n_none}"] * bool(n_none))


CHECK = Check(
    code="F07",
    name="position bias",
    sees="The answers to questions with options follow the place of an option, not its content.",
    look=_look,
    level=Level.WARNING,
    page=address_of("F07", "position bias"),
)
