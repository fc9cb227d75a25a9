"""Inspect's samples as cases."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pytest_velo import cases
from pytest_velo.case_sets import CaseSet, load
from pytest_velo.errors import UsageError
from pytest_velo.media import MediaFile
from pytest_velo.sampling.prompts import messages_of

SAMPLES = [
    {
        "input": "Which is warm?",
        "target": "A",
        "choices": ["tea", "ice"],
        "id": 7,
        "metadata": {"topic": "tea"},
    },
    {"input": "Which is cold?", "target": ["B", "C"], "id": 9, "metadata": {"topic": "ice"}, "files": None},
]


def read(rows: Any, **options: Any) -> CaseSet:
    return load(cases(rows, preset="inspect", **options), base=Path())


def test_a_file_written_for_inspect_is_read_as_it_is(tmp_path: Path) -> None:
    lines = "".join(json.dumps(sample) + "\n" for sample in SAMPLES)
    (tmp_path / "samples.jsonl").write_text(lines, encoding="utf-8")

    found = load(cases("samples.jsonl", preset="inspect", group="topic"), base=tmp_path)

    assert [vars(case) for case in found.items] == [
        {"question": "Which is warm?", "answer": "A", "choices": ["tea", "ice"], "id": 7, "topic": "tea"},
        {"question": "Which is cold?", "answer": ["B", "C"], "id": 9, "topic": "ice", "files": None},
    ]
    assert found.ids == ("7", "9")
    assert found.groups == ("tea", "ice")


def test_fields_are_renamed_and_filtered_by_their_new_names() -> None:
    found = read(SAMPLES, rename={"answer": "expected"}, filter=lambda case: case.topic == "ice")
    assert [case.expected for case in found.items] == [["B", "C"]]


def test_an_input_of_messages_is_a_prompt() -> None:
    content = [
        {"type": "text", "text": "See:", "refusal": None},
        {"type": "image", "image": "a.png", "detail": "auto"},
    ]
    talk = [
        {"id": "m1", "role": "system", "content": "Be brief.", "source": "input"},
        {"id": "m2", "role": "user", "content": content, "tool_call_id": None},
    ]
    [case] = read([{"input": talk, "target": ""}]).items

    assert case.question[0] == {"role": "system", "content": "Be brief."}
    text, picture = case.question[1]["content"]
    assert text == {"type": "text", "text": "See:"}
    assert picture == MediaFile(kind="image", path="a.png")
    assert messages_of([case.question[0]], None) == (case.question[0],)


@pytest.mark.parametrize(
    ("rows", "what"),
    [
        ([{"question": "Q"}], 'no field "input"'),
        (["Q"], "named fields"),
        ([{"input": "Q", "question": "Q"}], "second field 'question'"),
        ([{"input": "Q", "target": "A", "answer": "A"}], "second field 'answer'"),
        ([{"input": "Q", "id": 1, "metadata": {"id": 2}}], "second field 'id'"),
    ],
)
def test_what_is_no_sample_is_named(rows: Any, what: str) -> None:
    with pytest.raises(UsageError) as caught:
        read(rows)
    assert what in caught.value.what
    assert caught.value.where == "case 0"
    assert caught.value.fix


def test_metadata_that_is_no_object_stays() -> None:
    assert read([{"input": "Q", "metadata": "x"}]).items[0].metadata == "x"


def test_a_slip_in_the_name_is_told() -> None:
    with pytest.raises(UsageError) as caught:
        cases(SAMPLES, preset="inspekt")
    assert "'inspect'" in caught.value.fix
