"""Options: one table, one rule. `--velo-x-y` over `VELO_X_Y` over `velo_x_y` over profile and default."""

from __future__ import annotations

import pytest

from pytest_velo.integration.config.options import (
    OPTIONS,
    add_options,
    in_ci,
    ini_file,
    is_told,
    untold_header,
    written,
)
from pytest_velo.report.header import header_lines
from pytest_velo.settings import Settings


def test_only_a_true_value_means_ci(monkeypatch: pytest.MonkeyPatch) -> None:
    assert [monkeypatch.setenv("CI", text) or in_ci() for text in ("true", "false")] == [True, False]


def test_options_are_added_to_the_parser() -> None:
    parser = pytest.Parser(_ispytest=True)
    add_options(parser)
    assert parser.parse_known_args(["--velo-max-trials=50"]).velo_max_trials == "50"


def test_a_value_is_told_with_its_place(monkeypatch: pytest.MonkeyPatch, pytestconfig: pytest.Config) -> None:
    monkeypatch.setenv("VELO_MODEL", "local/a local/b")
    # if no --velo-model was given
    assert written(pytestconfig, OPTIONS[0]) == (["local/a", "local/b"], "VELO_MODEL")


def test_a_variable_of_the_environment_counts_as_told(
    monkeypatch: pytest.MonkeyPatch, pytestconfig: pytest.Config
) -> None:
    monkeypatch.setenv("VELO_SEED", "eleven")
    assert is_told(pytestconfig)


def test_untold_header_is_that_of_the_default_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI", raising=False)
    assert untold_header() == header_lines(Settings())[0].text


def test_ini_file_names_the_file(pytestconfig: pytest.Config) -> None:
    assert ini_file(pytestconfig).endswith((".toml", ".ini", ".cfg", "the ini file"))
