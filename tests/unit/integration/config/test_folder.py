"""Where the `velo` command finds root and cache: from any folder below, as pytest does."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_velo.errors import UsageError
from pytest_velo.integration.config.folder import cache_folder, root_folder

FILES = {
    "pytest.ini": "[pytest]\nvelo_cache_dir = kept\n",
    "pytest.toml": '[pytest]\nvelo_cache_dir = "kept"\n',
    "pyproject.toml": '[tool.pytest.ini_options]\nvelo_cache_dir = "kept"\n',
    "tox.ini": "[pytest]\nvelo_cache_dir = kept\n",
    "setup.cfg": "[tool:pytest]\nvelo_cache_dir = kept\n",
}


@pytest.fixture
def below(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stand in a folder two levels below the project's."""
    folder = tmp_path / "project" / "tests" / "deep"
    folder.mkdir(parents=True)
    monkeypatch.chdir(folder)
    for name in ("VELO_CACHE_DIR", "PYTEST_ADDOPTS"):
        monkeypatch.delenv(name, raising=False)
    return folder


def project(below: Path, name: str = "pytest.ini", text: str = "[pytest]\n") -> Path:
    root = below.parents[1]
    (root / name).write_text(text)
    return root


@pytest.mark.parametrize("name", FILES)
def test_the_cache_is_read_from_any_ini_file_above(below: Path, name: str) -> None:
    root = project(below, name, FILES[name])
    assert root_folder() == root
    assert cache_folder() == root / "kept"


def test_without_a_setting_it_is_in_the_root_folder(below: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = project(below)
    assert cache_folder() == root / ".pytest_velo"
    monkeypatch.chdir(root)
    assert cache_folder() == Path(".pytest_velo")


@pytest.mark.parametrize("place", ["addopts", "PYTEST_ADDOPTS", "VELO_CACHE_DIR", "arguments", "override"])
def test_whatever_sets_it_for_pytest_sets_it_here(
    below: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    added = "addopts = --velo-cache-dir=told" if place == "addopts" else ""
    root = project(below, text=f"[pytest]\nvelo_cache_dir = kept\n{added}\n")
    if place == "PYTEST_ADDOPTS":
        monkeypatch.setenv(place, "--velo-cache-dir=told")
    if place == "VELO_CACHE_DIR":
        monkeypatch.setenv(place, "told")
    arguments = {"arguments": ["--velo-cache-dir", "told"], "override": ["-o", "velo_cache_dir=told"]}
    assert cache_folder(arguments=arguments.get(place, [])) == root / "told"


def test_a_folder_that_is_typed_is_here_or_in_the_root(below: Path) -> None:
    root = project(below)
    assert cache_folder(Path("mine")) == Path("mine")
    (root / "mine").mkdir()
    assert cache_folder(Path("mine")) == root / "mine"
    (below / "mine").mkdir()
    assert cache_folder(Path("mine")) == Path("mine")
    assert cache_folder(root / "mine") == root / "mine"


def test_the_file_and_the_root_that_are_named_count(below: Path, tmp_path: Path) -> None:
    project(below)
    other = tmp_path / "other.ini"
    other.write_text("[pytest]\nvelo_cache_dir = theirs\n")
    assert cache_folder(arguments=["-c", str(other)]) == tmp_path / "theirs"
    assert root_folder([f"--rootdir={tmp_path}"]) == tmp_path


def test_a_file_that_cannot_be_read_is_an_error(below: Path) -> None:
    project(below, "pytest.ini", "[pytest\n")
    with pytest.raises(UsageError) as caught:
        cache_folder()
    assert "pytest.ini" in str(caught.value)
    assert caught.value.fix
