"""What is read of our files where they cannot be read or written, and of options that name none."""

from __future__ import annotations

import os
import sqlite3

import apsw
import pytest

DRAWN = """
@pytest.mark.hypothesis(rate >= 0.3, max_trials=20)
async def test_h(model):
    return (await model("Yes or no?")).{}
"""
COMPARED = """
from pytest_velo import baseline
@pytest.mark.hypothesis(rate >= baseline - 0.3, models=[YES], max_trials=40)
async def test_h(model):
    return (await model("q")).answers("yes")
"""
FREE = """
@pytest.mark.hypothesis(rate >= 0.5)
def test_h():
    return 1 > 0
"""
STORE = ".pytest_velo/draws.sqlite"


def test_a_baseline_that_cannot_be_read(run, mistakes):
    (run.path / "folder.json").mkdir()
    read = mistakes.tests(COMPARED, "--velo-baseline=folder.json")
    assert mistakes.code == pytest.ExitCode.TESTS_FAILED
    assert read["h"].replace(f"{run.path}/", "") == (
        "folder.json: the baseline cannot be read: Is a directory\n"
        "  fix: name another file with --velo-baseline"
    )


@pytest.mark.skipif(os.name == "nt", reason="names and links of another kind")
@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("nowhere/it.json", "File exists"),  # a link to a folder that is gone
        (f"{'x' * 245}.json", "File name too long"),  # the lock's
        (f"{'x' * 244}.json", "File name too long"),  # the new file's
    ],
    ids=["folder", "lock", "file"],
)
def test_a_baseline_that_cannot_be_written(run, mistakes, name, problem):
    (run.path / "nowhere").symlink_to(run.path / "gone")
    read = mistakes.tests(COMPARED, f"--velo-baseline={name}", "--velo-update")
    assert mistakes.code == pytest.ExitCode.TESTS_FAILED
    assert read["h"].replace(f"{run.path}/", "") == (
        f"{name}: the baseline cannot be written: {problem}\n"
        "  fix: name a file in a writable folder with --velo-baseline"
    )


@pytest.fixture
def again(run, lab, mistakes):
    """Run a hypothesis, do something to the store, run it again; returns what is said of it then."""

    def go(*statements: str, body: str = "answers('yes')") -> str:
        run.file(DRAWN.format(body))
        assert run("--velo-model=lab/tiny", "-m", "velo").ret == 0
        raw = apsw.Connection(str(run.path / STORE))
        for statement in statements:
            raw.execute(statement)
        raw.close()
        read = mistakes.read("--velo-model=lab/tiny", "-m", "velo")
        assert mistakes.code == pytest.ExitCode.TESTS_FAILED
        return read["h"].replace(f"{run.path}/", "")

    return go


MOVE = (
    f"move it away with its -wal and -shm files (mv {STORE} {STORE}.bad); the next run starts a"
    " new one, and `velo cassette import` restores recorded draws"
)
REFRESH = "something else changed the file: run with --velo-mode=refresh, or delete it"
# name: (what is done to the store, what the body looks at, what is wrong with it, what to do)
STORES = {
    "table": (
        "CREATE TABLE mine (x)",
        "answers('yes')",
        "the store does not have the expected tables: mine",
        MOVE,
    ),
    "reply": (
        "UPDATE draw SET reply = x'7b'",
        "answers('yes')",
        "the stored draw * cannot be read: Input data was truncated",
        REFRESH,
    ),
    "day": (
        "UPDATE draw SET drawn_at = x'00'",
        "answers('yes')",
        "the stored day of a draw cannot be read: *",
        REFRESH,
    ),
}


@pytest.mark.parametrize("name", STORES)
def test_a_store_that_was_changed_by_something_else(again, name):
    from fnmatch import fnmatchcase

    statement, body, what, fix = STORES[name]
    read = again(statement, body=body)
    assert fnmatchcase(read, f"{STORE}: {what}\n  fix: {fix}"), read


def test_a_reply_whose_raw_part_was_changed(again):
    read = again(
        """UPDATE draw SET reply = CAST('{"text":"yes","raw":7}' AS BLOB)""",
        body="raw.get('model') is not None",
    )
    assert read == (
        "the provider's whole reply cannot be read: Expected `object`, got `int` - at `$.raw`\n"
        f"  fix: {REFRESH}"
    )


# name: (what is in the way, what is wrong with it, what to do)
FOLDERS = {
    "store": (
        lambda cache: _foreign(cache / "draws.sqlite"),
        f"{STORE}: the file is an SQLite database of another program",
        "choose another folder with --velo-cache-dir",
    ),
    "cache": (
        lambda cache: cache.touch(),
        ".pytest_velo: the folder cannot be written: File exists",
        "choose another folder with --velo-cache-dir",
    ),
    "runs": (
        lambda cache: _file(cache / "runs"),
        ".pytest_velo/runs: the run's folder cannot be created: File exists",
        "name a writable folder with --velo-cache-dir",
    ),
}


def _file(path):
    path.parent.mkdir()
    path.touch()


def _foreign(path):
    path.parent.mkdir()
    raw = sqlite3.connect(path)
    raw.execute("CREATE TABLE mine (x)")
    raw.close()


@pytest.mark.parametrize("name", FOLDERS)
def test_something_is_where_our_folder_goes(run, lab, mistakes, name):
    block, what, fix = FOLDERS[name]
    block(run.path / ".pytest_velo")
    read = mistakes.tests(DRAWN.format("answers('yes')"), "--velo-model=lab/tiny", "-m", "velo")
    assert mistakes.code == pytest.ExitCode.TESTS_FAILED
    assert read["h"].replace(f"{run.path}/", "") == f"{what}\n  fix: {fix}"


SEED = "root seed for cases, order and draws (default 0)"
UPDATE = "sample and store baselines for the selected hypotheses; =new: only where there is none"


@pytest.mark.parametrize(
    ("option", "value", "what", "fix"),
    [
        ("seed", "99999999999999999999", "a whole number of at most 64 bits", SEED),
        ("seed", "one", "a whole number", SEED),
        ("update", "some", "all or new; without a value, put the option last on the command line", UPDATE),
    ],
)
@pytest.mark.parametrize("place", ["command line", "environment"])
def test_an_option_that_cannot_be_read(run, mistakes, monkeypatch, option, value, what, fix, place):
    where = f"--velo-{option}" if place == "command line" else f"VELO_{option.upper()}"
    options = [f"{where}={value}"] if place == "command line" else []
    if place == "environment":
        monkeypatch.setenv(where, value)
    read = mistakes.refused(FREE, *options)
    assert mistakes.code == pytest.ExitCode.USAGE_ERROR
    assert read == f"{where}: '{value}' cannot be read: {what}\n  fix: {fix}"


# name: (the endpoint's line, where and what is wrong with it, what to do)
EXAMPLE = "vllm: api=openai-chat base_url=http://127.0.0.1:8000/v1 key=VLLM_KEY price=free"
ENDPOINTS = {
    "no_value": ("lab: api=openai-chat free", "item 2 is not key=value", EXAMPLE),
    "quotes": (
        "lab: api=openai-chat header.X-Foo='a b",
        "unbalanced quotes (No closing quotation)",
        'header.X-Foo="a b"',
    ),
    "address": (
        "lab: api=openai-chat base_url=localhost:8000",
        "base_url= cannot be read",
        "base_url= takes an http(s) address without credentials in it",
    ),
    "negative_price": (
        "lab: api=openai-chat price=-1/2",
        "price= cannot be read",
        "price= takes free, or dollars per million input/output tokens such as 0.15/0.60",
    ),
    "no_time": (
        "lab: api=openai-chat timeout_s=0",
        "timeout_s= cannot be read",
        "timeout_s= takes seconds above 0",
    ),
    "no_rate": (
        "lab: api=openai-chat rpm=0",
        "rpm= cannot be read",
        "rpm= takes requests a minute, a whole number from 1",
    ),
    "bundles": (
        "lab: api=anthropic n=4",
        "api=anthropic has no n",
        "leave n= out, or use api=openai-chat",
    ),
}


@pytest.mark.parametrize("name", ENDPOINTS)
def test_an_endpoint_that_cannot_be_read(run, mistakes, name):
    line, what, fix = ENDPOINTS[name]
    run.ini(f"velo_endpoints =\n    {line}")
    read = mistakes.refused(FREE)
    assert mistakes.code == pytest.ExitCode.USAGE_ERROR
    assert read == f"velo_endpoints in pytest.ini: endpoint lab: {what}\n  fix: {fix}"


def test_the_run_record_that_cannot_be_written(run):
    (run.path / ".pytest_velo" / "runs" / "latest").mkdir(parents=True)
    run.file(FREE)
    result = run()
    assert result.ret == pytest.ExitCode.OK  # the verdicts stand
    text = "".join(result.stdout.str().split())  # a long path is broken anywhere
    told = (
        f"error {run.path}/.pytest_velo/runs/latest: it cannot be written: Is a directory"
        " fix: free some space or name another folder with --velo-cache-dir"
    )
    assert "".join(told.split()) in text
