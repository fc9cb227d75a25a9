"""The answer in the prompt: what was sent holds the case's label, as the model would have to say it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

from pytest_velo.checks.check import Check, Remark, Seen
from pytest_velo.checks.labels import LABELS, fields_of, label_of
from pytest_velo.checks.options import sent, without_options
from pytest_velo.checks.pages import address_of
from pytest_velo.checks.signs import log_evidence
from pytest_velo.found import Level
from pytest_velo.records import TrialRecord

_MOST_CASES = 2_000
_ENOUGH = 4.605170185988092  # log 100, as for evidence at 1%


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """What was sent for one case.

    Attributes:
        case: The case's id.
        arm: The arm.
        label: What the case says the answer is.
        text: What was sent, without a list of options.
        own: The case's other fields, as far as they were sent.
    """

    case: str
    arm: str
    label: str
    text: str
    own: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Leak:
    """Cases whose label was sent.

    Attributes:
        arm: The arm.
        by_body: The body sent it; else a field of the case holds it that is not its label.
        cases: Their ids.
        n: Cases that were looked at.
    """

    arm: str
    by_body: bool
    cases: tuple[str, ...]
    n: int


def sent_of(trials: Iterable[TrialRecord]) -> Iterator[Sent]:
    """Yield what the first call of each case sent to the model; later ones have replies of it."""
    known: set[tuple[str, str]] = set()
    for trial in trials:
        place = (trial.case_id, trial.arm)
        if not trial.calls or trial.calls[0].speaker or place in known:
            continue
        known.add(place)
        label = label_of(trial)
        if not label:
            return  # cases of one set have the same fields
        text = sent(trial.calls[0].request.messages)
        yield Sent(
            case=trial.case_id,
            arm=trial.arm,
            label=label,
            text=without_options(text),
            own=tuple(_other_fields(trial, text)),
        )
        if len(known) >= _MOST_CASES:
            return


def _other_fields(trial: TrialRecord, text: str) -> Iterator[str]:
    for name, value in fields_of(trial.case).items():
        says_answer = any(word in LABELS for word in str(name).casefold().split("_"))
        if not says_answer and isinstance(value, str) and value and value in text:
            yield without_options(value)


def leaks(sent_texts: Iterable[Sent]) -> Iterator[Leak]:
    """Yield the arms in which most cases' labels are in what was sent for them, and other cases' labels not.

    Every prompt may say "answer yes or no", and a list of options holds all labels. So two cases with
    different labels are taken together, and each label is counted in both texts: a pair speaks for a leak if
    labels are found oftener in the text of their own case than in the other's. Were labels dealt out to the
    cases at random, as many pairs would speak against it.
    """
    by_arm: dict[str, list[Sent]] = {}
    for each in sent_texts:
        by_arm.setdefault(each.arm, []).append(each)
    for arm, texts in by_arm.items():
        pairs = [*_pairs(texts)]
        for by_body in (True, False):
            signs = [_sign(first, second, by_body=by_body) for first, second in pairs]
            n_for, n_against = sum(sign > 0 for sign in signs), sum(sign < 0 for sign in signs)
            if 2 * n_for > len(pairs) and log_evidence(n_for, n_against) > _ENOUGH:
                told = [pair for pair, sign in zip(pairs, signs, strict=True) if sign > 0]
                cases = tuple(each.case for pair in told for each in pair)
                yield Leak(arm=arm, by_body=by_body, cases=cases, n=2 * len(pairs))
                break


def _pairs(texts: Iterable[Sent]) -> Iterator[tuple[Sent, Sent]]:
    waiting: list[Sent] = []
    for each in texts:
        if waiting and waiting[-1].label != each.label:
            yield waiting.pop(), each
        else:
            waiting.append(each)


def _sign(first: Sent, second: Sent, *, by_body: bool) -> int:
    def n_of(label: str, text: Sent) -> int:
        found = count(label, text.text)
        in_fields = sum(count(label, field) for field in text.own)
        return found - in_fields if by_body else in_fields

    own = n_of(first.label, first) + n_of(second.label, second)
    exchanged = n_of(second.label, first) + n_of(first.label, second)
    return (own > exchanged) - (own < exchanged)


def count(label: str, text: str) -> int:
    """Return how often a text has a label as whole words, ignoring case."""
    return len(_pattern(label).findall(text))


@lru_cache(maxsize=1_000)
def _pattern(label: str) -> re.Pattern[str]:
    words = r"\s+".join(map(re.escape, label.split()))
    return re.compile(rf"(?<!\w){words}(?!\w)", re.IGNORECASE)


def _look(seen: Seen) -> Iterator[Remark]:
    for leak in leaks(sent_of(seen.trials)):
        where = f"arm {leak.arm!r}" if leak.arm else ""
        n = f"{len(leak.cases)} of {leak.n} cases"
        if leak.by_body:
            yield Remark(
                message=f"what was sent holds the label of its own case in {n}, and not those of others",
                fix="put the fields of a case into the prompt one by one, all but its label",
                where=where,
                cases=leak.cases,
            )
        else:
            yield Remark(
                message=f"a field that was sent holds the label of its own case in {n}",
                fix="if the answer is not to be read off there, take such cases out",
                where=where,
                cases=leak.cases,
                level=Level.NOTE,
            )


CHECK = Check(
    code="F11",
    name="answer in the prompt",
    sees="What was sent holds the label of the case, as the model would have to say it.",
    look=_look,
    level=Level.WARNING,
    page=address_of("F11", "answer in the prompt"),
)
