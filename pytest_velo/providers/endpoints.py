"""Endpoints as users declare them: one ini line each.

vllm: api=openai-chat base_url=http://127.0.0.1:8000/v1 key=VLLM_KEY weights=ckpt-7 price=free
"""

from __future__ import annotations

import math
import shlex
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from pytest_velo.errors import UsageError, nearest
from pytest_velo.settings import STUB, Api, Endpoint, Prefill, Price, Think

_HEADER = "header."
_EXAMPLE = "vllm: api=openai-chat base_url=http://127.0.0.1:8000/v1 key=VLLM_KEY price=free"
_REMOTE = ("base_url", "key", "timeout_s")  # of no use to a model inside this process
_FIELDS = {"base_url": "base_url", "key": "key_env", "timeout_s": "timeout_s"}
_EMBEDDED = (Api.LOCAL, Api.SCRIPTED)
_BATCHED = (Api.OPENAI_CHAT, Api.OPENAI_RESPONSES, Api.ANTHROPIC)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Option:
    """One key of an endpoint's line: how its value is read, and what it must look like."""

    read: Callable[[str], dict[str, Any]]
    wants: str


def parse_endpoint(line: str, *, more_apis: Collection[str] = ()) -> Endpoint:
    """Read one endpoint from its ini line.

    Args:
        line: `name: key=value ...`. Keys: `api` (required), `base_url`, `key` (the environment variable that
            holds the key, never the key itself), `weights`, `price` (`free`, or dollars per million
            input/output tokens as `0.15/0.60`), `rpm`, `tpm`, `timeout_s`, `n` (maximum number of draws of
            one request in one call, with chat completions), `prefill` (how the server continues a message of
            the assistant's: `continue`, `prefix`, `plain` or `none`), `think` (`strip` or `keep` what stands
            between `<think>` and `</think>`), `batch` (the share of the price that its batch API takes, such
            as 0.5), `header.<Name>`. A value with spaces is quoted.
        more_apis: Wire families from plugins.

    Raises:
        UsageError: The line cannot be read; the message names the key and the nearest valid one.
    """
    name, colon, rest = line.partition(":")
    name = name.strip()
    if not colon or not name or set(name) & set("/ ="):
        raise UsageError("an endpoint starts with its name and a colon", where="endpoints", fix=_EXAMPLE)
    if name == STUB:
        raise UsageError(
            f"the name {STUB!r} is kept for the models that stub(...) makes",
            where="endpoints",
            fix="give the endpoint another name",
        )
    values: dict[str, Any] = {}
    headers: dict[str, str] = {}
    given: set[str] = set()
    # What was typed may be a pasted secret, so errors repeat keys and positions, never values.
    for number, word in enumerate(_words(rest, f"endpoint {name}"), start=1):
        key, equals, text = word.partition("=")
        if not equals or not text:
            raise UsageError(f"item {number} is not key=value", where=f"endpoint {name}", fix=_EXAMPLE)
        if key in given:
            raise UsageError(f"{key}= is given twice", where=f"endpoint {name}", fix="leave one out")
        given.add(key)
        if key.startswith(_HEADER) and len(key) > len(_HEADER):
            headers[key.removeprefix(_HEADER)] = text
        else:
            values |= _read(key, text, f"endpoint {name}")
    return _build(name, values, headers, more_apis)


def _words(rest: str, where: str) -> list[str]:
    try:
        return shlex.split(rest)
    except ValueError as error:
        raise UsageError(f"unbalanced quotes ({error})", where=where, fix='header.X-Foo="a b"') from error


def _read(key: str, text: str, where: str) -> dict[str, Any]:
    """Return the endpoint's fields that one `key=text` sets."""
    if key not in _OPTIONS:
        raise UsageError(
            f"unknown key {key!r}", where=where, fix=nearest(key, [*_OPTIONS, f"{_HEADER}<Name>"])
        )
    option = _OPTIONS[key]
    try:
        return option.read(text)
    except ValueError:
        raise UsageError(f"{key}= cannot be read", where=where, fix=f"{key}= takes {option.wants}") from None


def _build(
    name: str, values: dict[str, Any], headers: dict[str, str], more_apis: Collection[str]
) -> Endpoint:
    where, apis = f"endpoint {name}", [*map(str, Api), *more_apis]
    api = values.pop("api", None)
    if api is None:
        raise UsageError("api= is missing", where=where, fix=f"api= takes one of {', '.join(apis)}")
    if api not in apis:
        raise UsageError(f"unknown api {api!r}", where=where, fix=nearest(api, apis))
    known = Api(api) if api in apis[: len(Api)] else api
    free = values.pop("free", False) or known in _EMBEDDED
    if values.get("n", 1) > 1 and known is not Api.OPENAI_CHAT:
        raise UsageError(f"api={api} has no n", where=where, fix="leave n= out, or use api=openai-chat")
    if known in _EMBEDDED and (unused := [key for key in _REMOTE if _FIELDS[key] in values]):
        raise UsageError(f"api={api} has no {unused[0]}", where=where, fix=f"leave {unused[0]}= out")
    if known in _EMBEDDED and headers:
        raise UsageError(f"api={api} has no headers", where=where, fix="leave header.…= out")
    if "batch" in values and known not in _BATCHED:
        raise UsageError(f"api={api} has no batch", where=where, fix="leave batch= out")
    if "prefill" in values and known not in (Api.OPENAI_CHAT, Api.OPENAI_RESPONSES):
        raise UsageError(f"api={api} has no prefill", where=where, fix="leave prefill= out")
    return Endpoint(name=name, api=known, headers=headers, declared=True, free=free, **values)


def is_address(text: str) -> bool:
    """Tell whether a text is the address of a server: http(s), and without credentials."""
    try:
        parts = urlsplit(text)
        host = (parts.hostname or "").removesuffix(".")
        host.encode("idna")
        _ = parts.port
    except ValueError:  # no port, no IPv6 address, or no name that can be looked up
        return False
    return parts.scheme in ("http", "https") and bool(host) and "@" not in parts.netloc


def _url(text: str) -> dict[str, Any]:
    if not is_address(text):
        raise ValueError
    return {"base_url": text}


def _variable(text: str) -> dict[str, Any]:
    if not text.isidentifier():
        raise ValueError
    return {"key_env": text}


def _price(text: str) -> dict[str, Any]:
    if text == "free":
        return {"free": True}
    first, _, second = text.partition("/")
    return {"price": Price(input_usd=_positive(first, zero=True), output_usd=_positive(second, zero=True))}


def _positive(text: str, *, zero: bool = False) -> float:
    value = float(text)
    if not math.isfinite(value) or value < 0 or (value == 0 and not zero):
        raise ValueError
    return value


def _share(text: str) -> float:
    value = _positive(text)
    if value > 1:
        raise ValueError
    return value


def _count(text: str) -> int:
    value = int(text)
    if value < 1:
        raise ValueError
    return value


_OPTIONS: dict[str, _Option] = {
    "api": _Option(read=lambda text: {"api": text}, wants="a wire family such as openai-chat"),
    "base_url": _Option(read=_url, wants="an http(s) address without credentials in it"),
    "key": _Option(read=_variable, wants="the NAME of the environment variable that holds the key"),
    "weights": _Option(read=lambda text: {"weights": text}, wants="a name for the checkpoint"),
    "price": _Option(read=_price, wants="free, or dollars per million input/output tokens such as 0.15/0.60"),
    "rpm": _Option(read=lambda text: {"rpm": _count(text)}, wants="requests a minute, a whole number from 1"),
    "tpm": _Option(read=lambda text: {"tpm": _count(text)}, wants="tokens a minute, a whole number from 1"),
    "n": _Option(read=lambda text: {"n": _count(text)}, wants="draws a call, a whole number from 1"),
    "prefill": _Option(read=lambda text: {"prefill": Prefill(text)}, wants=f"one of {', '.join(Prefill)}"),
    "think": _Option(read=lambda text: {"think": Think(text)}, wants=f"one of {', '.join(Think)}"),
    "batch": _Option(
        read=lambda text: {"batch": _share(text)},
        wants="the share of the price that its batch API takes, above 0 and up to 1, such as 0.5",
    ),
    "timeout_s": _Option(read=lambda text: {"timeout_s": _positive(text)}, wants="seconds above 0"),
}
