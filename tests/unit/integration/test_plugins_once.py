"""Which plugin a fixture belongs to: what is installed is read once, however many fixtures ask."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from pytest_velo.integration.compat import plugin_of


class Distribution:
    """An installed package, whose metadata is parsed whenever its name is asked for."""

    n_read = 0

    def __init__(self, name: str) -> None:
        self._name = name

    @property
    def project_name(self) -> str:
        Distribution.n_read += 1
        return self._name


def fixture_of(module: str) -> SimpleNamespace:
    return SimpleNamespace(func=SimpleNamespace(__module__=module))


def test_the_metadata_of_plugins_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Distribution, "n_read", 0)
    installed = [(SimpleNamespace(__name__="anyio.pytest_plugin"), Distribution("anyio"))]
    manager = SimpleNamespace(list_plugin_distinfo=lambda: list(installed))
    config = SimpleNamespace(stash=pytest.Stash(), pluginmanager=manager)
    assert [plugin_of(config, fixture_of("anyio.pytest_plugin")) for _ in range(5)] == ["anyio"] * 5
    assert plugin_of(config, fixture_of("test_it")) is None
    assert Distribution.n_read == 1
    installed.append((SimpleNamespace(__name__="later"), Distribution("pytest-later")))
    assert plugin_of(config, fixture_of("later.plugin")) == "pytest-later", "one that came later is found"
