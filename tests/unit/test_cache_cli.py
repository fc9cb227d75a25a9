"""`velo cassette`."""

import asyncio
import json

import pytest
from click.testing import CliRunner

from pytest_velo.cache.cassette import load
from pytest_velo.cache.keys import request_key
from pytest_velo.cache.store import Store
from pytest_velo.cli.cassette import cassette
from pytest_velo.cli.main import main
from pytest_velo.records import Address, Reply, Request

REQUEST = Request(api="local", endpoint="local", model="m", messages=({"role": "user", "content": "Hi"},))


def address(slot):
    return {"key": request_key(REQUEST), "seed": 0, "stream": "", "slot": slot}


@pytest.fixture
def cache_dir(tmp_path):
    folder = tmp_path / "cache"
    store = Store.open(folder / "draws.sqlite")

    async def fill():
        for slot in "abc":
            await store.put(REQUEST, Address(**address(slot)), Reply(text=slot), "2026-11-01T00:00:00Z")

    asyncio.run(fill())
    store.close()
    for run, slots in (("run-1", "ab"), ("run-2", "c")):
        (folder / "runs" / run).mkdir(parents=True)
        calls = [{"model": "local/m", "address": address(slot), "text": slot} for slot in slots]
        scripted = [{"model": "scripted/x", "address": address("never stored")}]
        trials = [{"index": 0, "calls": calls}, {"index": 1, "calls": [*calls, *scripted]}]
        lines = "".join(json.dumps(trial) + "\n" for trial in trials)
        (folder / "runs" / run / "trials.jsonl").write_text(lines)
    (folder / "runs" / "latest").write_text("run-2\n")
    return folder


def velo(*arguments):
    return CliRunner().invoke(cassette, [str(argument) for argument in arguments])


def texts(path):
    return [draw.reply.text for _, draw in load(path).recorded()]


def test_export_takes_the_latest_run(cache_dir, tmp_path):
    result = velo("export", "--cache-dir", cache_dir, tmp_path / "c.jsonl")
    assert result.exit_code == 0, result.output
    assert result.output == f"1 draw of run latest -> {tmp_path / 'c.jsonl'}\n"
    assert texts(tmp_path / "c.jsonl") == ["c"]


def test_export_takes_a_named_run(cache_dir, tmp_path):
    assert velo("export", "--run", "run-1", "--cache-dir", cache_dir, tmp_path / "c.jsonl").exit_code == 0
    assert texts(tmp_path / "c.jsonl") == ["a", "b"]


def test_import_says_what_is_new(cache_dir, tmp_path):
    velo("export", "--run", "run-1", "--cache-dir", cache_dir, tmp_path / "c.jsonl")
    new = tmp_path / "new"
    assert velo("import", tmp_path / "c.jsonl", "--cache-dir", new).output.startswith("2 draws in ")
    again = velo("import", tmp_path / "c.jsonl", "--cache-dir", new)
    assert ", 0 new in " in again.output


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--run", "run-11"], "there is no run 'run-11'"),
        (["--cache-dir", "nowhere"], "there are no runs"),
    ],
    ids=["run", "folder"],
)
def test_mistakes_are_explained(cache_dir, tmp_path, arguments, said):
    result = velo("export", "--cache-dir", cache_dir, *arguments, tmp_path / "c.jsonl")
    assert result.exit_code == 1
    assert said in result.output
    assert "fix: " in result.output
    assert not (tmp_path / "c.jsonl").exists()


def test_a_spoilt_cassette_makes_no_store(tmp_path):
    (tmp_path / "c.jsonl").write_text("{}\n")
    result = velo("import", tmp_path / "c.jsonl", "--cache-dir", tmp_path / "new")
    assert result.exit_code == 1
    assert "c.jsonl:1" in result.output
    assert not (tmp_path / "new").exists()


def test_export_makes_no_store(cache_dir, tmp_path):
    for file in cache_dir.glob("draws.sqlite*"):
        file.unlink()
    result = velo("export", "--cache-dir", cache_dir, tmp_path / "c.jsonl")
    assert "there is no store" in result.output
    assert not (cache_dir / "draws.sqlite").exists()


def test_what_the_terminal_cannot_write_is_escaped_and_ends_no_command(tmp_path):
    Store.open(tmp_path / "日本" / "draws.sqlite").close()
    arguments = ["cache", "stats", "--cache-dir", str(tmp_path / "日本")]
    result = CliRunner(charset="cp1252").invoke(main, arguments)
    assert result.exception is None
    assert "\\u65e5\\u672c" in result.output
