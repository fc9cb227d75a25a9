"""What is read of a mistake in `cases=`: its options, its files, its functions, and a case in a body."""

from __future__ import annotations

import os

import pytest

BODY = """
async def test_h(model, case):
    return (await model(str(case))).answers("yes")
"""
HEAD = """
import json
from pathlib import Path
from hypothesis import strategies as st
ROWS = [{"q": "a"}, {"q": "b"}]
LOOP = []
LOOP.append(LOOP)
def broken():
    yield 1
    raise RuntimeError("no more")
def numbers():
    n = 0
    while True:
        yield (n := n + 1)
def seeded(rng):
    while True:
        yield rng.random()
"""


def marked(source: str, body: str = BODY) -> str:
    return f"{HEAD}@pytest.mark.hypothesis(rate >= 0.5, models=[YES], cases={source}){body}"


# name: (what cases= was given, what is wrong with it, what to do)
OPTIONS = {
    "twice": (
        "cases(cases(ROWS))",
        "cases(...) is nested inside cases(...)",
        "give all options in one cases(...)",
    ),
    "none": (
        "cases(ROWS, n=0)",
        "cases: n= must be a whole number, 1 or more, got 0",
        "n=100, or leave it out for all",
    ),
    "id": (
        "cases(ROWS, id=7)",
        "cases: id= must be a field's name or a function, got 7",
        'id="topic", or id=lambda case: case.topic',
    ),
    "group": (
        "cases(ROWS, group=['q'])",
        "cases: group= must be a field's name or a function, got ['q']",
        'group="topic", or group=lambda case: case.topic',
    ),
    "filter": (
        "cases(ROWS, filter='q')",
        "cases: filter= must be a function of the case, got 'q'",
        "filter=lambda case: case.length < 100",
    ),
    "rename": (
        "cases(ROWS, rename=['q'])",
        "cases: rename= must be a dict of old to new names, got ['q']",
        'rename={"query": "question"}',
    ),
}


def test_an_option_of_cases_that_is_none(mistakes):
    read = mistakes.files({name: marked(source) for name, (source, _, _) in OPTIONS.items()})
    assert mistakes.code == pytest.ExitCode.INTERRUPTED
    assert read == {
        name: f"test_{name}.py:N > {what}\n  fix: {fix}" for name, (_, what, fix) in OPTIONS.items()
    }


# name: (what cases= was given, where and what is wrong, what to do)
SOURCES = {
    "all_filtered": (
        "cases(seeded, filter=lambda case: case > 1)",
        "cases: filter= dropped 10000 cases in a row",
        "loosen it",
    ),
    "number_as_field": (
        "[{'q': 'a'}, {1: 'b'}]",
        "case 1: a field's name is 1, which is not a string",
        "name it '1'",
    ),
    "second_field": (
        "cases([{'q': 'a', 'text': 'b'}], rename={'q': 'text'})",
        "case 0: rename= would make a second field 'text'",
        "rename that one too",
    ),
    "filter_that_fails": (
        "cases(ROWS, filter=lambda case: case.topic == 'a')",
        "case 0: filter= failed: the case has no field 'topic'",
        "known: q",
    ),
    "filter_that_divides": (
        "cases(ROWS, filter=lambda case: 1 / 0)",
        "case 0: filter= failed: ZeroDivisionError: division by zero",
        "it is called for every case, and must not fail for any",
    ),
    "id_of_none": (
        "cases(ROWS, id=lambda case: None)",
        "case 0: id= gave None",
        "return a non-empty string or a number for every case",
    ),
    "generator_that_fails": (
        "broken",
        "cases: the function broken raised RuntimeError: no more",
        "it is called at collection, with `rng` or without arguments",
    ),
    "generator_without_end": (
        "numbers",
        "cases: the generator numbers yielded 100000 cases and does not end",
        "add a parameter `rng` and draw from it (only as much as needed is then read), or set n=",
    ),
    "endless_case": (
        "LOOP",
        "case 0: the case's content cannot be identified: value contains itself, or is nested too deeply to"
        " be written as JSON",
        "name each case: cases(..., id=lambda case: ...), or use JSON-like values",
    ),
    "infinite_case": (
        "[float('inf')]",
        "case 0: the case's content cannot be identified: value is inf, which JSON does not have",
        "name each case: cases(..., id=lambda case: ...), or use JSON-like values",
    ),
    "quotes": (
        "'quotes.csv'",
        "quotes.csv:2: the row is not CSV: unexpected end of data",
        "check its quotes",
    ),
}


@pytest.mark.parametrize("name", SOURCES)
def test_a_source_of_cases_that_gives_none(run, mistakes, name):
    source, what, fix = SOURCES[name]
    (run.path / "quotes.csv").write_text('q,a\n"a,b\n')
    read = mistakes.refused(marked(source))
    assert mistakes.code == pytest.ExitCode.USAGE_ERROR
    assert read == f"test_it.py::test_h (line N): {what}\n  fix: {fix}"


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="needs a file that cannot be read")
def test_a_file_of_cases_without_the_right_to_read_it(run, mistakes):
    (run.path / "rows.jsonl").touch(mode=0o000)
    read = mistakes.refused(marked("'rows.jsonl'"))
    assert read == (
        f"test_it.py::test_h (line N): {run.path / 'rows.jsonl'}: the file cannot be read: Permission denied"
        "\n  fix: make it readable"
    )


# name: (the strategy, what is wrong with it, what to do); it is drawn from when the test is run
STRATEGIES = {
    "failing": (
        "st.integers(0, 9).map(lambda n: 1 / 0)",
        "draw 0 from the strategy failed: ZeroDivisionError: division by zero",
        "build values instead of filtering most of them away; strategy.example() shows one",
    ),
}


def test_a_strategy_that_gives_none(mistakes):
    body = BODY.replace("test_h", "test_{}")
    marks = (
        f"@pytest.mark.hypothesis(rate >= 0.5, models=[YES], cases={source}){body.format(name)}"
        for name, (source, _, _) in STRATEGIES.items()
    )
    read = mistakes.tests(HEAD + "\n".join(marks))
    assert mistakes.code == pytest.ExitCode.TESTS_FAILED
    assert read == {name: f"cases: {what}\n  fix: {fix}" for name, (_, what, fix) in STRATEGIES.items()}


# name: (the body, what is wrong with it, what to do)
BODIES = {
    "missing": ('return case["question"] == 1', "the case has no field 'question'", "known: q"),
    "misspelt": ("return case.qq == 1", "the case has no field 'qq'", "did you mean 'q'?"),
    "set": (
        "case.q = 2; return case.q == 2",
        "a case is frozen: 'q' cannot be set",
        "keep computed values in a variable",
    ),
    "deleted": (
        "del case.q; return len(case) == 0",
        "a case is frozen: 'q' cannot be deleted",
        "leave it: a prompt contains only what you put into it",
    ),
}


def test_a_body_that_misuses_its_case(mistakes):
    read = mistakes.tests(
        "\n".join(
            f"@pytest.mark.hypothesis(rate >= 0.5, cases=[{{'q': 1}}])\ndef test_{name}(case):\n    {body}\n"
            for name, (body, _, _) in BODIES.items()
        )
    )
    assert mistakes.code == pytest.ExitCode.TESTS_FAILED
    assert read == {name: f"test_it.py:N: {what}\n  fix: {fix}" for name, (_, what, fix) in BODIES.items()}
