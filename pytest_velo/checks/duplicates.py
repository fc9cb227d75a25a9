"""F05: cases that are there more than once, or nearly: they are fewer than their number says."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pytest_velo.case_sets import CaseSet
from pytest_velo.checks.check import Check, Remark, Seen, When
from pytest_velo.checks.near import clusters
from pytest_velo.checks.pages import address_of
from pytest_velo.checks.texts import MOST_CASES, CaseTexts, quoted, texts_of, words_of
from pytest_velo.found import Level

_FIX = 'drop the copies, or count each set of them once: cases(..., group=...) with over="population"'


def copies(texts: Sequence[CaseTexts]) -> list[tuple[int, ...]]:
    """Return the positions of cases that ask the same, together, whatever they say the answer is.

    Members of one group are not copies of each other: their mean is one unit.
    """
    alike: dict[object, list[int]] = {}
    for at, case in enumerate(texts):
        alike.setdefault((tuple(case.texts.items()), case.rest), []).append(at)
    return [tuple(members) for members in alike.values() if len(_units(texts, members)) > 1]


def variants(texts: Sequence[CaseTexts]) -> list[tuple[int, ...]]:
    """Return the positions of cases that share most of their wording and all of their other values, together.

    Copies of a case are not variants of it.
    """
    firsts = {(tuple(case.texts.items()), case.rest): at for at, case in reversed([*enumerate(texts)])}
    places = sorted(firsts.values())
    found = []
    for cluster in clusters([words_of(texts[at].longest) for at in places]):
        alike: dict[str, list[int]] = {}
        for at in cluster:
            alike.setdefault(texts[places[at]].rest, []).append(places[at])
        found += [tuple(members) for members in alike.values() if len(_units(texts, members)) > 1]
    return found


def _units(texts: Sequence[CaseTexts], members: Sequence[int]) -> set[object]:
    return {texts[at].group or at for at in members}


def _look(seen: Seen) -> Iterator[Remark]:
    if seen.cases is None or _is_drawn(seen.cases):
        return
    texts = [*texts_of(seen.cases)]
    some = f" (of the first {MOST_CASES:,})" if len(seen.cases) > MOST_CASES else ""
    for found, level, said in (
        (copies(texts), Level.WARNING, "are copies of another"),
        (variants(texts), Level.NOTE, "share most of their wording with another"),
    ):
        extra = sum(len(members) - 1 for members in found)
        if extra:
            largest = max(found, key=len)
            yield Remark(
                message=f"{extra:,} of {len(texts):,} cases{some} {said}, so there are not {len(texts):,}"
                f" of them; {len(largest)} begin {quoted(texts[largest[0]].longest)}",
                fix=_FIX,
                level=level,
                cases=[texts[at].id for members in found for at in members[1:]],
            )


def _is_drawn(cases: CaseSet) -> bool:
    """Tell whether cases are draws of a function or a strategy: of a small population, draws repeat."""
    return cases.endless or (cases.default_over == "population" and cases.groups is None)


CHECK = Check(
    code="F05",
    name="duplicate cases",
    sees="Cases are there more than once, or share most of their wording with others.",
    look=_look,
    when=When.BEFORE,
    level=Level.WARNING,
    page=address_of("F05", "duplicate cases"),
)
