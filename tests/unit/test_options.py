"""What the options accept, whatever they are spelt as."""

from __future__ import annotations

import pytest

from pytest_velo.integration.options import OPTIONS, read_settings


def option(name: str):
    return next(option for option in OPTIONS if option.name == name)


@pytest.mark.parametrize("text", ["0", "-5", str(2**63 - 1), str(-(2**63))])
def test_a_seed_is_any_whole_number_the_store_can_file(text) -> None:
    assert option("seed").read(text) == int(text)


@pytest.mark.parametrize("text", [str(2**63), str(-(2**63) - 1), "1.5", "", "one"])
def test_any_other_seed_is_refused_before_a_draw_is_paid_for(text) -> None:
    with pytest.raises(ValueError, match="a whole number"):
        option("seed").read(text)


@pytest.mark.parametrize(
    ("value", "profile"),
    [
        ("true", "ci"),
        ("1", "ci"),
        ("woodpecker", "ci"),
        ("", "explore"),
        ("false", "explore"),
        ("0", "explore"),
    ],
)
def test_ci_is_where_the_variable_ci_says_so(pytestconfig, monkeypatch, value, profile) -> None:
    monkeypatch.setenv("CI", value)
    monkeypatch.delenv("VELO_PROFILE", raising=False)
    settings = read_settings(pytestconfig)
    assert (settings.profile, settings.strict) == (profile, profile == "ci")
