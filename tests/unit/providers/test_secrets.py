"""Keys that a server gives back, in every form it may give them."""

from __future__ import annotations

import json
import logging
from base64 import b64encode, urlsafe_b64encode
from html import escape
from typing import Any
from urllib.parse import quote

import pytest

from pytest_velo.providers.secrets import Secrets, guard_logs
from pytest_velo.providers.transport import Answer
from pytest_velo.settings import Endpoint

KEY = "sk-canary+7f3a/91c2<e5&84b60"


def secrets(key: str | None = KEY, **endpoint: Any) -> Secrets:
    return Secrets(Endpoint(name="there", api="openai-chat", **endpoint), key)


def as_json_escapes(text: str) -> str:
    return "".join(f"\\u{ord(character):04x}" for character in text)


WRITTEN = {
    "plain": KEY,
    "in capitals": KEY.upper(),
    "for an address": quote(KEY, safe=""),
    "for an address, twice": quote(quote(KEY, safe=""), safe=""),
    "every byte for an address": "".join(f"%{byte:02x}" for byte in KEY.encode()),
    "for HTML": escape(KEY),
    "every character for HTML": "".join(f"&#{ord(character)};" for character in KEY),
    "for JSON within JSON": as_json_escapes(KEY),
    "with escaped slashes": KEY.replace("/", r"\/"),
    "for JavaScript": "".join(f"\\x{ord(character):02x}" for character in KEY),
    "in hexadecimal": KEY.encode().hex(),
}


@pytest.mark.parametrize("written", WRITTEN.values(), ids=WRITTEN)
@pytest.mark.parametrize("is_reply", [True, False])
def test_a_key_is_struck_however_it_is_written(written: str, is_reply: bool) -> None:
    body = {"error": {"message": f"Your key {written} is wrong"}, "n": 3, written: ["é", written]}
    struck = secrets().strike(body, is_reply=is_reply)
    assert struck == {"error": {"message": "Your key *** is wrong"}, "n": 3, "***": ["é", "***"]}


@pytest.mark.parametrize("coded", [b64encode, urlsafe_b64encode])
@pytest.mark.parametrize("n_before", range(4))
def test_a_key_in_base64_is_struck_wherever_it_begins(coded: Any, n_before: int) -> None:
    written = coded(b"user"[:n_before] + KEY.encode() + b"more").decode()
    struck = secrets().strike({"error": f"Basic {written} is wrong"}, is_reply=False)["error"]
    assert struck.startswith("Basic ")
    assert struck.endswith(" is wrong")
    shown = struck.replace("***", "")
    assert len(shown) - len("Basic  is wrong") <= len(written) - len(KEY) * 4 / 3 + 4


@pytest.mark.parametrize(
    "body",
    [
        {"content": [{"type": "text", "text": KEY[:10]}, {"type": "text", "text": KEY[10:]}]},
        {"begins": KEY[:10], "ends": KEY[10:]},
        [KEY[:5], KEY[5:9], KEY[9:]],
        {KEY[:9]: KEY[9:]},
    ],
    ids=["blocks", "fields", "list", "name and value"],
)
def test_a_key_in_pieces_leaves_none_of_them(body: Any) -> None:
    struck = json.dumps(secrets().strike(body, is_reply=True))
    assert not any(KEY[place : place + 4] in struck for place in range(len(KEY) - 3))


def test_the_tokens_of_a_key_go_with_it() -> None:
    tokens = [{"token": KEY[place : place + 3], "logprob": -1.0} for place in range(0, len(KEY), 3)]
    choice = {"message": {"content": KEY}, "logprobs": {"content": tokens}}
    struck = secrets().strike({"choices": [choice]}, is_reply=True)
    assert struck == {"choices": [{"message": {"content": "***"}, "logprobs": None}]}


def test_a_text_that_is_no_json_is_struck_too() -> None:
    assert secrets().strike(f"<p>{escape(KEY)}</p>", is_reply=False) == "<p>***</p>"


@pytest.mark.parametrize("value", ["a", "x1", "abcde", "z" * 9_000, "correct horse battery staple"])
def test_a_header_of_any_length_is_struck_from_an_error(value: str) -> None:
    found = secrets(None, headers={"x-thing": value})
    assert found.strike({"error": f"bad x-thing: {value}."}, is_reply=False) == {"error": "bad x-thing: ***."}
    assert found.strike({"error": "a9 banana xabcdey"}, is_reply=False)["error"].count("***") == 0


def test_a_long_secret_is_struck_to_its_end_however_it_is_escaped() -> None:
    secret = "".join(f"k{place}/+" for place in range(400))
    found = secrets(None, headers={"authorization": secret})
    for written in (
        secret,
        quote(secret, safe=""),
        secret.replace("/", "\\/"),
        secret.replace("+", "\\u002b"),
    ):
        assert found.strike({"error": f"bad {written} here"}, is_reply=False) == {"error": "bad *** here"}
    cut = quote(secret, safe="")[:-700]
    assert "k1" not in found.strike({"error": f"bad {cut}"}, is_reply=False)["error"]


@pytest.mark.parametrize("name", ["x-api-key", "Authorization", "Cookie", "x-access-token"])
def test_what_a_header_is_called_says_that_it_is_secret(name: str) -> None:
    found = secrets(None, headers={name: "correct horse battery staple"})
    body = {"text": "It is correct horse battery staple."}
    assert found.strike(body, is_reply=True) == {"text": "It is ***."}


def test_a_header_that_is_a_word_stays_in_replies() -> None:
    found = secrets(None, headers={"x-team": "research"})
    assert found.strike({"text": "research"}, is_reply=True) == {"text": "research"}


def test_a_part_of_a_header_is_struck_alone() -> None:
    found = secrets(None, headers={"Authorization": "Bearer abc123def456", "Cookie": "sid=q1w2e3r4t5y6; x=y"})
    assert found.strike({"text": "abc123def456 q1w2e3r4t5y6"}, is_reply=True) == {"text": "*** ***"}


@pytest.mark.parametrize(
    "base_url",
    ["http://h/proxy/tok-9f8e7d6c5b4a/v1", "http://h/v1?api-key=hushhush", "http://h/v1?x=9f8e7d6c5b4a"],
)
def test_a_key_in_the_address_is_struck(base_url: str) -> None:
    secret = base_url.removesuffix("/v1").rpartition("/")[2].rpartition("=")[2]
    struck = secrets(None, base_url=base_url).strike({"error": f"no route {base_url}"}, is_reply=False)
    assert secret not in struck["error"]
    assert "no route http://h/" in struck["error"]


def test_short_keys_are_struck_from_errors_alone() -> None:
    found = secrets("none")
    assert found.strike({"error": "the key none is wrong"}, is_reply=False) == {
        "error": "the key *** is wrong"
    }
    assert found.strike({"text": "none"}, is_reply=True) == {"text": "none"}


def test_logs_of_the_http_libraries_show_no_secret(caplog: pytest.LogCaptureFixture) -> None:
    guard_logs(secrets(base_url="http://h/v1/tok-9f8e7d6c5b4a"))
    with caplog.at_level(logging.DEBUG):
        logging.getLogger("httpx2").info("HTTP Request: %s %s", "POST", "http://h/v1/tok-9f8e7d6c5b4a/chat")
        logging.getLogger("httpcore2.http11").debug("headers=%r", [(b"x-echo", KEY.encode())])
        logging.getLogger("openai._base_client").debug("HTTP Response: %s", {"x-echo": KEY})
    assert len(caplog.records) == 3
    assert "tok-9f8e7d6c5b4a" not in caplog.text
    assert KEY not in caplog.text


def test_nothing_shows_secrets_by_accident() -> None:
    answer = Answer(status=401, headers={"x-echo": KEY}, content=KEY.encode())
    assert KEY not in f"{secrets()!r} {answer!r}"
