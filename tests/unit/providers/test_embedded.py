"""The server inside this process that runs the embedded model: one per process, started on first use."""

from __future__ import annotations

import os

import pytest

from pytest_velo.errors import UsageError
from pytest_velo.providers.embedded import Embedded, _running, check_installed, embedded


def test_an_unknown_embedded_model_is_a_usage_error() -> None:
    with pytest.raises(UsageError) as caught:
        check_installed("smollm2-135b")
    assert caught.value.what == "there is no embedded model 'smollm2-135b'"
    assert caught.value.fix == "did you mean 'smollm2-135m'?"


def test_a_running_engine_is_used_again(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = Embedded(address="http://127.0.0.1:1", api_key="k", slots=2, engine=None)
    monkeypatch.setitem(_running, (os.getpid(), "smollm2-135m"), kept)
    assert embedded("smollm2-135m", slots=4) is kept
    with pytest.raises(UsageError) as caught:
        embedded("gpt-5")
    assert caught.value.what == "there is no embedded model 'gpt-5'"
    assert caught.value.fix == "known: smollm2-135m"
