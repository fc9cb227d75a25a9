"""The direct line sends what the SDK sends, and leaves to the SDK what only the SDK can do."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import httpx2
import openai
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_velo.providers import answers, clients, openai_chat
from pytest_velo.providers.clients import HttpProvider, Wire, anthropic_transport, openai_transport
from pytest_velo.providers.endpoints import parse_endpoint
from pytest_velo.providers.transport import Answer, DirectTransport, SdkTransport, Transport
from pytest_velo.records import as_messages
from pytest_velo.settings import Endpoint

pytest.importorskip("aiohttp")

OPENERS: dict[str, Callable[..., Transport]] = {
    "openai-chat": openai_transport,
    "anthropic": anthropic_transport,
}
BODY = {"model": "m", "messages": [{"role": "user", "content": 'Grüße "\u2028" 🙂'}], "temperature": 0.5}
# The sender's own: which codings it can undo, and how many connections it keeps.
UNLIKE = {b"accept-encoding", b"connection"}


class Door:
    """A server that keeps every request as it came, and answers them as told."""

    def __init__(self, *answers: bytes) -> None:
        self.requests: list[tuple[bytes, dict[bytes, bytes], bytes]] = []
        self._answers = list(answers)

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while not reader.at_eof():
            try:
                first, *lines = (await reader.readuntil(b"\r\n\r\n")).strip().split(b"\r\n")
            except asyncio.IncompleteReadError:
                break
            headers = {name.lower(): value for name, value in (line.split(b": ", 1) for line in lines)}
            body = await reader.readexactly(int(headers[b"content-length"]))
            self.requests.append((first, headers, body))
            writer.write(self._answers.pop(0) if self._answers else reply(200, b"{}"))
        writer.close()


def reply(status: int, body: bytes, *more: str) -> bytes:
    lines = [f"HTTP/1.1 {status} X", f"content-length: {len(body)}", *more]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def exchange(door: Door, use: Callable[[int], Awaitable[Any]]) -> Any:
    async def run() -> Any:
        server = await asyncio.start_server(door, "127.0.0.1", 0)
        async with server:
            return await use(server.sockets[0].getsockname()[1])

    return asyncio.run(run())


def endpoint_at(api: str, port: int, path: str = "", timeout_s: float = 120) -> Endpoint:
    base = f"http://127.0.0.1:{port}{path}"
    line = f"there: api={api} base_url={base} key=LINE_KEY header.X-Team=42 timeout_s={timeout_s}"
    return parse_endpoint(line)


def sdk_line(line: Transport) -> SdkTransport:
    assert isinstance(line, DirectTransport)
    sdk = vars(line)["_sdk"]
    assert isinstance(sdk, SdkTransport)
    return sdk


@pytest.fixture(autouse=True)
def _no_surroundings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clients, "getproxies", dict)
    monkeypatch.setenv("LINE_KEY", "a-key-of-ours")


@pytest.mark.parametrize("api", OPENERS)
@pytest.mark.parametrize("headers", [{}, {"anthropic-version": "2023-06-01"}], ids=["", "more headers"])
@pytest.mark.parametrize("path", ["/v1", "/some/where/v1/", "/v1?api-version=7"])
def test_the_request_is_the_sdks(api: str, headers: Mapping[str, str], path: str) -> None:
    door = Door()

    async def use(port: int) -> None:
        line = OPENERS[api](endpoint_at(api, port, path), slots=2)
        await sdk_line(line).post("/chat/completions", BODY, headers)
        for _ in range(2):
            await line.post("/chat/completions", BODY, headers)
        await line.aclose()

    exchange(door, use)
    (first, sdk_headers, body), *ours = door.requests
    assert len(ours) == 2
    for our_first, our_headers, our_body in ours:
        assert (our_first, our_body) == (first, body)
        for name in sdk_headers.keys() | our_headers.keys():
            assert name in UNLIKE or sdk_headers.get(name) == our_headers.get(name), name
    assert sdk_headers[b"x-team"] == b"42"


def test_headers_of_one_call_are_not_those_of_the_next() -> None:
    door = Door()
    sent: list[Mapping[str, str]] = [{"x-a": "1"}, {}, {"x-a": "2"}, {"x-b": "2"}]

    async def use(port: int) -> None:
        line = openai_transport(endpoint_at("openai-chat", port), slots=2)
        for headers in sent:
            await line.post("/chat/completions", BODY, headers)
        await line.aclose()

    exchange(door, use)
    received = [(headers.get(b"x-a"), headers.get(b"x-b")) for _, headers, _ in door.requests]
    assert received == [(b"1", None), (None, None), (b"2", None), (None, b"2")]


def test_a_redirect_is_followed_by_the_sdk() -> None:
    door = Door(*[reply(307, b"", "location: /elsewhere")] * 2, reply(200, b'{"found": true}'))

    async def use(port: int) -> Answer:
        line = openai_transport(endpoint_at("openai-chat", port), slots=2)
        answer = await line.post("/chat/completions", BODY, {})
        await line.aclose()
        return answer

    answer: Answer = exchange(door, use)
    assert (answer.status, json.loads(answer.content)) == (200, {"found": True})
    assert [first.split()[1] for first, _, _ in door.requests] == [
        b"/chat/completions",
        b"/chat/completions",
        b"/elsewhere",
    ]


def test_a_body_that_is_not_plain_json_is_the_sdks() -> None:
    door = Door()
    day = datetime(2026, 11, 23, tzinfo=UTC)

    async def use(port: int) -> None:
        line = openai_transport(endpoint_at("openai-chat", port), slots=2)
        await line.post("/chat/completions", {"day": day}, {})
        with pytest.raises(ValueError, match="JSON compliant"):
            await line.post("/chat/completions", {"x": float("nan")}, {})
        await line.aclose()

    exchange(door, use)
    assert [json.loads(body) for _, _, body in door.requests] == [{"day": "2026-11-23T00:00:00+00:00"}]


def test_the_calls_of_a_burst_ask_the_sdk_once(monkeypatch: pytest.MonkeyPatch) -> None:
    door, asked = Door(), []
    with_options = openai.AsyncOpenAI.with_options

    def counted(self: Any, **options: Any) -> Any:
        asked.append(options)
        return with_options(self, **options)

    monkeypatch.setattr(openai.AsyncOpenAI, "with_options", counted)

    async def use(port: int) -> None:
        line = openai_transport(endpoint_at("openai-chat", port), slots=8)
        await asyncio.gather(*(line.post("/chat/completions", BODY, {}) for _ in range(8)))
        await line.aclose()

    exchange(door, use)
    assert (len(door.requests), len(asked)) == (8, 1)


def test_a_proxy_of_the_environment_is_the_sdks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clients, "getproxies", lambda: {"https": "http://proxy.example:3128"})
    for api, open_line in OPENERS.items():
        assert isinstance(open_line(endpoint_at(api, 1), slots=1), SdkTransport)


def test_a_client_with_an_authentication_of_its_own() -> None:
    keys: list[str] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        keys.append(request.headers["authorization"])
        message = {"role": "assistant", "content": "hi"}
        return httpx2.Response(200, json={"choices": [{"message": message, "finish_reason": "stop"}]})

    async def token() -> str:
        return f"token-{len(keys)}"

    async def run() -> None:
        client = openai.AsyncAzureOpenAI(
            azure_endpoint="https://example.azure.com",
            api_version="2026-01-01",
            azure_ad_token_provider=token,
            http_client=httpx2.AsyncClient(transport=httpx2.MockTransport(answer)),
        )
        wire = Wire(path="/chat/completions", to_wire=openai_chat.to_wire, from_wire=openai_chat.from_wire)
        line = SdkTransport(client=client, sdk=openai)
        assert "token" not in f"{line!r}"
        provider = HttpProvider(endpoint_at("openai-chat", 1), wire, line)
        from pytest_velo.providers.registry import Target

        request = Target(endpoint=endpoint_at("openai-chat", 1), model="m").request(as_messages("Hi"))
        for _ in range(3):
            assert (await provider.complete(request, 1)).text == "hi"
        await provider.aclose()

    asyncio.run(run())
    assert keys == ["Bearer token-0", "Bearer token-1", "Bearer token-2"]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters()), inner),
)


@pytest.mark.slow
@given(json_values, st.booleans())
def test_bodies_are_read_as_the_standard_library_reads_them(value: Any, ascii_only: bool) -> None:
    content = json.dumps(value, ensure_ascii=ascii_only).encode("utf-8", "surrogatepass")
    try:
        expected = json.loads(content)
    except ValueError:
        expected = content.decode("utf-8", "replace")
    assert repr(answers.decode(content)) == repr(expected)


@given(st.binary())
def test_any_bytes_are_read_as_the_standard_library_reads_them(content: bytes) -> None:
    try:
        expected = json.loads(content)
    except (ValueError, RecursionError):
        expected = content.decode("utf-8", "replace")
    assert repr(answers.decode(content)) == repr(expected)


@given(st.text(st.sampled_from('\\ud8dcafu0019"{}[]:,truefalsn .-+eE'), max_size=30))
def test_texts_like_json_are_read_as_the_standard_library_reads_them(text: str) -> None:
    content = text.encode()
    try:
        expected = json.loads(content)
    except ValueError:
        expected = text
    assert repr(answers.decode(content)) == repr(expected)
