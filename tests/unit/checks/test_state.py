"""What a body keeps from trial to trial: what it changes and reads."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from itertools import cycle
from typing import Any

import pytest

from pytest_velo.checks.state import goes_by_index, kept_state, state_in
from support.documents import DOCS, FENCE, ROOT

AROUND = {"MOOD", "HISTORY", "N", "CYCLE", "CACHE", "LOG", "CONFIG"}


def kept(source: str) -> tuple[str, ...]:
    lines = "\n    ".join(source.strip().split("\n"))
    function = ast.parse(f"async def test_it(model, case, trial):\n    {lines}").body[0]
    assert isinstance(function, ast.AsyncFunctionDef)
    return state_in(function, AROUND)


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ('if trial.rng.random() < 0.1:\n    MOOD["good"] = not MOOD["good"]\nreturn MOOD["good"]', "MOOD"),
        ("HISTORY.append(case)\nreply = await model(HISTORY)", "HISTORY"),
        ("global N\nN += 1\nassert N % 3", "N"),
        ("return next(CYCLE) == 'yes'", "CYCLE"),
        ("return HISTORY.pop()", "HISTORY"),
        ("CONFIG.mood, other = 1, 2\nreturn CONFIG.mood", "CONFIG"),
        ("def inner():\n    HISTORY.append(1)\ninner()\nreturn len(HISTORY)", "HISTORY"),
        ("global N\nif N is None:\n    N = await model(case)\nreturn N", "N"),  # the first trial's own
        ('if "mood" not in MOOD:\n    MOOD["mood"] = trial.rng.random()\nreturn MOOD["mood"]', "MOOD"),
        ("if not MOOD:\n    MOOD.update(a=1)\nelse:\n    MOOD.clear()\nreturn len(MOOD)", "MOOD"),
        ("global N\nif not N:\n    N = 1\n    return True\nreturn N", "N"),
        ('CACHE.update({"last": case})\nreturn CACHE["last"]', "CACHE"),
        ("global N\nN += 1\nif N % 2:\n    print(N)\n    return True\nreturn False", "N"),
        ("HISTORY.append(await model(HISTORY))\nreturn True", "HISTORY"),
    ],
)
def test_what_is_changed_and_read_is_kept(source: str, name: str) -> None:
    assert kept(source) == (name,)


@pytest.mark.parametrize(
    "source",
    [
        "LOG.append((await model(case)).text)\nreturn True",  # only written
        "global N\nN += 1\nreturn True",
        'return MOOD["good"]',  # only read
        "if case.q not in CACHE:\n    CACHE[case.q] = 1\nreturn CACHE[case.q]",  # a cache
        "HISTORY = []\nHISTORY.append(1)\nreturn HISTORY",  # its own
        "for HISTORY in ([1], [2]):\n    HISTORY.append(1)\n    print(HISTORY)",
        "case.update(a=1)\nreturn case",
        "global CONFIG\nif CONFIG is None:\n    CONFIG = load()\nreturn CONFIG",  # begun by whoever is first
        'if "d" not in CACHE:\n    with open("d") as f:\n        CACHE["d"] = load(f)\nreturn CACHE["d"]',
        "if not HISTORY:\n    HISTORY.extend(load())\nreturn await model(HISTORY)",
        "if case.q not in CACHE:\n    CACHE.update({case.q: 1})\nreturn CACHE[case.q]",
        'global N\nN += 1\nprint(f"trial {N}")\nreturn True',  # only told
        'MOOD["n"] += 1\nLOG.info("%d", MOOD["n"])\nreturn True',
        "global N\nN = N + 1\nif N % 10 == 0:\n    LOG.debug(N)\nreturn True",
        "if case not in HISTORY:\n    print(case)\n    HISTORY.append(case)\nreturn True",
        "LOG.sort()\nreturn await model(LOG)",  # sorting what is sorted changes nothing
    ],
)
def test_other_names_are_not(source: str) -> None:
    assert kept(source) == ()


def test_variables_around_a_function_count_too() -> None:
    seen, words = [], cycle("ab")

    async def body(case: str) -> bool:
        seen.append(case)
        return len(seen) > 3 and next(words) == "a"

    assert kept_state(body) == ("seen", "words")
    assert kept_state(None) == ()
    assert kept_state(len) == ()


def test_a_body_that_goes_by_its_place_is_told_from_one_that_logs_it() -> None:
    def by_place(trial: Any) -> bool:
        return bool(["yes", "no"][trial.index % 2] == "yes")

    def logs(trial: Any) -> bool:
        print(trial.index)
        return bool(trial.rng.random() < 0.5)

    assert goes_by_index(by_place)
    assert not any(map(goes_by_index, (logs, None, len)))


def functions() -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef, set[str]]]:
    """Yield the tests of the examples and the documents, with the names that their files have."""
    texts = [(path, path.read_text(encoding="utf-8")) for path in sorted((ROOT / "examples").rglob("*.py"))]
    for page in sorted(DOCS.rglob("*.md")):
        blocks = FENCE.finditer(page.read_text(encoding="utf-8"))
        texts += [(page, found["code"]) for found in blocks if found["language"] == "python"]
    for path, text in texts:
        try:
            module = ast.parse(text)
        except SyntaxError:
            continue
        around = {node.id for node in ast.walk(module) if isinstance(node, ast.Name)}
        for node in ast.walk(module):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
                yield f"{path.name}: {node.name}", node, around


def test_no_body_of_the_examples_and_the_documents_keeps_any() -> None:
    every = [*functions()]
    assert len(every) > 100
    assert [name for name, node, around in every if state_in(node, around)] == []
