"""`velo cache` on what real runs left, and every mistake one can make with it."""

from __future__ import annotations

import json
import re

import apsw
import pytest
from click.testing import CliRunner

from pytest_velo.cache.schema import VERSION
from pytest_velo.cli.main import main

BODY = """
@pytest.mark.hypothesis(rate >= 0.3, max_trials=40, min_trials=20)
async def test_h(model):
    return (await model("Yes or no?")).answers("yes")
"""


def velo(*arguments):
    return CliRunner().invoke(main, ["cache", *map(str, arguments)])


@pytest.fixture
def cache(run, lab):
    """The cache of one run against the loopback server, at $1 a million tokens."""
    run.file(BODY)
    run("--velo-model=lab/tiny", "-m", "velo")
    return run.path / ".pytest_velo"


@pytest.fixture
def n_draws(cache):
    return n_in(cache)


def n_in(cache):
    told = velo("stats", "--cache-dir", cache)
    assert told.exit_code == 0, told.output
    return int(re.search(r"draws +([\d,]+) draws?", told.output)[1].replace(",", ""))


def age(cache, folder="2026-01-01T00-00-00Z"):
    """Give the run's record and its draws an old day."""
    runs = cache / "runs"
    (runs / (runs / "latest").read_text().strip()).rename(runs / folder)
    (runs / "latest").unlink()
    raw = apsw.Connection(str(cache / "draws.sqlite"))
    raw.execute("UPDATE draw SET drawn_at = '2026-01-01T00:00:00.000000+00:00'")
    raw.close()


def test_stats_of_a_run(cache, n_draws):
    assert n_draws >= 20
    told = velo("stats", "--cache-dir", cache).output
    assert re.search(rf"models +tiny at [^\n]*: {n_draws} draws", told)
    assert f"{n_draws} draws of 1 request" in told
    assert re.search(r"cost +\$0\.\d+\n", told)
    assert re.search(r"drawn +20\d\d-\d\d-\d\d\n", told)
    assert "not used by any of 1 recorded run" in told


def test_what_no_recorded_run_used_is_counted(cache, n_draws):
    for file in cache.glob("runs/*/trials.jsonl"):
        lines = file.read_text().splitlines(keepends=True)
        file.write_text("".join(lines[:5]))
    assert (
        f"unused  {n_draws - 5} draws not used by any of 1 recorded run"
        in velo("stats", "--cache-dir", cache).output
    )


def test_what_is_young_stays(cache, n_draws):
    told = velo("prune", "--cache-dir", cache, "--older-than", "1h").output
    assert told.startswith("removed no draws\n")
    assert n_in(cache) == n_draws


def test_old_draws_go_and_are_made_again(cache, n_draws, run, lab):
    age(cache)
    told = velo("prune", "--cache-dir", cache, "--older-than=90d")
    assert told.exit_code == 0
    assert (
        f"removed {n_draws} draws and 1 request, drawn 2026-01-01; drawing them again costs $0."
        in told.output
    )
    assert n_in(cache) == 0
    n_calls = len(lab.calls)
    run("--velo-model=lab/tiny", "-m", "velo")
    assert len(lab.calls) > n_calls


def test_a_dry_run_removes_nothing(cache, n_draws):
    age(cache)
    told = velo(
        "prune", "--cache-dir", cache, "--older-than=90d", "--runs-older-than=90d", "--dry-run"
    ).output
    assert f"would remove {n_draws} draws and 1 request" in told
    assert "would remove 1 run\n" in told
    assert n_in(cache) == n_draws
    assert (cache / "runs" / "2026-01-01T00-00-00Z").is_dir()


def test_recorded_draws_are_kept_and_replay(cache, n_draws, run, lab):
    told = velo("prune", "--cache-dir", cache, "--larger-than=0B", "--keep-recorded").output
    kept = int(re.search(r"kept (\d+) draws that recorded runs need", told)[1])
    assert n_in(cache) == kept > 0
    n_calls = len(lab.calls)
    before = run.outcomes
    run("--velo-model=lab/tiny", "-m", "velo", "--velo-mode=replay")
    assert run.outcomes == before
    assert len(lab.calls) == n_calls


def test_a_removed_run_keeps_nothing(cache, n_draws):
    age(cache)
    told = velo(
        "prune", "--cache-dir", cache, "--older-than=1w", "--keep-recorded", "--runs-older-than=4w"
    ).output
    assert f"removed {n_draws} draws" in told
    assert "removed 1 run\n" in told
    assert list((cache / "runs").iterdir()) == []


def test_the_latest_run_stays(cache):
    assert "removed 0 runs\n" in velo("prune", "--cache-dir", cache, "--runs-older-than=0h").output


def test_a_hostile_model_name_is_shown_and_not_obeyed(cache):
    raw = apsw.Connection(str(cache / "draws.sqlite"))
    body = json.dumps({"model": "\x1b[31mevil\n::error::x", "endpoint": "e"}).encode()
    raw.execute("UPDATE request SET body = ?", (body,))
    raw.close()
    told = velo("stats", "--cache-dir", cache).output
    assert "\x1b" not in told
    assert "\\x1b[31mevil\\n" in told
    assert not re.search("^::error", told, re.MULTILINE)


def test_unknown_prices_are_unknown(cache):
    raw = apsw.Connection(str(cache / "draws.sqlite"))
    raw.execute("UPDATE draw SET cost_usd = NULL WHERE id > 1")
    assert re.search(
        r"cost +<?\$0\.\d+ and 19 draws of unknown price", velo("stats", "--cache-dir", cache).output
    )
    raw.execute("UPDATE draw SET cost_usd = NULL")
    raw.close()
    assert "$? (no known price)" in velo("stats", "--cache-dir", cache).output


# Mistakes


@pytest.mark.parametrize(
    ("arguments", "said", "fix"),
    [
        (["--older-than=3 months"], "'3 months' is not an age", "--older-than=90d"),
        (["--older-than=999999999w"], "is not an age", "--older-than=90d"),
        (["--runs-older-than=-1d"], "--runs-older-than: '-1d' is not an age", "--runs-older-than=90d"),
        (["--larger-than=2"], "'2' is not a size", "--larger-than=2GB"),
        (["--larger-than=2iB"], "'2iB' is not a size", "--larger-than=2GB"),
        ([], "no limit is given, so there is nothing to remove", "--older-than=90d"),
        (["--keep-recorded"], "no limit is given, so there is nothing to remove", "--larger-than=2GB"),
    ],
)
def test_ages_and_sizes_that_cannot_be_read(cache, n_draws, arguments, said, fix):
    told = velo("prune", "--cache-dir", cache, *arguments)
    assert told.exit_code == 1
    assert said in told.output
    assert fix in told.output.split("fix: ")[1]
    assert n_in(cache) == n_draws


@pytest.mark.parametrize("size", ["1TB", "1000 gb", "0.5TiB", "999999999999B"])
def test_sizes_that_can_be_read(cache, n_draws, size):
    assert velo("prune", "--cache-dir", cache, "--larger-than", size).exit_code == 0
    assert n_in(cache) == n_draws


@pytest.mark.parametrize("command", [("stats",), ("prune", "--older-than=90d")], ids=lambda c: c[0])
def test_no_store(tmp_path, command):
    told = velo(*command, "--cache-dir", tmp_path / "none")
    assert told.exit_code == 1
    assert "there is no store" in told.output
    assert "fix: run the tests first, or give --cache-dir" in told.output
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("command", [("stats",), ("prune", "--larger-than=0B")], ids=lambda c: c[0])
def test_a_damaged_store(cache, command):
    path = cache / "draws.sqlite"
    content = path.read_bytes()
    path.write_bytes(content[:4096] + b"\xff" * (len(content) - 4096))
    told = velo(*command, "--cache-dir", cache)
    assert told.exit_code == 1
    assert "the store is damaged" in told.output
    assert "move it away" in told.output


def test_a_store_of_a_newer_version(cache):
    raw = apsw.Connection(str(cache / "draws.sqlite"))
    raw.pragma("user_version", VERSION + 1)
    raw.close()
    told = velo("stats", "--cache-dir", cache)
    assert told.exit_code == 1
    assert "newer pytest-velo" in told.output


def test_a_damaged_record_stops_before_anything_is_removed(cache, n_draws):
    record = next(cache.glob("runs/*/trials.jsonl"))
    record.write_text("[]\n")
    told = velo("prune", "--cache-dir", cache, "--larger-than=0B", "--keep-recorded")
    assert told.exit_code == 1
    assert "trials.jsonl:1: the line is not a trial" in told.output
    assert "remove the run's folder" in told.output
    record.unlink()
    assert n_in(cache) == n_draws


def test_a_run_that_cannot_be_removed_is_named(cache, monkeypatch):
    age(cache)

    def refuse(folder):
        raise PermissionError(13, "Permission denied", str(folder))

    monkeypatch.setattr("pytest_velo.cache.runs.shutil.rmtree", refuse)
    told = velo("prune", "--cache-dir", cache, "--runs-older-than=90d")
    assert told.exit_code == 1
    assert "the run cannot be removed: Permission denied" in told.output
    assert "2026-01-01T00-00-00Z" in told.output
