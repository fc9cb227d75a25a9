"""Clients that a body makes itself: what they ask a model is drawn, wherever they are made and run."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import anthropic
import httpx2
import openai
import pytest

from pytest_velo.errors import CacheMissError, UsageError
from pytest_velo.providers.endpoints import parse_endpoint
from pytest_velo.sampling import adopting
from pytest_velo.sampling.adopting import adopt, endpoint_of
from pytest_velo.sampling.draws import DrawMemory
from pytest_velo.sampling.halt import Halt
from pytest_velo.sampling.loop import SampleLoop
from pytest_velo.sampling.retrying import RetryPolicy
from pytest_velo.sampling.sampler import Sampler
from pytest_velo.sampling.scope import TrialScope, enter
from pytest_velo.sampling.trial import Trial
from pytest_velo.settings import BUILTIN_ENDPOINTS, Api, Mode, Settings
from support.sdk_server import Got, SdkServer, Sent

KEY = "sk-canary-7f3a91c2e5d84b60"
ASKED: list[Any] = [{"role": "user", "content": "Hi"}]


class Bench:
    """Runs bodies whose clients are adopted."""

    def __init__(self, server: SdkServer) -> None:
        self.server = server
        self.store = DrawMemory()
        self.scope: TrialScope | None = None

    def run(
        self, body: Callable[[], Any], *, mode: Mode = Mode.AUTO, policy: RetryPolicy | None = None
    ) -> Any:
        """Run a body as the runner does: on the loop, or in a worker thread."""
        loop = SampleLoop()
        sampler = Sampler(Settings(mode=mode, budget_usd=None), self.store, policy=policy)
        is_async = asyncio.iscoroutinefunction(body)
        line = f"lab: api=openai-chat base_url={self.server.address}/v1 price=free"

        async def go() -> Any:
            self.scope = TrialScope(
                trial=Trial(index=0, repeat=0, seed=7),
                case=None,
                case_digest="c",
                stream="",
                may_pay=True,
                drawer=sampler,
                block=None if is_async else loop.call,
                home=asyncio.get_running_loop(),
            )
            enter(self.scope)
            adopt((*BUILTIN_ENDPOINTS, parse_endpoint(line)))
            return await (body() if is_async else loop.run_blocking(body))

        loop.on_close(sampler.aclose)
        try:
            return loop.run(go())
        finally:
            loop.close()

    def openai(self, kind: Any = openai.OpenAI, **more: Any) -> Any:
        return kind(api_key=KEY, base_url=f"{self.server.address}/v1", **more)


@pytest.fixture
def bench() -> Iterator[Bench]:
    server = SdkServer()
    server.said = lambda _body, n: f"Answer {n}."
    yield Bench(server)
    server.close()


def asked_of(client: Any) -> Any:
    return client.chat.completions.create(model="m", messages=ASKED)


def said(made: Any) -> str:
    return str(made.choices[0].message.content)


def test_clients_of_every_kind_are_adopted(bench: Bench) -> None:
    before = bench.openai()  # made before any trial
    made = bench.openai(openai.AsyncOpenAI)

    async def on_the_loop() -> list[str]:
        one = said(await asked_of(made))
        two = said(await asyncio.to_thread(asked_of, before))
        return [one, two]

    def blocking() -> list[str]:
        async def program() -> str:
            async with bench.openai(openai.AsyncOpenAI) as client:
                return said(await asked_of(client))

        return [said(asked_of(before)), asyncio.run(program())]

    def raw() -> list[str]:
        with httpx2.Client() as client:
            body = {"model": "m", "messages": ASKED}
            answer = client.post(f"{bench.server.address}/v1/chat/completions", json=body)
        return [answer.json()["choices"][0]["message"]["content"]]

    def claude() -> str:
        client = anthropic.Anthropic(api_key=KEY, base_url=bench.server.address)
        return client.messages.create(model="m", max_tokens=9, messages=ASKED).content[0].text  # type: ignore[union-attr]

    assert bench.run(on_the_loop) == ["Answer 0.", "Answer 1."]
    assert bench.run(blocking) == ["Answer 0.", "Answer 1."]  # the same requests: the same draws
    assert bench.run(raw) == ["Answer 0."]
    assert bench.run(claude) == "Answer 0."
    assert len(bench.server.calls) == 3
    assert {got.headers.get("authorization") or got.headers.get("x-api-key") for got in bench.server.calls}
    assert said(asked_of(before)) == "Answer 2."  # outside a trial it is what it was


def test_a_stream_of_an_adopted_client(bench: Bench) -> None:
    async def body() -> str:
        async with bench.openai(openai.AsyncOpenAI) as client:
            stream = await client.chat.completions.create(model="m", messages=ASKED, stream=True)
            return "".join([part.choices[0].delta.content or "" async for part in stream if part.choices])

    assert bench.run(body) == bench.run(body) == "Answer 0."
    assert len(bench.server.calls) == 1


def test_other_requests_go_on_as_they_would(bench: Bench) -> None:
    bench.server.answer = lambda got: Sent({"path": got.path})

    async def body() -> list[str]:
        async with httpx2.AsyncClient(base_url=bench.server.address) as client:
            answers = [
                await client.get("/v1/models"),
                await client.post("/surveys/7/responses", json={"answers": [1]}),
                await client.post("/v1/embeddings", json={"texts": ["a"]}),
            ]
            return [answer.json()["path"] for answer in answers]

    assert bench.run(body) == ["/v1/models", "/surveys/7/responses", "/v1/embeddings"]
    assert bench.scope is not None
    assert not bench.scope.calls


def test_the_sdks_retries_make_no_call_of_their_own(bench: Bench) -> None:
    failures = iter([True, False])

    def answer(got: Got) -> Sent:
        return Sent({"error": {"message": "Slow down."}}, 429) if next(failures) else bench.server.reply(got)

    bench.server.answer = answer
    assert bench.run(lambda: said(asked_of(bench.openai(max_retries=5)))) == "Answer 0."
    assert bench.scope is not None
    assert [call.address.slot for call in bench.scope.calls] == ["c:0:0"]


def test_a_redirect_is_followed(bench: Bench) -> None:
    moved = {"Location": f"{bench.server.address}/v2/chat/completions"}

    def answer(got: Got) -> Sent:
        return Sent({}, 307, moved) if got.path.startswith("/v1") else bench.server.reply(got)

    bench.server.answer = answer
    assert bench.run(lambda: said(asked_of(bench.openai()))) == "Answer 0."
    assert bench.server.paths()[-1] == "/v2/chat/completions"


def test_a_call_that_the_body_gives_up_is_noted(bench: Bench) -> None:
    answered = threading.Event()

    async def body() -> str:
        asked, loop = asyncio.Event(), asyncio.get_running_loop()

        def never(_got: Got) -> Sent:
            loop.call_soon_threadsafe(asked.set)
            answered.wait(60)
            return Sent({})

        bench.server.answer = never
        async with bench.openai(openai.AsyncOpenAI) as client:
            waiting = asyncio.ensure_future(asked_of(client))
            await asked.wait()
            waiting.cancel()
            await asyncio.gather(waiting, return_exceptions=True)
            answered.set()
        return "gave up"

    assert bench.run(body) == "gave up"
    assert bench.scope is not None
    assert bench.scope.n_given_up == 1


def test_replay_sends_nothing(bench: Bench) -> None:
    with pytest.raises(Halt) as halted:
        bench.run(lambda: asked_of(bench.openai()), mode=Mode.REPLAY)
    assert isinstance(halted.value.reason, CacheMissError)
    assert not bench.server.calls


def test_no_key_is_kept(bench: Bench) -> None:
    bench.server.said = lambda _body, _n: f"Your key is {KEY}."
    assert KEY not in bench.run(lambda: said(asked_of(bench.openai())))
    assert bench.scope is not None
    assert KEY not in f"{bench.store.__dict__} {bench.scope.calls}"


def test_a_key_in_the_address_is_struck_out_too(bench: Bench) -> None:
    bench.server.said = lambda _body, _n: f"Your key is {KEY}."
    made = bench.run(lambda: said(asked_of(bench.openai(default_query={"api-key": KEY}))))
    assert made == "Your key is ***."


def test_a_server_that_is_gone_is_an_error_of_the_connection(bench: Bench) -> None:
    bench.server.close()

    def body() -> Any:
        with pytest.raises(openai.InternalServerError, match="the connection was refused"):
            asked_of(bench.openai())

    bench.run(body, policy=RetryPolicy(nobody_after_s=0.0))
    assert bench.scope is not None
    assert "the connection was refused" in str(bench.scope.trouble)


@pytest.mark.parametrize(
    ("url", "name", "base"),
    [
        ("https://api.openai.com/v1/chat/completions", "openai", None),
        ("https://api.anthropic.com/v1/messages", "anthropic", None),
        ("https://llm.example:8443/api/v1/responses", "mine", "https://llm.example:8443/api/v1"),
        ("https://llm.example:8443/v2/responses", "llm.example:8443", "https://llm.example:8443"),
        ("https://openrouter.ai/api/v1/responses", "openrouter.ai", "https://openrouter.ai"),
    ],
)
def test_whose_endpoint_an_address_is(
    monkeypatch: pytest.MonkeyPatch, url: str, name: str, base: str | None
) -> None:
    for variable in ("OPENAI_BASE_URL", "ANTHROPIC_BASE_URL"):
        monkeypatch.delenv(variable, raising=False)
    mine = parse_endpoint("mine: api=openai-responses base_url=https://llm.example:8443/api/v1 price=1/2")
    wide = parse_endpoint("wide: api=anthropic base_url=https://llm.example:8443/api price=1/2")
    found = endpoint_of(url, Api.OPENAI_RESPONSES, (*BUILTIN_ENDPOINTS, mine, wide))
    assert (found.name, found.base_url) == (name, base)


def test_a_library_that_picks_its_transports_elsewhere() -> None:
    library: Any = SimpleNamespace(__name__="httpx9", __version__="9.0")
    with pytest.raises(UsageError, match=r"httpx9 9\.0.*another place") as refused:
        adopting._wrap(type("Client", (), {}), library)
    assert "openai_client" in refused.value.fix


def test_the_installed_libraries_pick_their_transports_there() -> None:
    adopting.install()
    adopting.install()
    assert httpx2.Client._transport_for_url.__wrapped__.__name__ == "_transport_for_url"  # type: ignore[attr-defined]
    assert not hasattr(httpx2.Client._transport_for_url.__wrapped__, "__wrapped__")  # type: ignore[attr-defined]


def test_a_thread_without_the_trial_is_not_adopted(bench: Bench) -> None:
    answers: list[str] = []

    def body() -> None:
        thread = threading.Thread(target=lambda: answers.append(said(asked_of(bench.openai()))))
        thread.start()
        thread.join()

    bench.run(body)
    bench.run(body)
    assert answers == ["Answer 0.", "Answer 1."]  # its connections are noticed: see `sampling.outside`
