"""From a model id to the provider that answers it: `openai/gpt-x` → endpoint and model → provider."""

from __future__ import annotations

import asyncio

import pytest

from pytest_velo.errors import UsageError
from pytest_velo.providers.registry import check_access, open_provider, resolve
from pytest_velo.providers.scripted import scripted


def test_an_id_is_resolved_at_its_first_slash() -> None:
    assert resolve("local/smollm2-135m").model == "smollm2-135m"
    assert resolve("openai/org/model").model == "org/model"


def test_a_missing_key_is_a_usage_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-1")
    check_access(resolve("openai/gpt-5"))
    monkeypatch.delenv("OPENAI_API_KEY")
    with pytest.raises(UsageError) as caught:
        check_access(resolve("openai/gpt-5"))
    assert caught.value.where == "model openai/gpt-5"
    assert caught.value.what == "the environment variable OPENAI_API_KEY is not set"
    assert (
        caught.value.fix
        == "export OPENAI_API_KEY=..., or use a model without a key such as local/smollm2-135m"
    )


def test_a_scripted_provider_answers() -> None:
    target = resolve(scripted("parrot", lambda request: request.messages[-1]["content"]))
    provider = open_provider(target.endpoint, slots=1)
    asked = target.request([{"role": "user", "content": "Hello"}])
    assert asyncio.run(provider.complete(asked, seed=None)).text == "Hello"
