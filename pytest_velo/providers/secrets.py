"""What must never be shown or stored: keys, and how a server may give them back.

A server echoes what it was sent in any form: escaped for JSON, HTML or an address, in base64 or hexadecimal,
within a longer text, or in pieces over several fields. So a body is searched after it is decoded, all of its
texts together.
"""

from __future__ import annotations

import logging
import os
import re
from base64 import b64encode
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from typing import Any
from urllib.parse import unquote, urlsplit

from pytest_velo.settings import Endpoint

STRUCK = "***"

_Span = tuple[int, int]
_Texts = list[tuple[str | None, str]]
"""The texts of a JSON value: what each is under, and itself. Names are under None."""

_MIN_CHARS = 6  # a shorter value is struck from errors where it stands alone, and never from a reply
_SURE_CHARS = 12
_MIN_CORE_CHARS = 8
_HEAD_CHARS = 128
_ANY_CHARACTER = r"%(?:25)*[0-9A-Fa-f]{2}|\\+(?:u[0-9A-Fa-f]{4}|x[0-9A-Fa-f]{2}|.)|&#?\w+;|[\s\S]"
"""Of a secret, escaped or not."""
_TELLING = re.compile(r"key|token|auth|secret|cookie|passw|session|signature|credential", re.IGNORECASE)
_BREAK = -1
_ESCAPED = re.compile(r"%[0-9A-Fa-f]{2}|\\(?:u00|x|[^\w\s])|&(?:#|[a-z]+;)")
_NAMED_ENTITIES = {"&": "amp", "<": "lt", ">": "gt", '"': "quot", "'": "apos"}
_LOGGERS = (
    "httpx2",
    *(f"httpcore2.{part}" for part in ("connection", "http11", "http2", "proxy", "socks")),
    *(f"{sdk}{part}" for sdk in ("openai", "anthropic") for part in ("", "._base_client", "._response")),
    *(f"{sdk}._legacy_response" for sdk in ("openai", "anthropic")),
)


class Secrets:
    """An endpoint's secrets: its key, the values of its headers, and what its address holds of that kind."""

    def __init__(self, endpoint: Endpoint, key: str | None = None) -> None:
        keys = [key] if key else []
        headers = [*endpoint.headers.items()]
        address = [*_in_address(endpoint.base_url or "")]
        sure = [*keys, *_sure_in(headers), *address]
        # A header may hold a plain word or an address; striking it out of a reply would falsify the reply.
        self._sure = _Search(secret for secret in sure if len(secret) >= _MIN_CHARS)
        self.values = tuple(sorted({*sure, *(value for _, value in headers)}))
        self._all = _Search(self.values)

    def __repr__(self) -> str:
        return "Secrets(...)"

    def strike(self, body: Any, *, is_reply: bool) -> Any:
        """Return decoded JSON, or a text, with every secret in it struck out.

        The log probabilities of a reply go, too, if it holds one: their tokens are its pieces.
        """
        search = self._sure if is_reply else self._all
        texts: _Texts = []
        _collect(body, "", texts)
        spans = _spans(texts, search)
        if not spans:
            return body
        places = iter(range(len(texts)))
        return _rebuilt(body, lambda text: _masked(text, spans.get(next(places), ())))

    def strike_text(self, text: str) -> str:
        """Return a text of any kind with every secret struck out."""
        return _masked(text, self._all.spans(text))


class _Search:
    """Finds secrets in a text, however they are written there."""

    def __init__(self, secrets: Iterable[str]) -> None:
        # The longest first: one may be a part of another.
        found = sorted({secret for secret in secrets if secret}, key=len, reverse=True)
        self._plain = [secret.lower() for secret in found]
        self._cores = [core for secret in found for core in _cores(secret)]
        self._hexes = [secret.encode().hex() for secret in found if len(secret) >= _MIN_CHARS]
        self._found = found

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        """What finds them where characters are escaped; it takes long to compile and is seldom needed."""
        return re.compile("|".join(map(_loosely, self._found)) or r"(?!)")

    def spans(self, text: str) -> list[_Span]:
        """Return where secrets are."""
        lowered = text.lower()
        found = []
        if any(secret in lowered for secret in self._plain) or _is_escaped(text):
            found += [match.span() for match in self._pattern.finditer(text)]
        found += [
            match.span()
            for codes, within, flag in ((self._cores, text, re.NOFLAG), (self._hexes, lowered, re.IGNORECASE))
            for code in codes
            if code in within
            for match in re.finditer(re.escape(code), text, flag)
        ]
        return found


def _is_escaped(text: str) -> bool:
    return ("%" in text or "\\" in text or "&" in text) and _ESCAPED.search(text) is not None


class _Striking(logging.Filter):
    """Strikes secrets from log records: addresses, headers."""

    def __init__(self) -> None:
        super().__init__()
        self.guarded: dict[tuple[str, ...], Secrets] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Rewrite a record that holds a secret."""
        said = shown = record.getMessage()
        for secrets in tuple(self.guarded.values()):
            shown = secrets.strike_text(shown)
        if shown != said:
            record.msg, record.args = shown, ()
        return True


_striking = _Striking()


def guard_logs(secrets: Secrets) -> None:
    """Strike secrets from what the SDKs and their HTTP libraries log, from now on."""
    _striking.guarded[secrets.values] = secrets
    for name in _LOGGERS:
        logging.getLogger(name).addFilter(_striking)  # only once, however often


def _in_address(address: str) -> Iterator[str]:
    """Yield what looks like a secret in the path or the query of a base URL."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return
    for pair in parts.query.split("&"):
        name, _, value = pair.partition("=")
        if value and (_TELLING.search(name) or _looks_secret(value)):
            yield unquote(value)
    for segment in parts.path.split("/"):
        if _looks_secret(segment):
            yield unquote(segment)


def _sure_in(headers: Iterable[tuple[str, str]]) -> Iterator[str]:
    """Yield the values, and parts of values, of headers that could not occur in a reply by chance."""
    for name, value in headers:
        telling = _TELLING.search(name) is not None
        if "://" not in value and (telling or _looks_secret(value)):
            yield value
        for part in re.split(r"[\s;,=]+", value)[1:]:  # Bearer KEY; a=b; c=d
            if "://" not in part and (_looks_secret(part) or (telling and len(part) >= _SURE_CHARS)):
                yield part


def _looks_secret(value: str) -> bool:
    """Tell whether a value could not occur in a reply by chance."""
    return len(value) >= _SURE_CHARS and "://" not in value and any(map(str.isdigit, value))


def _cores(secret: str) -> set[str]:
    """Return what base64 makes of a secret at each of the three places where it may begin in a text.

    What depends on the characters around it is left out: it tells no more than a character of the secret.
    """
    found: set[str] = set()
    for n_before in range(3):
        coded = b64encode(b"\0" * n_before + secret.encode()).decode()
        core = coded[n_before and n_before + 1 : (n_before + len(secret.encode())) * 8 // 6]
        if len(core) >= _MIN_CORE_CHARS:
            found |= {core, core.translate(str.maketrans("+/", "-_"))}
    return found


def _loosely(secret: str) -> str:
    """Return a pattern of a secret with any of its characters escaped; a short one must stand alone."""
    head, n_more = secret[:_HEAD_CHARS], len(secret) - _HEAD_CHARS
    pattern = "".join(map(_character, head))
    if (
        n_more > 0
    ):  # the head is no accident, and a pattern of thousands of characters takes seconds to compile
        pattern += rf"(?>{_ANY_CHARACTER}){{0,{n_more}}}+"
    return pattern if len(secret) >= _MIN_CHARS else rf"(?<![^\W_]){pattern}(?![^\W_])"


def _character(character: str) -> str:
    forms = []
    for form in dict.fromkeys((character, character.lower(), character.upper())):
        if len(form) > 1:
            continue
        code = f"{ord(form):02x}"
        code = "".join(f"[{digit}{digit.upper()}]" if digit.isalpha() else digit for digit in code)
        forms += [re.escape(form) if form.isalnum() else rf"\\*{re.escape(form)}"]
        forms += [rf"%(?:25)*{code}", rf"\\+(?:u00|x){code}", rf"&#0*{ord(form)};", rf"&#[xX]0*{code};"]
        if form in _NAMED_ENTITIES:
            forms.append(f"&{_NAMED_ENTITIES[form]};")
    return f"(?:{'|'.join(forms)})"


def _collect(value: Any, name: str, texts: _Texts) -> None:
    """Append all texts of a JSON value, with the names they are under, in a fixed order."""
    if isinstance(value, str):
        texts.append((name, value))
    elif isinstance(value, dict):
        for key, item in value.items():
            texts.append((None, str(key)))
            _collect(item, key, texts)
    elif isinstance(value, list):
        for item in value:
            _collect(item, name, texts)


def _spans(texts: _Texts, search: _Search) -> dict[int, list[_Span]]:
    """Return where secrets are, by the text's number: in one, or in pieces over several."""
    named: dict[str, list[int]] = {}
    values = []
    for number, (name, _) in enumerate(texts):
        if name is not None:
            values.append(number)
            named.setdefault(name, []).append(number)
    order = [*range(len(texts)), _BREAK, *values]
    for numbers in named.values():
        if len(numbers) > 1:
            order += [_BREAK, *numbers]
    row = [*(text for _, text in texts), "\0"]  # `_BREAK` is the last one
    found = search.spans("".join([row[number] for number in order]))
    spans: dict[int, list[_Span]] = {}
    if not found:
        return spans
    begins = 0
    for number in order:
        ends = begins + len(row[number])
        for start, stop in found:
            if start < ends and stop > begins:
                span = (max(start, begins) - begins, min(stop, ends) - begins)
                spans.setdefault(number, []).append(span)
        begins = ends
    return spans


def _masked(text: str, spans: Iterable[_Span]) -> str:
    """Return a text with its parts at `spans` struck out."""
    done, parts = 0, []
    for start, stop in sorted(spans):
        if start >= done:
            parts += [text[done:start], STRUCK]
        done = max(done, stop)
    return "".join([*parts, text[done:]])


def _rebuilt(value: Any, masked: Any) -> Any:
    """Return a JSON value with its texts masked, in the order of `_collect`."""
    if isinstance(value, str):
        return masked(value)
    if isinstance(value, list):
        return [_rebuilt(item, masked) for item in value]
    if isinstance(value, dict):
        rebuilt = {}
        for key, item in value.items():
            name = masked(str(key))
            part = _rebuilt(item, masked)
            rebuilt[name] = None if key == "logprobs" else part
        return rebuilt
    return value


def is_telling(name: str) -> bool:
    """Tell whether a header's name says that its value is a secret."""
    return _TELLING.search(name) is not None


def key_of(endpoint: Endpoint, environment: Mapping[str, str] = os.environ) -> str | None:
    """Return an endpoint's key from its environment variable; None if it needs none, or has none."""
    return environment.get(endpoint.key_env or "") or None
