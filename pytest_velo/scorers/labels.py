"""Texts that people have labelled, as rows that a judge can be asked about."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pytest_velo.canonical import digest
from pytest_velo.case_sets import Case, load
from pytest_velo.errors import UsageError, tell
from pytest_velo.records import JsonObject
from pytest_velo.scorers.agreement import answer_in

TEXTS = ("text", "reply")
CONTEXTS = ("context", "prompt")
LABEL = "label"
QUESTION = "question"

_DIGEST_LENGTH = 16
_ROW = '{"text": "Good day!", "label": "yes"}'


@dataclass(frozen=True, slots=True, kw_only=True)
class Labelled:
    """One text with what people say about it.

    Attributes:
        id: Names the row: its `id`, else its place from 0.
        question: What the judge is asked.
        text: What is judged.
        label: What people say: True for yes.
        context: What the judge is shown beside the text; None for nothing.
        digest: Of the row's content and which one of its equals it is: its draw's own name.
    """

    id: str
    question: str
    text: str
    label: bool
    context: str | Sequence[JsonObject] | None
    digest: str


def is_slot_of_label(slot: str) -> bool:
    """Tell whether a draw was made for a label: its slot, as text, ends in a row's digest."""
    return re.fullmatch(rf"[^:]*:\d+:\d+:[0-9a-f]{{{_DIGEST_LENGTH}}}", slot) is not None


def labels_of(source: Any, question: str | None, base: Path, level: float) -> tuple[Labelled, ...]:
    """Read labelled texts.

    Args:
        source: What `cases=` takes.
        question: What the judge is asked about each; None if each row has its own.
        base: The folder of the test file, for relative paths.
        level: Of the intervals that are asked for.

    Raises:
        UsageError: A row cannot be used, or the level is none.
    """
    if isinstance(level, bool) or not isinstance(level, int | float) or not 0 < level < 1:
        raise tell(UsageError(f"level= must be between 0 and 1, got {level!r}", fix="level=0.95"))
    try:
        rows = load(source, base=base)
        seen: Counter[str] = Counter()
        found = []
        for item, name, own in zip(rows.items, rows.ids, rows.digests, strict=True):
            found.append(
                _labelled(item, f"{_named(source)}, label {name}", name, question, f"{own}.{seen[own]}")
            )
            seen[own] += 1
    except UsageError as error:
        raise tell(error) from None
    return tuple(found)


def _named(source: Any) -> str:
    return str(source) if isinstance(source, str | Path) else "labels"


def _labelled(item: Any, where: str, name: str, question: str | None, own: str) -> Labelled:
    if not isinstance(item, Case):
        raise UsageError(f"a label must be a row with fields, got {item!r}"[:200], where=where, fix=_ROW)
    fields: Mapping[str, Any] = vars(item)
    text = _one_of(TEXTS, fields, where)
    if text is None:
        raise _lacks(TEXTS[0], fields, where)
    if not isinstance(fields[text], str):
        raise UsageError(f"its {text} is {fields[text]!r}, which is not text"[:200], where=where, fix=_ROW)
    context = _one_of(CONTEXTS, fields, where)
    return Labelled(
        id=name,
        question=_question(fields, question, context, where),
        text=fields[text],
        label=_label(fields, where),
        context=None if context is None else fields[context],
        digest=digest([own, question])[:_DIGEST_LENGTH],
    )


def _one_of(names: Sequence[str], fields: Mapping[str, Any], where: str) -> str | None:
    there = [name for name in names if fields.get(name) is not None]
    if len(there) > 1:
        raise UsageError(
            f"the row has a `{there[0]}` and a `{there[1]}`, which mean the same",
            where=where,
            fix=f'rename one: cases("labels.csv", rename={{"{there[1]}": "other"}})',
        )
    return there[0] if there else None


def _question(fields: Mapping[str, Any], question: str | None, context: str | None, where: str) -> str:
    own = fields.get(QUESTION)
    if question is None:
        if isinstance(own, str) and own.strip():
            return own
        raise UsageError(
            "nobody says what the judge is asked", where=where, fix='judge.validate(labels, "Is it polite?")'
        )
    if not isinstance(question, str) or not question.strip():
        raise UsageError(
            f"the judge's question must be a text, got {question!r}",
            where=where,
            fix='judge.validate(labels, "Is it polite?")',
        )
    if own is not None and context is None:
        raise UsageError(
            "the judge is asked one question about all labels, and this row has a `question` too",
            where=where,
            fix="if it is what the text answers, call it `prompt`, and the judge sees it:"
            ' cases("labels.csv", rename={"question": "prompt"})',
        )
    return question


def _label(fields: Mapping[str, Any], where: str) -> bool:
    if LABEL not in fields:
        raise _lacks(LABEL, fields, where)
    value = fields[LABEL]
    known = answer_in(value)
    if known is None:
        raise UsageError(
            f"its label is {value!r}, which is neither yes nor no"[:200],
            where=where,
            fix="yes or no (also true, false, 1, 0); leave unlabelled rows out:"
            ' cases("labels.csv", filter=lambda row: row.label != "")',
        )
    return known


def _lacks(name: str, fields: Mapping[str, Any], where: str) -> UsageError:
    return UsageError(
        f"the row has no field `{name}`, it has {', '.join(map(repr, fields)) or 'none'}",
        where=where,
        fix=f'rename the one that is it: cases("labels.csv", rename={{"…": "{name}"}})',
    )
