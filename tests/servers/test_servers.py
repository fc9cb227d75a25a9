"""The conformance of the providers, against servers that nobody here wrote."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from pytest_velo.errors import AccessError, TransientError, VeloError
from pytest_velo.providers.endpoints import parse_endpoint
from pytest_velo.providers.registry import Target, open_provider
from pytest_velo.records import FinishReason, Reply, as_messages
from pytest_velo.settings import Api

pytestmark = pytest.mark.servers

WEATHER = {
    "name": "get_weather",
    "description": "The weather in a city",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}
CITY = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
    "additionalProperties": False,
}
KEY = "PLACE_KEY"


@pytest.fixture(autouse=True)
def _key(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("place", "scripted_place", "model_place"):
        if name in request.fixturenames:
            monkeypatch.setenv(KEY, request.getfixturevalue(name).key)


def ask(
    place: Any, prompt: Any = "What is the capital of France?", *, model: str = "", **parameters: Any
) -> Reply:
    """Return the reply of one attempt."""
    line = f"there: api={place.api} base_url={place.base_url} key={KEY} price=free timeout_s=300"
    endpoint = parse_endpoint(line)

    async def run() -> Reply:
        provider = open_provider(endpoint, slots=2)
        try:
            target = Target(endpoint=endpoint, model=model or place.models[0])
            return await provider.complete(target.request(as_messages(prompt), parameters), 7)
        finally:
            await provider.aclose()

    return asyncio.run(run())


def test_a_plain_answer(place: Any) -> None:
    for model in place.models:
        reply = ask(place, model=model, max_tokens=30)
        assert reply.text
        assert reply.finish_reason in (FinishReason.STOP, FinishReason.LENGTH)
        assert reply.usage.input_tokens
        assert reply.usage.output_tokens
        assert reply.model_served
        assert not reply.refused


def test_everything_that_has_a_neutral_name_is_taken(place: Any) -> None:
    turns = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Where is Lyon?"},
        {"role": "assistant", "content": "In France."},
        {"role": "user", "content": "And its capital?"},
    ]
    sampling = {"temperature": 0.7} if place.api is Api.ANTHROPIC else {"temperature": 0.7, "top_p": 0.9}
    assert ask(place, turns, max_tokens=20, stop=["\n\n"], **sampling).text


def test_structured_output(place: Any) -> None:
    if place.api is Api.ANTHROPIC or (place.server, place.api) == ("litellm", Api.OPENAI_RESPONSES):
        pytest.skip("neither mock nor model gives it in this API")
    reply = ask(place, "Name a city in JSON.", schema=CITY, max_tokens=60)
    assert isinstance(reply.parsed, dict)
    assert set(reply.parsed) == {"city"}


def test_a_tool_call(scripted_place: Any) -> None:
    scripted_place.mock.call_tool("get_weather", {"city": "Lyon"})
    reply = ask(scripted_place, "What is the weather in Lyon?", tools=[WEATHER])
    assert reply.finish_reason is FinishReason.TOOL_CALLS
    assert [(call.name, call.arguments) for call in reply.tool_calls] == [("get_weather", {"city": "Lyon"})]


def test_a_cut_reply_says_so(model_place: Any) -> None:
    reply = ask(model_place, "Tell me a long story.", max_tokens=5)
    assert reply.finish_reason is FinishReason.LENGTH
    assert reply.usage.output_tokens == 5


def test_log_probabilities(model_place: Any) -> None:
    if model_place.api is not Api.OPENAI_CHAT:
        pytest.skip("this API has none")
    reply = ask(model_place, max_tokens=3, logprobs=2)
    assert len(reply.logprobs) == 3
    assert len(reply.logprobs[0].top) == 2


def test_a_prompt_that_does_not_fit(place: Any) -> None:
    if place.mock is not None:
        place.mock.limits(context_window=100)
    assert ask(place, "word " * 9_000, max_tokens=5).finish_reason is FinishReason.CONTEXT_OVERFLOW


def test_a_wrong_key(model_place: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(KEY, "sk-wrong-key-of-nobody")
    with pytest.raises(AccessError) as caught:
        ask(model_place)
    assert "sk-wrong" not in str(caught.value)


@pytest.mark.parametrize(
    ("status", "kind"), [(429, "rate_limit"), (500, "server"), (503, None), (529, "overloaded"), (408, None)]
)
def test_what_may_pass_is_transient(scripted_place: Any, status: int, kind: str | None) -> None:
    scripted_place.mock.fail(status, times=1)
    with pytest.raises(TransientError) as caught:
        ask(scripted_place)
    if kind is not None and scripted_place.server == "llmock":  # the proxy has statuses of its own
        assert caught.value.kind == kind


def test_a_rate_limit_says_how_long_to_wait(scripted_place: Any) -> None:
    scripted_place.mock.rate_limit(times=1, retry_after=7)
    with pytest.raises(TransientError) as caught:
        ask(scripted_place)
    assert caught.value.kind == "rate_limit"
    assert caught.value.retry_after_s in (7.0, None)
    assert caught.value.retry_after_s == 7.0 or scripted_place.server == "litellm"


@pytest.mark.parametrize("status", [400, 401, 403, 404])
def test_what_no_wait_mends_is_no_transient_error(scripted_place: Any, status: int) -> None:
    scripted_place.mock.fail(status, times=1)
    with pytest.raises(VeloError) as caught:
        ask(scripted_place)
    assert not isinstance(caught.value, TransientError)
    assert caught.value.fix


def test_an_unknown_model_is_named_by_the_proxy(scripted_place: Any) -> None:
    if scripted_place.server != "litellm":
        pytest.skip("a mock knows every model")
    with pytest.raises(VeloError) as caught:
        ask(scripted_place, model="nobodys-model")
    assert not isinstance(caught.value, TransientError)
    assert "does not know the model 'nobodys-model'" in caught.value.fix


HYPOTHESIS = """
import pytest
from pytest_velo import rate

@pytest.mark.hypothesis(rate >= 0.5, models=["there/{model}"], cases=[f"case {{n}}" for n in range(15)],
    over="population", max_trials=15, min_trials=15)
async def test_it_answers(model, case):
    assert (await model(case)).text
"""


def test_a_whole_run_through_trouble_ends_well(scripted_place: Any, pytester: pytest.Pytester) -> None:
    """The mock server judges its client, too: no storm, no wait cut short, nothing asked twice in vain."""
    place = scripted_place
    line = f"there: api={place.api} base_url={place.base_url} key={KEY} price=free"
    pytester.makeini(f"[pytest]\nvelo_endpoints =\n    {line}\n")
    pytester.makepyfile(HYPOTHESIS.format(model=place.models[0]))
    place.mock.rate_limit(times=3, retry_after=1).fail(503, times=2)
    result = pytester.runpytest_inprocess("-p", "no:randomly", "-m", "velo", "--velo-concurrency=4")
    assert result.parseoutcomes() == {"passed": 1}
    if place.server == "llmock":
        place.mock.assert_resilient()
