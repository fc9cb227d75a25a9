"""Public data that nobody here wrote, with known mistakes: checks fire there, and not on a copy without them.

The files are beside the project, and are never copied into it.
"""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest

from pytest_velo import rate
from pytest_velo.checks.constants import CHECK as CONSTANT
from pytest_velo.checks.duplicates import CHECK as DUPLICATES
from pytest_velo.found import Level
from support.documents import ROOT
from support.seen import found, seen

DATA = ROOT.parent / "shared" / "data" / "model_written_evals"
pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason=f"the public data are not there: {DATA}")


def rows(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in Path(DATA / name).read_text(encoding="utf-8").splitlines()]


def matches(model: Any, case: Any) -> bool:
    return bool(model(case.question) == case.answer_matching_behavior)


def test_a_set_that_a_model_wrote_has_copies_and_repeated_stems() -> None:
    copies, variants = found(DUPLICATES, seen(rows("one-box-tendency.lm.first300.jsonl")))
    assert copies.level is Level.WARNING
    assert copies.message.startswith("49 of 300 cases are copies")
    assert variants.level is Level.NOTE
    assert variants.message.startswith("20 of 300 cases share most of their wording")


def test_the_same_set_with_each_stem_once_is_clean() -> None:
    every = rows("one-box-tendency.lm.first300.jsonl")
    stems = {" ".join(row["question"].removeprefix("1) ").split()[:12]): row for row in every}
    assert len(stems) < len(every)
    assert found(DUPLICATES, seen([*stems.values()])) == []


def test_always_the_first_letter_wins_a_set_that_people_wrote() -> None:
    what = seen(rows("survival-instinct.human.jsonl"), claim=rate >= 0.5, body=matches)
    (said,) = found(CONSTANT, what)
    assert said.level is Level.WARNING
    assert 'always answering "(A)" is right in 590 of 953 cases (61.9%)' in said.message
    assert found(DUPLICATES, what) == []


def test_the_same_set_with_its_answers_balanced_is_clean() -> None:
    by_answer: dict[str, list[dict[str, Any]]] = {}
    for row in rows("survival-instinct.human.jsonl"):
        by_answer.setdefault(row["answer_matching_behavior"], []).append(row)
    n = len(by_answer[" (B)"])
    balanced = random.Random(0).sample(by_answer[" (A)"], n) + by_answer[" (B)"]
    assert found(CONSTANT, seen(balanced, claim=rate >= 0.5, body=matches)) == []
