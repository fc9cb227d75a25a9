"""Damaged files of every kind are read, or end in our error that names the file: never in anything else."""

from __future__ import annotations

import json
import shutil
from contextlib import closing
from io import BytesIO
from pathlib import Path
from typing import Any

import apsw
import pytest
from click.testing import CliRunner
from hypothesis import example, given
from hypothesis import strategies as st

from pytest_velo.baselines.codec import decode, encode
from pytest_velo.baselines.file import BaselineFile
from pytest_velo.cache.cassette import export
from pytest_velo.cache.cassette import load as load_cassette
from pytest_velo.cache.store import Store
from pytest_velo.case_sets.sets import load as load_cases
from pytest_velo.cli.main import main
from pytest_velo.errors import StoreError, UsageError, VeloError
from pytest_velo.labelling import Label, LabelFile
from pytest_velo.records import Address
from pytest_velo.report.load import load
from support.hostile import damaged, damaged_json, damaged_lines, fuzzing

ROOT = Path(__file__).parents[2]
BEFORE = ROOT / "tests" / "reference" / "before"
RECORDED = next(path for path in (BEFORE / "runs").iterdir() if path.is_dir())
CASSETTE = ROOT / "examples" / "verdicts" / "cassettes" / "verdicts.jsonl"
DEEP = b"[" * 100_000 + b"]" * 100_000


def run_command(*command: str) -> None:
    """Run a command, which must end in its output or our error."""
    ran = CliRunner().invoke(main, command)
    if ran.exception is not None and not isinstance(ran.exception, SystemExit):
        raise ran.exception
    assert ran.exit_code in (0, 1), ran.output


def lines_of(path: Path, n: int) -> list[Any]:
    return [json.loads(line) for line in path.read_bytes().splitlines()[:n]]


def names(error: VeloError, path: Path = Path()) -> None:
    """Expect an error that says what, the fix, and where: the file, if one is given."""
    assert path == Path() or str(path) in error.where, error
    assert error.what
    assert error.fix, error


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


# Cassettes


@fuzzing
@given(damaged_lines(lines_of(CASSETTE, 3)))
@example(DEEP)
def test_a_cassette(folder: Path, content: bytes) -> None:
    path = folder / "it.jsonl"
    path.write_bytes(content)
    try:
        cassette = load_cassette(path)
    except StoreError as error:
        names(error, path)
        return
    with closing(Store.open(folder / "cache" / "draws.sqlite")) as store:
        try:
            store.put_many(cassette.recorded())
            export(store, None, folder / "again.jsonl")
        except VeloError as error:
            names(error)
            return
    assert len(load_cassette(folder / "again.jsonl")) >= len(cassette)


# Baselines


@fuzzing
@given(damaged_json(json.loads((BEFORE / "velo-baseline.json").read_bytes())))
@example(DEEP)
def test_a_baseline(folder: Path, content: bytes) -> None:
    path = folder / "velo-baseline.json"
    path.write_bytes(content)
    try:
        file = BaselineFile.load(path)
    except StoreError as error:
        names(error, path)
        return
    written = encode(file.entries.values())
    assert encode(decode(written)) == written


# Run records


def record_in(folder: Path, **damage: bytes) -> Path:
    """Write a record of three tests with a few trials each, some of its files damaged; and a whole one."""
    runs = folder / "runs"
    shutil.rmtree(runs, ignore_errors=True)
    for name in (RECORDED.name, "2026-11-28T00-00-00Z"):
        (runs / name).mkdir(parents=True)
        (runs / name / "run.json").write_bytes(json.dumps(DOCUMENT).encode())
        (runs / name / "trials.jsonl").write_bytes(b"".join(TRIALS))
    (runs / "latest").write_text(RECORDED.name)
    for name, content in damage.items():
        (runs / RECORDED.name / name.replace("_", ".")).write_bytes(content)
    return runs / RECORDED.name


DOCUMENT = json.loads((RECORDED / "run.json").read_bytes())
KEPT = {result["node_id"] for result in DOCUMENT["results"][:3]}
DOCUMENT["results"] = DOCUMENT["results"][:3]
DOCUMENT["circumstances"]["hypotheses"] = DOCUMENT["circumstances"]["hypotheses"][:3]
TRIALS = [
    line
    for line in (RECORDED / "trials.jsonl").read_bytes().splitlines(keepends=True)
    if json.loads(line)["node_id"] in KEPT and json.loads(line)["index"] < 3
]


def read_all(folder: Path, run: Path) -> None:
    """Read a record as a user would, and by each command that reads it."""
    try:
        loaded = load(cache_dir=folder)
        for result in loaded.results:
            repr([result.claim, result.decision, result.trials])
        for _ in loaded.trials():
            pass
    except (StoreError, UsageError) as error:
        names(error, folder / "runs" if isinstance(error, UsageError) else run)
    for command in (
        ["compare", "2026-11-28T00-00-00Z"],
        ["cassette", "export", str(folder / "o.jsonl")],
        ["label", "-k", "1", "--to", str(folder / "labels.csv")],
    ):
        run_command(*command, "--cache-dir", str(folder))


@fuzzing
@given(damaged_json(DOCUMENT))
@example(DEEP)
def test_the_document_of_a_run(folder: Path, content: bytes) -> None:
    read_all(folder, record_in(folder, run_json=content))


@fuzzing
@given(damaged_lines([json.loads(line) for line in TRIALS]))
@example(DEEP)
@example(b'{"node_id":' + DEEP)
@example(b"")
def test_the_trials_of_a_run(folder: Path, content: bytes) -> None:
    read_all(folder, record_in(folder, trials_jsonl=content))


@fuzzing
@given(st.binary(max_size=40) | st.text(max_size=10).map(lambda text: text.encode("utf-8", "replace")))
@example(b"\xff\xfe")
@example(b"\0")
@example(b"")
@example(b"..")
@example(b"../runs")
@example(b"x" * 100_000)
def test_which_run_is_the_latest(folder: Path, content: bytes) -> None:
    run = record_in(folder)
    (run.parent / "latest").write_bytes(content)
    read_all(folder, run.parent)


# The store


@fuzzing
@given(damaged_json({**lines_of(CASSETTE, 1)[0]["reply"], "raw": {"a": [1]}, "cached": True}))
@example(DEEP)
@example(b'{"text":"yes","raw":{"a":' + DEEP + b"}}")
@example(b'{"text":"yes","model_served":"\x80"}')
@example(b'{"text":"yes","raw":{"a":"\x80"}}')
def test_a_stored_reply(folder: Path, content: bytes) -> None:
    path = folder / "draws.sqlite"
    line = lines_of(CASSETTE, 1)[0]
    at = Address(**{name: line[name] for name in ("key", "seed", "stream", "slot")})
    if not path.exists():
        with closing(Store.open(path)) as store:
            store.put_many(load_cassette(CASSETTE).recorded())
    with closing(apsw.Connection(str(path))) as raw:
        raw.execute("UPDATE draw SET reply = ?", (content,))
    with closing(Store.open(path)) as store:
        try:
            draw = store.get(at)
            assert draw is not None
        except StoreError as error:
            names(error, path)
            return
        try:
            repr(draw.reply.raw)
        except StoreError as error:
            names(error)


STORE_BYTES: list[bytes] = []


@fuzzing
@given(st.data())
def test_a_store_that_is_damaged(folder: Path, data: st.DataObject) -> None:
    if not STORE_BYTES:
        with closing(Store.open(folder / "whole" / "draws.sqlite")) as store:
            store.put_many(load_cassette(CASSETTE).recorded())
        STORE_BYTES.append((folder / "whole" / "draws.sqlite").read_bytes())
    shutil.rmtree(folder / "cache", ignore_errors=True)
    (folder / "cache").mkdir()
    (folder / "cache" / "draws.sqlite").write_bytes(data.draw(damaged(STORE_BYTES[0])))
    for command in (["stats"], ["prune", "--older-than=1h"]):
        run_command("cache", *command, "--cache-dir", str(folder / "cache"))


# Cases


@fuzzing
@given(damaged_lines([{"id": "a", "question": "Is it?", "answer": 1}, {"id": "b", "tags": [1, {"x": None}]}]))
@example(DEEP)
def test_cases_in_jsonl(folder: Path, content: bytes) -> None:
    read_cases(folder / "cases.jsonl", content)


@fuzzing
@given(damaged(b'id,question,answer\na,"Is it, ""really""?",1\nb,"two\nlines",2\n'))
@example(b"\xff\xfei\0d\0")
@example(b'a,b\n"x')
@example(b"a,b\n\0,1\n")
def test_cases_in_csv(folder: Path, content: bytes) -> None:
    read_cases(folder / "cases.csv", content)


@fuzzing
@given(damaged(b'{"canary": "x", "examples": [{"input": "not ( True ) is", "target": "False"}]}'))
@example(b"[" * 100_000)
@example(b'{"a": [1], "b": [2]}')
def test_cases_in_json(folder: Path, content: bytes) -> None:
    read_cases(folder / "cases.json", content)


@pytest.mark.slow
@fuzzing
@given(damaged(b"- question: Is it?\n  tags: [1, {x: null}]\n- &a plain\n- 2026-11-29\n"))
@example(b"- &a [x]\n- *a\n")
@example(b"[" * 5_000)
@example(b"- !!binary aGk=\n- !!set {a}\n- .nan\n- ? [a]\n  : b\n")
def test_cases_in_yaml(folder: Path, content: bytes) -> None:
    pytest.importorskip("yaml", reason="pyyaml is not installed")
    read_cases(folder / "cases.yaml", content)


@fuzzing
@given(st.data())
def test_cases_in_parquet_and_arrow(folder: Path, data: st.DataObject) -> None:
    pyarrow = pytest.importorskip("pyarrow", reason="pyarrow is not installed")
    from pyarrow import ipc, parquet

    table = pyarrow.Table.from_pylist([{"question": "Is it?", "n": 1}, {"question": "two", "n": None}])
    whole = BytesIO()
    suffix = data.draw(st.sampled_from(["parquet", "arrow"]))
    if suffix == "parquet":
        parquet.write_table(table, whole)
    else:
        with ipc.new_stream(whole, table.schema) as writer:
            writer.write_table(table)
    read_cases(folder / f"cases.{suffix}", data.draw(damaged(whole.getvalue())))


# Labels


@fuzzing
@given(
    damaged(
        b'trial,label,case,arm,repeat,by,at,note\nt1,yes,"a, ""b""",,0,zoe,2026,\nt2,0.5,,,,,,"two\nlines"\n'
    )
)
@example(b"\xff\xfet\0")
@example(b"trial,label\n\0,yes\n")
@example(b"trial,label\nt1," + b"9" * 5_000 + b"\n")
def test_labels_in_csv(folder: Path, content: bytes) -> None:
    read_labels_in(folder / "labels.csv", content)


@fuzzing
@given(
    damaged_lines([{"trial": "t1", "label": True, "repeat": 0, "by": "zoe"}, {"trial": "t2", "label": 0.5}])
)
@example(DEEP)
@example(b'{"trial":"t1","label":' + b"9" * 5_000 + b"}")
def test_labels_in_jsonl(folder: Path, content: bytes) -> None:
    read_labels_in(folder / "labels.jsonl", content)


def read_labels_in(path: Path, content: bytes) -> None:
    """Read a file of labels, and add to it, which must leave what could be read as it was."""
    path.write_bytes(content)
    try:
        file = LabelFile(path)
        known = file.labels.copy()
        file.add(Label(trial="t9", label=False, by="bob"))
    except UsageError as error:
        names(error, path)
        return
    assert list(LabelFile(path).labels) == [*known, Label(trial="t9", label=False, by="bob")]


def read_cases(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    try:
        cases = load_cases(path.name, base=path.parent)
    except UsageError as error:
        names(error, Path(path.name))
        return
    assert len(cases.ids) == len(cases)
