"""The real SDKs, through our providers, against a real model: the embedded server's loopback port."""

from __future__ import annotations

import asyncio
import multiprocessing
from typing import Any

import pytest

from pytest_velo.errors import AccessError, RequestError, UsageError
from pytest_velo.providers.embedded import Embedded, check_installed, embedded
from pytest_velo.providers.endpoints import parse_endpoint
from pytest_velo.providers.registry import Target, open_provider, resolve
from pytest_velo.providers.sdk_clients import make_client
from pytest_velo.records import FinishReason, Reply, as_messages
from pytest_velo.sampling.carrier import Carrier
from pytest_velo.sampling.draws import DrawMemory
from pytest_velo.sampling.sampler import Sampler
from pytest_velo.sampling.scope import TrialScope, enter
from pytest_velo.sampling.trial import Trial
from pytest_velo.settings import Settings

MODEL = "smollm2-135m"
FRENCH = "What is the capital of France?"
CITY_SCHEMA = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
    "additionalProperties": False,
}


@pytest.fixture(scope="module")
def server() -> Embedded:
    try:
        check_installed(MODEL)
    except UsageError as error:
        pytest.skip(f"{error.what}: {error.fix}")
    return embedded(MODEL, slots=2)


@pytest.fixture
def key(server: Embedded, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("EMBEDDED_KEY", server.api_key)
    return server.api_key


def ask(target: Target, prompt: Any, seed: int | None = 1, **parameters: Any) -> Reply:
    async def run() -> Reply:
        provider = open_provider(target.endpoint, slots=2)
        try:
            return await provider.complete(target.request(as_messages(prompt), parameters), seed)
        finally:
            await provider.aclose()

    return asyncio.run(run())


def over_http(server: Embedded, api: str) -> Target:
    base = server.address if api == "anthropic" else f"{server.address}/v1"
    line = f"loopback: api={api} base_url={base} key=EMBEDDED_KEY price=free"
    return Target(endpoint=parse_endpoint(line), model=MODEL)


@pytest.mark.parametrize("api", ["openai-chat", "openai-responses", "anthropic"])
def test_an_answer_through_the_real_sdk(server: Embedded, key: str, api: str) -> None:
    inside = ask(resolve(f"local/{MODEL}"), FRENCH, max_tokens=12, temperature=0.0)
    reply = ask(over_http(server, api), FRENCH, max_tokens=12, temperature=0.0)
    assert reply.text == inside.text != ""
    assert reply.model_served == MODEL
    assert reply.usage.output_tokens is not None
    assert 1 <= reply.usage.output_tokens <= 12
    assert key not in f"{reply!r} {reply.raw}"


@pytest.mark.parametrize("api", ["openai-chat", "openai-responses", "anthropic"])
def test_several_turns_through_the_real_sdk(server: Embedded, key: str, api: str) -> None:
    target = over_http(server, api)
    first = ask(target, as_messages(FRENCH, "You are brief."), max_tokens=8, temperature=0.0)
    turns = [
        *as_messages(FRENCH, "You are brief."),
        first.message,
        {"role": "user", "content": "Say it again."},
    ]
    second = ask(target, turns, max_tokens=8, temperature=0.0)
    assert second.text
    assert (second.usage.input_tokens or 0) > (first.usage.input_tokens or 0)


@pytest.mark.parametrize("api", ["local", "openai-chat", "anthropic"])
def test_a_real_model_continues_what_was_begun(server: Embedded, key: str, api: str) -> None:
    target = resolve(f"local/{MODEL}") if api == "local" else over_http(server, api)
    begun = {"role": "assistant", "content": "The capital of France is"}
    reply = ask(target, [{"role": "user", "content": FRENCH}, begun], max_tokens=4, temperature=0.0)
    assert reply.prefill == "The capital of France is"
    assert reply.text.startswith(" Paris")


def test_the_seed_decides_over_http_and_in_process_alike(server: Embedded, key: str) -> None:
    parameters = {"max_tokens": 12, "temperature": 0.9, "top_p": 1.0}
    plainly: dict[str, Any] = {"top_k": 0, "min_p": 0.0}  # what the local provider sends by itself
    inside = [ask(resolve(f"local/{MODEL}"), FRENCH, seed, **parameters).text for seed in (1, 2, 1)]
    chat = over_http(server, "openai-chat")
    outside = ask(chat, FRENCH, 1, **parameters, **plainly).text
    assert inside[0] == inside[2] == outside
    assert inside[0] != inside[1]


def test_structured_output_and_log_probabilities(server: Embedded) -> None:
    target = resolve(f"local/{MODEL}")
    reply = ask(target, "Name a city.", schema=CITY_SCHEMA, max_tokens=60, temperature=0.0)
    assert isinstance(reply.parsed["city"], str)
    token = ask(target, FRENCH, logprobs=3, max_tokens=1, temperature=0.0).logprobs[0]
    assert len(token.top) == 3
    assert token.logprob == max(token.top.values()) <= 0


def test_a_context_overflow_and_a_cut_reply(server: Embedded) -> None:
    target = resolve(f"local/{MODEL}")
    assert ask(target, "word " * 9000).finish_reason is FinishReason.CONTEXT_OVERFLOW
    assert ask(target, "Count to a hundred.", max_tokens=2).finish_reason is FinishReason.LENGTH


def test_the_port_is_guarded_by_its_key(server: Embedded, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EMBEDDED_KEY", "a-wrong-key")
    for api in ("openai-chat", "anthropic"):
        with pytest.raises(AccessError, match="HTTP 401"):
            ask(over_http(server, api), FRENCH)


def test_a_malformed_request(server: Embedded, key: str) -> None:
    for target in (resolve(f"local/{MODEL}"), over_http(server, "openai-chat")):
        with pytest.raises(RequestError, match="temperature"):
            ask(target, FRENCH, temperature="hot")


def _answer_in_child(queue: Any) -> None:
    queue.put(ask(resolve(f"local/{MODEL}"), FRENCH, max_tokens=6, temperature=0.9).text)


@pytest.mark.processes
def test_a_forked_child_gets_a_server_of_its_own(server: Embedded) -> None:
    context = multiprocessing.get_context("fork")
    here = ask(resolve(f"local/{MODEL}"), FRENCH, max_tokens=6, temperature=0.9).text
    queue = context.Queue()
    child = context.Process(target=_answer_in_child, args=(queue,))
    child.start()
    try:
        assert queue.get(timeout=300) == here
    finally:
        child.join(timeout=300)
        child.kill()


@pytest.mark.parametrize("sdk", ["openai", "anthropic"])
def test_a_client_of_the_embedded_model(server: Embedded, sdk: str) -> None:
    """No address and no key are known before the first draw has to be made."""
    endpoint = resolve(f"local/{MODEL}").endpoint
    asked: list[Any] = [{"role": "user", "content": FRENCH}]

    async def run() -> tuple[str, Reply]:
        sampler = Sampler(Settings(budget_usd=None), DrawMemory())
        plain: dict[str, Any] = {"case": None, "case_digest": "", "stream": "", "may_pay": False}
        trial = Trial(index=0, repeat=0, seed=7)
        scope = TrialScope(
            trial=trial,
            drawer=sampler,
            block=None,
            home=asyncio.get_running_loop(),
            allow_cut=True,
            **plain,
        )
        enter(scope)
        carrier = Carrier(endpoint, f"{sdk}_client")
        client = make_client(sdk, endpoint, is_async=True, transport=carrier)  # type: ignore[arg-type]
        assert server.address not in str(client.base_url)
        if sdk == "openai":
            made = await client.chat.completions.create(model=MODEL, messages=asked, max_tokens=4)
            text = made.choices[0].message.content
        else:
            text = (await client.messages.create(model=MODEL, messages=asked, max_tokens=4)).content[0].text
        await sampler.aclose()
        return text, scope.calls[0].reply

    text, reply = asyncio.run(run())
    assert text == reply.text != ""
    assert reply.cost_usd == 0.0
    assert server.api_key not in f"{reply!r} {reply.original}"
