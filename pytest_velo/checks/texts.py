"""What cases say, as words: so that two which differ in spacing, case or punctuation alone are the same."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pytest_velo.case_sets import Case, CaseSet

MOST_CASES = 20_000
"""Cases that a check of texts looks at, the first ones: for more of them it would take too long."""

_OPTION = re.compile(r"\(\w\)")
_WORD = re.compile(r"\w+")
_ANSWERS = re.compile(r"(?:^|_)(?:answers?|labels?|targets?|expected|gold|solution)(?:_|$)")


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseTexts:
    """What one case asks, without what it says the answer is.

    Attributes:
        id: The case's.
        group: Its group; empty without groups.
        texts: The words of each of its texts by field, `""` for a case that is a text itself.
        rest: Its other values, as they print.
        longest: Its longest text as it is; empty if it has none.
    """

    id: str
    group: str
    texts: Mapping[str, str]
    rest: str
    longest: str = ""


def words_of(text: str) -> str:
    r"""Return the words of a text with one space between them."""
    return " ".join(_WORD.findall(_OPTION.sub(" ", text.casefold())))


def quoted(text: str, most: int = 60) -> str:
    r"""Return the beginning of a text in quotation marks, on one line."""
    text = " ".join(text.split())
    return f'"{text[:most]}…"' if len(text) > most else f'"{text}"'


def texts_of(cases: CaseSet | None) -> Iterator[CaseTexts]:
    """Yield what the first cases ask; nothing without cases."""
    if cases is None:
        return
    groups: Sequence[str] = cases.groups or [""] * len(cases)
    for case, name, group, _ in zip(cases.items, cases.ids, groups, range(MOST_CASES), strict=False):
        texts: dict[str, str] = {}
        rest: list[str] = []
        longest = ""
        for field, value in _fields(case):
            words = words_of(value) if isinstance(value, str) else ""
            if words:
                texts[field] = words
                longest = max(longest, value, key=len)
            else:
                rest.append(f"{field}={value!r}")
        yield CaseTexts(id=name, group=group, texts=texts, rest=", ".join(rest), longest=longest)


def _fields(case: Any) -> Iterator[tuple[str, Any]]:
    """Yield what a case asks by field: neither its name nor its answers."""
    if isinstance(case, Case | dict):
        fields = vars(case) if isinstance(case, Case) else case
        for name, value in fields.items():
            if name != "id" and not _ANSWERS.search(str(name).casefold()):
                yield str(name), value
    elif isinstance(case, tuple | list):
        yield from ((str(place), value) for place, value in enumerate(case))
    else:
        yield "", case
