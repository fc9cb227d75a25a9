"""Cases as source: whatever is written down, it gives the same draws in the same order."""

from __future__ import annotations

from pathlib import Path
from types import FunctionType
from typing import Any

import pytest

from pytest_velo.case_sets import CaseSet, cases, load
from pytest_velo.errors import UsageError
from pytest_velo.interactive.checking.carrying import Carried
from pytest_velo.interactive.checking.cases_as_source import tell_cases

FEW = [{"q": "a", "topic": "t"}, {"q": "b", "topic": "u"}]
MANY = [{"q": f"\u202e{n}", "topic": f"t{n % 5}", "tags": [n]} for n in range(60)]


def every_one() -> list[dict[str, Any]]:
    return FEW


def drawn(rng: Any) -> Any:
    while True:
        yield rng.random()


def told(source: Any, folder: Path) -> tuple[CaseSet, CaseSet, str]:
    """Return the cases, those of the expression that was written in a folder, and the expression."""
    into = Carried()
    known = load(source, base=folder)
    assert isinstance(every_one, FunctionType)
    found = tell_cases(source, known, every_one, into, name="cases.jsonl", folder=folder)
    for name, text in found.files.items():
        (folder / name).write_text(text, encoding="utf-8")
    around = {"cases": cases}
    exec("\n".join([*into.constants.values(), *into.helpers.values()]), around)
    return known, load(eval(found.text, around), base=folder), found.text


@pytest.mark.parametrize(
    ("source", "text"),
    [
        (FEW, "FEW"),
        (MANY, '"cases.jsonl"'),
        (range(3), "CASES"),
        (["2 + 2?", 4, None], "CASES"),
        (every_one, "every_one"),
        (lambda: MANY, '"cases.jsonl"'),
        (cases(FEW, id="q", n=2), 'cases(FEW, id="q", n=2)'),
        (cases(MANY[:9], group="topic"), 'cases(CASES, group="topic")'),
        (cases(FEW, filter=lambda case: case.q == "a"), '"cases.jsonl"'),
        ({"x", "y"}, '"cases.jsonl"'),
        ([(1, "two")] * 30, "CASES"),
    ],
    ids=[
        "few by their name",
        "many",
        "a range",
        "values of several types",
        "a function by its name",
        "a function without one",
        "cases with options",
        "grouped cases",
        "cases with a filter",
        "a set",
        "tuples",
    ],
)
def test_what_is_written_gives_the_same_cases(source: Any, text: str, tmp_path: Path) -> None:
    known, again, said = told(source, tmp_path)
    assert said == text
    assert (again.digests, again.digest, again.groups) == (known.digests, known.digest, known.groups)
    assert list(map(repr, again.items)) == list(map(repr, known.items))


def test_a_file_is_named_from_where_the_test_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("questions.jsonl").write_text('{"q": "a"}\n', encoding="utf-8")
    known = load("questions.jsonl", base=tmp_path)
    found = tell_cases(
        "questions.jsonl", known, every_one, Carried(), name="x.jsonl", folder=tmp_path / "tests"
    )
    assert found.text == '"../questions.jsonl"'


@pytest.mark.parametrize("source", [lambda rng: iter(rng.random, None), cases(MANY, group=str)])
def test_what_would_not_be_the_same_is_refused(source: Any, tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        told(source, tmp_path)
    assert caught.value.where == "to_test"
    assert caught.value.fix
