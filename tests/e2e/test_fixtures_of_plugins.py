"""Fixtures of installed plugins: around every test, asked for by a body, or on an event loop of their own."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

PLUGIN = """
import pytest

@pytest.fixture(autouse=True)
def around(monkeypatch, inner):
    monkeypatch.setenv("AROUND", "1")

@pytest.fixture
def inner(): return 1

@pytest.fixture
def offered(): return []
"""
TESTS = """
import asyncio

@pytest.mark.hypothesis(rate >= 0.5)
async def test_plain(trial):
    await asyncio.sleep(0)
    return trial.index >= 0

@pytest.mark.hypothesis(rate >= 0.5)
async def test_asks(trial, offered):
    await asyncio.sleep(0)
    return trial.index >= 0
"""


def install(folder: Path, module: str, source: str) -> str:
    """Install a plugin of pytest in a folder, as pip would; return what PYTHONPATH must be."""
    (folder / f"{module}.py").write_text(source)
    told = folder / f"{module}-1.0.dist-info"
    told.mkdir()
    (told / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {module.replace('_', '-')}\nVersion: 1.0\n")
    (told / "entry_points.txt").write_text(f"[pytest11]\n{module} = {module}\n")
    return os.pathsep.join([str(folder), *filter(None, [os.environ.get("PYTHONPATH")])])


@pytest.mark.processes
def test_what_a_plugin_sets_up_by_itself_leaves_trials_side_by_side(run, tmp_path_factory) -> None:
    path = install(tmp_path_factory.mktemp("site"), "pytest_pretend", PLUGIN)
    run.file(TESTS)
    run.apart("-p", "no:randomly", PYTHONPATH=path).assert_outcomes(passed=2)
    plain, asks = run.record.results
    assert plain.n_in_flight_max > 1
    assert plain.notices == ()
    assert asks.n_in_flight_max == 1
    assert asks.notices == ("one trial at a time: offered of pytest-pretend is set up once for all trials",)


def test_the_users_own_autouse_fixture_still_counts(run) -> None:
    run.file("@pytest.fixture(autouse=True)\ndef mine(): pass\n" + TESTS.replace(", offered", ""))
    run().assert_outcomes(passed=2)
    assert [result.n_in_flight_max for result in run.record.results] == [1, 1]


ASYNC = """
import pytest_asyncio

@pytest_asyncio.fixture
async def client():
    yield object()

@pytest.fixture
async def told():
    return 1

@pytest.fixture
def wrapped(client):
    return client

@pytest.mark.hypothesis(rate >= 0.5)
async def test_h(trial, {name}):
    return trial.index >= 0
"""


@pytest.mark.parametrize(("name", "asked"), [("client", "client"), ("wrapped", "client")])
def test_an_async_fixture_is_named_at_collection(run, name, asked) -> None:
    run.file(ASYNC.format(name=name))
    result = run()
    result.assert_outcomes(passed=1, warnings=1)
    result.stdout.fnmatch_lines([f"*test_h: the body asks for '{asked}'*event loop*open it inside the body*"])


def test_an_async_fixture_that_no_plugin_sets_up_is_no_truthy_coroutine(run) -> None:
    run.file(ASYNC.format(name="told").replace("trial.index >= 0", "told"))
    result = run("-p", "no:anyio")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert run.n_runs == 0


def test_an_async_fixture_that_nobody_asks_for_is_none_of_ours(run) -> None:
    run.file(
        "import pytest_asyncio\n@pytest_asyncio.fixture(autouse=True)\nasync def around(): yield\n"
        "@pytest.mark.hypothesis(rate >= 0.5)\nasync def test_h(trial): return trial.index >= 0\n"
    )
    run("-o", "asyncio_mode=auto").assert_outcomes(passed=1)


def test_a_cassette_of_another_plugin_is_refused(run) -> None:
    run.file(
        "@pytest.mark.vcr\n@pytest.mark.hypothesis(rate >= 0.5)\ndef test_h(trial): return trial.index > 0\n"
    )
    result = run("-o", "markers=vcr")
    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.fnmatch_lines(["*test_h*mark `vcr`*", "*fix: *velo cassette export*"])
