"""The settings outside pytest are those that pytest would have if it were started here."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pytest_velo.errors import UsageError
from pytest_velo.integration.config.found import found_settings, offered_families
from pytest_velo.integration.config.settings import read_settings
from pytest_velo.settings import Mode

INI = """[pytest]
addopts = -q --velo-seed=7 --velo-model local/a
velo_model =
    local/b
velo_budget = 3
velo_cassette = kept/a.jsonl
velo_report = html:run.html
velo_endpoints =
    near: api=openai-chat base_url=http://127.0.0.1:1/v1 price=1/2
"""
TOML = """[tool.pytest.ini_options]
addopts = "--velo-alpha=0.01"
velo_model = ["local/b", "local/c"]
velo_strict = "true"
velo_endpoints = ["near: api=openai-chat base_url=http://127.0.0.1:1/v1 price=1/2"]
"""
NATIVE = """[tool.pytest]
addopts = ["--velo-max-trials=9"]
velo_model = ["local/b"]
velo_mode = "replay"
"""


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [*os.environ]:
        if name in ("CI", "PYTEST_ADDOPTS") or name.startswith("VELO_"):
            monkeypatch.delenv(name)


@pytest.mark.parametrize(
    ("name", "text", "env"),
    [
        ("pytest.ini", INI, {}),
        ("pytest.ini", INI, {"VELO_SEED": "9", "VELO_BUDGET": "none", "VELO_CASSETTE": "b.jsonl c.jsonl"}),
        ("pytest.ini", INI, {"PYTEST_ADDOPTS": "--velo-profile=ci --velo-cassette typed.jsonl"}),
        ("pyproject.toml", TOML, {"CI": "1"}),
        ("pyproject.toml", NATIVE, {}),
        ("setup.cfg", "[metadata]\n", {}),
    ],
)
def test_they_are_what_pytest_reads(
    name: str, text: str, env: dict[str, str], pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    (pytester.path / name).write_text(text)
    for variable, value in env.items():
        monkeypatch.setenv(variable, value)
    (below := pytester.path / "below").mkdir()
    monkeypatch.chdir(below)
    assert found_settings() == read_settings(pytester.parseconfig())


def test_what_is_given_wins_and_none_is_not_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "pytest.ini").write_text(INI)
    monkeypatch.chdir(tmp_path)
    found = found_settings(seed=1, mode=Mode.REPLAY, models=None)
    assert (found.seed, found.mode, found.models) == (1, Mode.REPLAY, ("local/a",))


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("[pytest]\nvelo_seed = x\n", "velo_seed in pytest.ini"),
        ("[pytest]\naddopts = --velo-seed=x\n", "--velo-seed"),
        ("[pytest]\naddopts = --velo-seed\n", "addopts"),
        ("[pytest]\nvelo_endpoints = near\n", "velo_endpoints in pytest.ini"),
        ("[pytest\n", "pytest's settings"),
    ],
)
def test_what_cannot_be_read_is_named(
    text: str, where: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "pytest.ini").write_text(text)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError) as caught:
        found_settings()
    assert where in caught.value.where
    assert caught.value.fix


def test_a_plugins_wire_family_is_found_without_pytest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "lab_plugin.py").write_text(
        "def pytest_velo_providers():\n    return {'lab-wire': lambda endpoint, *, slots: None}\n"
    )
    (info := tmp_path / "lab_plugin-1.dist-info").mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: lab-plugin\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[pytest11]\nlab = lab_plugin\n")
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "pytest.ini").write_text("[pytest]\nvelo_endpoints =\n    lab: api=lab-wire price=free\n")
    monkeypatch.chdir(tmp_path)
    assert "lab-wire" in offered_families()
    assert found_settings().endpoints[-1].api == "lab-wire"
