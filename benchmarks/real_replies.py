"""Real questions with options, and what the embedded model answers: for the measurements of checks.

The files are those of `shared/data`: BIG-Bench Hard (MIT) and model-written evaluations (CC BY 4.0).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from pytest_velo import check_sync, estimate, rate
from pytest_velo.checks.options import question_in
from pytest_velo.records import TrialRecord

MODEL = "local/smollm2-135m"
BEGUN = "The answer is ("


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """A question of a file: what stands before its options, the options, and the place of its label."""

    id: str
    stem: str
    options: tuple[str, ...]
    right: int

    def asked(self, order: Sequence[int]) -> str:
        """Return the question with its options in an order."""
        lines = [f"({'ABCDEFGHIJ'[place]}) {self.options[each]}" for place, each in enumerate(order)]
        return "\n".join([self.stem, "Options:", *lines])

    @property
    def orders(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """The order of the file, and its reverse."""
        there = tuple(range(len(self.options)))
        return there, there[::-1]


def items_of(path: Path) -> list[Item]:
    """Return the questions of a file that have options, in its order."""
    return [*_items(path.stem, _rows(path))]


def rows_of(path: Path) -> list[dict[str, str]]:
    """Return the rows of a file as cases: the question, and the answer that is its label."""
    return [{"question": text, "answer": label.strip()} for text, label in _rows(path)]


def _rows(path: Path) -> Iterator[tuple[str, str]]:
    if path.suffix == ".json":
        for row in json.loads(path.read_text(encoding="utf-8"))["examples"]:
            yield row["input"], row["target"]
    else:
        for line in path.read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            yield row["question"], row["answer_matching_behavior"]


def _items(name: str, rows: Iterator[tuple[str, str]]) -> Iterator[Item]:
    for number, (text, label) in enumerate(rows):
        question = question_in(text)
        if question is None:
            continue
        right = question.place_of(label)
        if right is not None:
            stem = question.stem.replace("Options:", "").replace("Choices:", "").replace("Answer:", "")
            yield Item(id=f"{name}-{number}", stem=stem.strip(), options=question.options, right=right)


def answers_of(items: Sequence[Item], temperature: float = 1.0) -> tuple[TrialRecord, ...]:
    """Return trials in each of which the embedded model answers one question in two orders."""
    cases = [
        {"id": item.id, "orders": [item.asked(order) for order in item.orders], "place": item.right}
        for item in items
    ]

    async def both_orders(model, case, trial):  # type: ignore[no-untyped-def]
        for text in case.orders:
            asked = {"role": "user", "content": f"{text}\nAnswer with a letter."}
            begun = {"role": "assistant", "content": BEGUN}
            await model([asked, begun], max_tokens=1, temperature=temperature, allow_cut=True)
        return trial.index % 2 == 0  # an estimate of one half takes the longest

    n = len(cases)
    claim = estimate(rate, halfwidth=2.5 / n)  # narrower than so many trials can give
    found = check_sync(claim, both_orders, cases=cases, models=[MODEL], max_trials=n, over="population")
    return found.result.trials
