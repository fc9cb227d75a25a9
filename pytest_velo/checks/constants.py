"""F06: one answer, given to every case, would make the claim true."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from pytest_velo.case_sets import Case
from pytest_velo.checks.bodies import names_in
from pytest_velo.checks.check import Check, Remark, Seen, When
from pytest_velo.checks.labels import LABELS
from pytest_velo.checks.pages import address_of
from pytest_velo.checks.texts import quoted
from pytest_velo.claims import Claim, Direction
from pytest_velo.found import Level
from pytest_velo.runner.frame import Over
from pytest_velo.stats.intervals import clopper_pearson

_LEVEL = 0.95
_FEWEST = 10
"""Cases with an answer: of fewer, the most frequent answer says nothing."""


def answers_of(cases: Sequence[Any], field: str) -> list[tuple[str, ...]]:
    """Return the right answers of each case that has any, as texts."""
    found = []
    for case in cases:
        value = vars(case).get(field) if isinstance(case, Case) else None
        several = value if isinstance(value, list | tuple) else [value]
        answers = tuple(str(each).strip() for each in several if isinstance(each, str | int | float | bool))
        if answers:
            found.append(answers)
    return found


def best_constant(answers: Sequence[tuple[str, ...]]) -> tuple[str, int]:
    """Return the answer that is right most often, and how often."""
    times = Counter(answer for each in answers for answer in set(each))
    return max(times.items(), key=lambda item: (item[1], item[0]))


def _look(seen: Seen) -> Iterator[Remark]:
    claims = _rates(seen)
    if not claims or seen.cases is None or seen.frame.arms:
        return
    field, is_read = _field(seen)
    answers = answers_of(seen.cases.items, field) if field else []
    if len(answers) < max(_FEWEST, len(seen.cases) / 2):
        return
    answer, n = best_constant(answers)
    if n == 1:
        return
    kinds = len({each for several in answers for each in several})
    for claim in claims:
        # What the cases were drawn from is known up to chance, as often as the constant was picked.
        low = n / len(answers)
        if seen.frame.over is Over.POPULATION:
            low = clopper_pearson(n, len(answers), 1 - 2 * (1 - _LEVEL) / kinds).low
        if low > claim.threshold:
            yield Remark(
                message=f"always answering {quoted(answer)} is right in {n:,} of {len(answers):,} cases"
                f" ({n / len(answers):.1%}), which is enough for {claim}",
                fix="balance the answers, or claim more than a constant answer reaches",
                where=f"the field {field!r}",
                level=Level.WARNING if is_read else Level.NOTE,
            )


def _rates(seen: Seen) -> list[Claim]:
    """Return the claims that a rate is high, which an answer that is often right makes true."""
    parts = getattr(seen.claim, "parts", ())
    return [
        part
        for part in parts
        if type(part) is Claim
        and part.direction is Direction.AT_LEAST
        and part.statistic.binary
        and not part.statistic.arms
    ]


def _field(seen: Seen) -> tuple[str, bool]:
    """Return the field with the right answers, and whether the body reads it; empty if there is none."""
    assert seen.cases is not None  # the caller looked
    first = seen.cases.items[0]
    fields = [name for name in LABELS if isinstance(first, Case) and name in first]
    named = names_in(seen.body)
    read = [name for name in fields if name in named]
    if read:
        return read[0], True
    return (fields[0], False) if fields else ("", False)


CHECK = Check(
    code="F06",
    name="constant answer",
    sees="One answer, given to every case, would make the claim true.",
    look=_look,
    when=When.BEFORE,
    level=Level.WARNING,
    page=address_of("F06", "constant answer"),
)
