"""`velo init`: what it makes, what it leaves, and what it says."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from pytest_velo.cli.main import main


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [*os.environ]:
        if name in ("CI", "PYTEST_ADDOPTS") or name.startswith("VELO_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


def init(*arguments: str) -> Result:
    """Run the command."""
    return CliRunner().invoke(main, ["init", *arguments])


def contents(folder: Path) -> dict[str, bytes]:
    """Return every file."""
    return {str(path): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_in_an_empty_folder(tmp_path: Path) -> None:
    said = init()
    assert said.exit_code == 0
    assert [line.split(":")[0] for line in said.stdout.splitlines()[:5]] == [
        "made     tests/test_first_belief.py",
        "made     tests/cassettes/README.md",
        "made     pytest.ini",
        "made     .gitignore",
        "made     .github/workflows/velo.yml",
    ]
    first, second = said.stdout.splitlines()[-2:]
    assert first == "  pytest tests/test_first_belief.py"
    assert 'velo try "' in second
    assert "--save tests/test_" in second
    assert (tmp_path / ".gitignore").read_text() == ".pytest_velo/\n"


def test_a_second_time_changes_nothing(tmp_path: Path) -> None:
    init()
    before = contents(tmp_path)
    said = init("--model=openai/gpt-5-mini")
    assert contents(tmp_path) == before
    assert {line.split()[0] for line in said.stdout.splitlines()[:5]} == {"kept"}


def test_a_project_keeps_what_it_has(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_bytes(
        b'[project]\r\nname = "x"\r\n\r\n[tool.pytest.ini_options]\r\naddopts = "-q"\r\n'
    )
    (tmp_path / ".gitignore").write_text("*.pyc")
    (tmp_path / "test").mkdir()
    (tmp_path / "test" / "test_first_belief.py").write_text("mine\n")
    (tmp_path / "pyproject.toml").chmod(0o640)
    said = init("--model=openai/gpt-5-mini").stdout
    assert "kept     test/test_first_belief.py" in said
    assert (tmp_path / "test" / "test_first_belief.py").read_text() == "mine\n"
    assert (tmp_path / ".gitignore").read_text() == "*.pyc\n.pytest_velo/\n"
    settings = tomllib.loads((tmp_path / "pyproject.toml").read_text())["tool"]["pytest"]["ini_options"]
    assert settings == {"addopts": "-q", "velo_model": ["openai/gpt-5-mini"], "velo_budget": "1.00"}
    assert (tmp_path / "pyproject.toml").stat().st_mode & 0o777 == 0o640
    assert not (tmp_path / "pytest.ini").exists()


def test_a_file_it_cannot_change_is_left_and_the_lines_are_named(tmp_path: Path) -> None:
    text = '[tool]\npytest = {ini_options = {addopts = "-q"}}\n'
    (tmp_path / "pyproject.toml").write_text(text)
    said = init().stdout
    assert "LEFT     pyproject.toml: add by hand, under [tool.pytest.ini_options]: velo_model = [" in said
    assert (tmp_path / "pyproject.toml").read_text() == text


@pytest.mark.parametrize("line", [".pytest_velo", ".pytest_velo/", "/.pytest_velo/  "])
def test_what_is_ignored_already_is_not_ignored_twice(line: str, tmp_path: Path) -> None:
    (tmp_path / ".gitignore").write_text(f"{line}\n")
    assert "kept     .gitignore" in init().stdout
    assert (tmp_path / ".gitignore").read_text() == f"{line}\n"


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "shared").write_text("*.pyc\n")
    (tmp_path / ".gitignore").symlink_to("shared")
    init()
    assert (tmp_path / ".gitignore").is_symlink()
    assert (tmp_path / "shared").read_text() == "*.pyc\n.pytest_velo/\n"


def test_below_the_root_it_says_where_to_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    (below := tmp_path / "src").mkdir()
    monkeypatch.chdir(below)
    said = init()
    assert said.exit_code == 1
    assert f"cd {tmp_path} && velo init" in said.stderr
    assert contents(below) == {}


@pytest.mark.parametrize("model", ["gpt-5", "nowhere/x", 'openai/"x', "openai/a\nb"])
def test_a_model_that_is_none(model: str, tmp_path: Path) -> None:
    said = init(f"--model={model}")
    assert said.exit_code == 1
    assert "fix: " in said.stderr
    assert contents(tmp_path) == {}
