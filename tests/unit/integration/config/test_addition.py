"""Options added to an ini file: it says what it said, and the options; or it is left alone."""

from __future__ import annotations

import tomllib

import iniconfig
import pytest

from pytest_velo.integration.config.addition import lines, title, with_options

OPTIONS = {"velo_model": ["local/smollm2-135m"], "velo_budget": "1.00"}


@pytest.mark.parametrize(
    ("name", "text", "table"),
    [
        ("pyproject.toml", "", "[tool.pytest.ini_options]"),
        ("pyproject.toml", '[project]\nname = "x"', "[tool.pytest.ini_options]"),
        ("pyproject.toml", '[tool.pytest.ini_options] # mine\naddopts = "-q"\n', "[tool.pytest.ini_options]"),
        ("pyproject.toml", '[tool.pytest]\naddopts = ["-q"]\n', "[tool.pytest]"),
        ("pytest.toml", '[pytest]\naddopts = ["-q"]\n', "[pytest]"),
        ("pytest.ini", "", "[pytest]"),
        ("pytest.ini", "# mine\n[pytest]\naddopts = -q\n  -x\n", "[pytest]"),
        ("tox.ini", "[tox]\nenvlist = py\n\n[pytest]\naddopts = -q", "[pytest]"),
        ("setup.cfg", "[metadata]\nname = x\r\n[tool:pytest]\r\naddopts = -q\r\n", "[tool:pytest]"),
    ],
)
def test_what_a_file_says_stays(name: str, text: str, table: str) -> None:
    added = with_options(name, text, OPTIONS)
    assert added is not None
    assert title(name, added) == table
    assert all(line in added.splitlines() for line in lines(name, OPTIONS))
    kept = [line for line in added.splitlines() if line not in [*lines(name, OPTIONS), table]]
    assert [line for line in kept if line.strip()] == [
        line for line in text.splitlines() if line.strip() and line != table
    ]
    assert with_options(name, added, OPTIONS) == added  # again, nothing changes


def test_what_is_set_already_stays() -> None:
    added = with_options("pytest.ini", "[pytest]\nvelo_budget = 9\n", OPTIONS)
    assert dict(iniconfig.IniConfig("x", data=added)["pytest"].items()) == {
        "velo_model": "local/smollm2-135m",
        "velo_budget": "9",
    }


def test_the_ends_of_lines_stay() -> None:
    added = with_options("pyproject.toml", "[tool.pytest.ini_options]\r\naddopts = '-q'\r\n", OPTIONS)
    assert added is not None
    assert added.count("\n") == added.count("\r\n") == 4
    assert tomllib.loads(added)["tool"]["pytest"]["ini_options"]["velo_budget"] == "1.00"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("pyproject.toml", "[project\n"),
        ("pyproject.toml", '[tool]\npytest = {ini_options = {addopts = "-q"}}\n'),
        ("pyproject.toml", 'tool.pytest.ini_options.addopts = "-q"\n'),
        ("pyproject.toml", 'a = """\n[tool.pytest.ini_options]\n"""\n[tool.pytest.ini_options]\nx = "1"\n'),
        ("pyproject.toml", "tool = 1\n"),
        ("pytest.ini", "no section\n[pytest]\n"),
        ("pytest.ini", "[pytest]\na = 1\na = 2\n"),
    ],
)
def test_a_file_that_cannot_be_changed_safely_is_left_alone(name: str, text: str) -> None:
    added = with_options(name, text, OPTIONS)
    if added is not None:  # then it says just that
        before, after = tomllib.loads(text), tomllib.loads(added)
        options = after["tool"]["pytest"]["ini_options"]
        assert {name: options.pop(name) for name in OPTIONS} == OPTIONS
        assert before == after
