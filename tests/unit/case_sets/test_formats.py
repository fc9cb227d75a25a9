"""Rows of each format of files that hold cases."""

from __future__ import annotations

import io
import json
import struct
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

import pytest

from pytest_velo.case_sets import cases, load
from pytest_velo.case_sets.formats import (
    read_arrow,
    read_csv,
    read_json,
    read_jsonl,
    read_parquet,
    read_yaml,
)
from pytest_velo.errors import UsageError

Reader = Callable[[BinaryIO, str], Iterator[tuple[str, Any]]]
ROWS = [{"input": "not ( True ) is", "target": "False", "n": 1}, {"input": "é😀", "target": "", "n": 2}]


def rows(reader: Reader, content: bytes, name: str = "cases") -> list[tuple[str, Any]]:
    return list(reader(io.BytesIO(content), name))


def values(reader: Reader, content: bytes) -> list[Any]:
    return [value for _, value in rows(reader, content)]


@pytest.mark.parametrize(
    "around", ["%s", '{"canary": "x", "examples": %s}', '\ufeff{"data": %s, "version": 1}']
)
def test_a_list_in_json_or_the_one_list_of_an_object(around: str) -> None:
    content = (around % json.dumps(ROWS, ensure_ascii=False)).encode()
    assert rows(read_json, content, "boolean.json") == [
        ("boolean.json, item 1", ROWS[0]),
        ("boolean.json, item 2", ROWS[1]),
    ]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b'{"train": [1], "test": [2]}', "2 lists (train, test)"),
        (b'{"a": 1}', "0 lists (none)"),
        (b"7", "holds no list"),
        (b'"text"', "holds no list"),
        (b"[1,", "not JSON"),
        (b"[" * 100_000, "not JSON"),
    ],
)
def test_json_that_holds_no_list(content: bytes, said: str) -> None:
    with pytest.raises(UsageError) as caught:
        rows(read_json, content, "it.json")
    assert said in caught.value.what
    assert caught.value.where == "it.json"
    assert caught.value.fix


def test_json_lines() -> None:
    assert rows(read_jsonl, b'\xef\xbb\xbf{"a": 1}\n\n[2]\n', "it.jsonl") == [
        ("it.jsonl:1", {"a": 1}),
        ("it.jsonl:3", [2]),
    ]


@pytest.mark.parametrize("mark", [",", "\t", ";"])
def test_cells_are_separated_as_the_first_line_shows(mark: str) -> None:
    content = f'question{mark}answer\n"one{mark} two"{mark}3\n'.encode()
    assert rows(read_csv, content, "it.csv") == [("it.csv:2", {"question": f"one{mark} two", "answer": "3"})]


def test_a_comma_in_the_first_line_decides() -> None:
    assert values(read_csv, b"question;kind,answer\na;b,c\n") == [{"question;kind": "a;b", "answer": "c"}]
    assert values(read_csv, b"question\nwhat; then?\n") == [{"question": "what; then?"}]


def test_yaml_is_read_as_json_has_it() -> None:
    pytest.importorskip("yaml", reason="pyyaml is not installed")
    content = b"- question: Is it so?\n  date: 2026-11-29\n  n: 1\n- plain\n"
    assert values(read_yaml, content) == [{"question": "Is it so?", "date": "2026-11-29", "n": 1}, "plain"]
    assert values(read_yaml, b"cases:\n- 1\n- 2\n") == [1, 2]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"- &a [x, x]\n- [*a, *a]\n", "alias"),
        (b"- !!python/object/apply:os.getcwd []\n", "not YAML"),
        (b"a: [", "not YAML"),
        (b"just text", "holds no list"),
        (b"a: [1]\nb: [2]\n", "2 lists (a, b)"),
    ],
)
def test_yaml_that_is_refused(content: bytes, said: str) -> None:
    pytest.importorskip("yaml", reason="pyyaml is not installed")
    with pytest.raises(UsageError) as caught:
        rows(read_yaml, content, "it.yaml")
    assert said in caught.value.what
    assert caught.value.where == "it.yaml"


def test_columns_of_parquet_and_arrow() -> None:
    pyarrow = pytest.importorskip("pyarrow", reason="pyarrow is not installed")
    from pyarrow import ipc, parquet

    table = pyarrow.Table.from_pylist(ROWS)
    as_parquet, as_file, as_stream = io.BytesIO(), io.BytesIO(), io.BytesIO()
    parquet.write_table(table, as_parquet, row_group_size=1)
    for made, target in ((ipc.new_file, as_file), (ipc.new_stream, as_stream)):
        with made(target, table.schema) as writer:
            writer.write_table(table, max_chunksize=1)
    assert rows(read_parquet, as_parquet.getvalue(), "it.parquet") == [
        ("it.parquet, row 1", ROWS[0]),
        ("it.parquet, row 2", ROWS[1]),
    ]
    assert values(read_arrow, as_file.getvalue()) == values(read_arrow, as_stream.getvalue()) == ROWS


def test_a_table_that_names_a_size_beyond_all_memory_is_damaged(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow", reason="pyarrow is not installed")
    whole = io.BytesIO()
    table = pyarrow.Table.from_pylist([{"question": "Is it?", "n": 1}, {"question": "two", "n": None}])
    with pyarrow.ipc.new_stream(whole, table.schema) as writer:
        writer.write_table(table)
    size, beyond = (struct.pack("<q", number) for number in (56, 56 + 2**46))
    assert whole.getvalue().count(size) == 1
    path = tmp_path / "cases.arrow"
    path.write_bytes(whole.getvalue().replace(size, beyond))
    with pytest.raises(UsageError, match="the file is not Arrow: a size in it is larger than any memory"):
        load(path.name, base=tmp_path)


@pytest.mark.parametrize("reader", [read_parquet, read_arrow])
def test_what_is_no_table_is_named(reader: Reader) -> None:
    pytest.importorskip("pyarrow", reason="pyarrow is not installed")
    for content in (b"", b"PAR1 is not enough", b"ARROW1" + bytes(40), b"\x10\0\0\0" * 8):
        with pytest.raises(UsageError, match="the file is not") as caught:
            rows(reader, content, "it.table")
        assert caught.value.where == "it.table"


@pytest.mark.parametrize(
    ("module", "reader", "extra"),
    [("yaml", read_yaml, "yaml"), ("pyarrow", read_parquet, "parquet"), ("pyarrow", read_arrow, "parquet")],
)
def test_a_missing_package_is_named_with_its_extra(
    module: str, reader: Reader, extra: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(UsageError) as caught:
        rows(reader, b"", "it")
    assert caught.value.fix == f'pip install "pytest-velo[{extra}]"'


def test_a_set_of_cases_out_of_a_file_of_big_bench_hard(tmp_path: Path) -> None:
    document = {"canary": "do not train on this", "examples": ROWS}
    (tmp_path / "boolean_expressions.json").write_text(json.dumps(document), encoding="utf-8")
    found = load(cases("boolean_expressions.json"), base=tmp_path).items
    assert [case["target"] for case in found] == ["False", ""]
