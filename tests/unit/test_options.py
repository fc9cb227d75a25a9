"""What the options accept, whatever they are spelt as."""

from __future__ import annotations

import pytest

from pytest_velo.errors import UsageError
from pytest_velo.integration.config.options import OPTIONS, untold_header
from pytest_velo.integration.config.settings import READERS, read_settings
from pytest_velo.report.header import header_lines
from pytest_velo.settings import Settings


def test_every_option_has_what_reads_it() -> None:
    assert list(READERS) == [option.name for option in OPTIONS]


@pytest.mark.parametrize("text", ["0", "-5", str(2**63 - 1), str(-(2**63))])
def test_a_seed_is_any_whole_number_the_store_can_file(text) -> None:
    assert READERS["seed"](text) == int(text)


@pytest.mark.parametrize("text", [str(2**63), str(-(2**63) - 1), "1.5", "", "one"])
def test_any_other_seed_is_refused_before_a_draw_is_paid_for(text) -> None:
    with pytest.raises(ValueError, match="a whole number"):
        READERS["seed"](text)


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


class Brings:
    """A plugin with a wire family of its own."""

    def pytest_velo_providers(self):
        return {"lab-wire": object()}


def test_an_endpoint_may_speak_what_a_plugin_brings(pytestconfig, monkeypatch) -> None:
    line = "lab: api=lab-wire base_url=http://127.0.0.1:1/v1 price=free"
    plain = pytestconfig.getini
    monkeypatch.setattr(
        pytestconfig, "getini", lambda name: [line] if name == "velo_endpoints" else plain(name)
    )
    with pytest.raises(UsageError, match="lab-wire"):
        read_settings(pytestconfig)
    plugin = Brings()
    pytestconfig.pluginmanager.register(plugin)
    try:
        assert read_settings(pytestconfig).endpoints[-1].api == "lab-wire"
    finally:
        pytestconfig.pluginmanager.unregister(plugin)


def test_a_cassette_is_looked_for_where_it_was_written(pytester, monkeypatch) -> None:
    """One of the ini file was sought in the folder that pytest was started in."""
    pytester.makeini("[pytest]\nvelo_cassette = tapes/a.jsonl")
    monkeypatch.delenv("VELO_CASSETTE", raising=False)
    monkeypatch.chdir(pytester.mkdir("sub"))
    root = pytester.path
    assert read_settings(pytester.parseconfig()).cassettes == (root / "tapes" / "a.jsonl",)
    typed = pytester.parseconfig("--velo-cassette=b.jsonl")
    assert read_settings(typed).cassettes == (root / "sub" / "b.jsonl",)
    monkeypatch.setenv("VELO_CASSETTE", "c.jsonl")
    assert read_settings(pytester.parseconfig()).cassettes == (root / "sub" / "c.jsonl",)


def test_a_model_that_is_named_twice_is_one_model(pytester) -> None:
    config = pytester.parseconfig("--velo-model=local/a", "--velo-model=local/b", "--velo-model=local/a")
    assert read_settings(config).models == ("local/a", "local/b")


def test_a_budget_of_none_is_no_budget_not_the_default(pytestconfig, monkeypatch) -> None:
    monkeypatch.setenv("VELO_BUDGET", "none")
    assert read_settings(pytestconfig).budget_usd is None
    monkeypatch.delenv("VELO_BUDGET")
    assert read_settings(pytestconfig).budget_usd == 1.0


@pytest.mark.parametrize("ci", ["", "true"])
def test_where_nothing_is_told_the_header_is_that_of_the_defaults(pytestconfig, monkeypatch, ci) -> None:
    monkeypatch.setenv("CI", ci)
    settings = read_settings(pytestconfig, told=False)
    assert [untold_header()] == [line.text for line in header_lines(settings)]


def test_what_is_told_after_the_session_began_is_not_read(pytestconfig, monkeypatch) -> None:
    monkeypatch.setenv("VELO_SEED", "7")
    assert read_settings(pytestconfig, told=False).seed == Settings().seed


@pytest.mark.parametrize(
    ("text", "told"),
    [("off", "one of none, holm, ebh"), ("hom", "one of none, holm, ebh (did you mean 'holm'?)")],
)
def test_the_words_of_an_option_are_listed_once(pytestconfig, monkeypatch, text, told) -> None:
    monkeypatch.setenv("VELO_MULTIPLICITY", text)
    with pytest.raises(UsageError) as caught:
        read_settings(pytestconfig)
    assert caught.value.what.endswith(f"cannot be read: {told}")
