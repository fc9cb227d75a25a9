"""What is said of labels: how many there are, how far people agree, and what to run next."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import combinations

from pytest_velo.labelling import EVERY, Label, label_text
from pytest_velo.report.lines import Line, Style, paragraph
from pytest_velo.report.numbers import count, percent
from pytest_velo.report.text import inline
from pytest_velo.scorers.agreement import Agreement

_FEW = 5
"""Different labels that are counted one by one; scores have more."""


def counted(labels: Sequence[Label]) -> str:
    """Count labels: `31 labels (12 yes, 18 no, 1 skip)`."""
    told = count(len(labels), "label")
    by_word = Counter(label_text(label.label) for label in labels)
    if not labels or len(by_word) > _FEW:
        return told
    order = sorted(by_word, key=lambda word: ({"yes": 0, "no": 1, "skip": 3}.get(word, 2), word))
    return f"{told} ({', '.join(f'{by_word[word]:,} {word}' for word in order)})"


def agreement_lines(labels: Sequence[Label], width: int) -> Iterator[Line]:
    """Say how far each two people agree on the trials that both labelled; nothing where there is one person.

    "Cannot say" is no label here. Cohen's kappa is told of 0 and 1 alone.
    """
    of: dict[str, dict[str, float]] = {}
    for label in labels:
        mine = of.setdefault(label.by, {})
        if label.label is not None:
            mine[label.trial] = label.label
    for one, other in combinations(sorted(of), 2):
        both = sorted(of[one].keys() & of[other].keys())
        names = f"{_named(one)} and {_named(other)}"
        if not both:
            yield from paragraph(f"{names} have labelled no trial both", Style.PLAIN, width)
            continue
        ones, others = [of[one][trial] for trial in both], [of[other][trial] for trial in both]
        n_alike = sum(a == b for a, b in zip(ones, others, strict=True))
        told = f"{names} agree on {n_alike:,} of {count(len(both), 'trial')} ({percent(n_alike / len(both))})"
        if {*ones, *others} <= {0, 1}:
            kappa = Agreement.of(others, labels=ones).kappa
            told += "" if kappa is None else f", Cohen's kappa {kappa:.2f}"
        yield from paragraph(told, Style.PLAIN, width)


def _named(person: str) -> str:
    return inline(person, 40) if person else "somebody without a name"


def next_lines(mark: str, rerun: str) -> Iterator[Line]:
    """Say what to write in the test, if it is not there yet, and what to run: a line each, to be copied."""
    if mark:
        yield Line(f"in the mark: {inline(mark)}")
    if rerun:
        yield Line(f"then: {inline(rerun)}")


def mark_of(path: str, by: str, every: int) -> str:
    """Return the keyword that makes a claim one about the truth; `by` is empty where all labels count."""
    told = [json.dumps(path, ensure_ascii=False)]
    told += [] if not by else [f"by={json.dumps(by, ensure_ascii=False)}"]
    told += [] if every == EVERY else [f"every={every}"]
    return f"truth=labels({', '.join(told)})"
