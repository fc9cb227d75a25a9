"""Scripted models: replies from a function, a list or a file, for tests and for stubs of side models."""

from __future__ import annotations

import asyncio
import inspect
import json
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pytest_velo.errors import UsageError, nearest
from pytest_velo.providers.prefill import continued
from pytest_velo.providers.wire import parsed_answer
from pytest_velo.records import FinishReason, Reply, Request, ToolCall
from pytest_velo.settings import STUB

Answer = str | Reply | ToolCall | Sequence[ToolCall]
Script = (
    Callable[[Request, random.Random], Answer | Awaitable[Answer]]
    | Callable[[Request], Answer | Awaitable[Answer]]
    | Sequence[str]
    | Path
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Registered:
    """A script: `replies` as they were given, `answer` what they answer."""

    answer: Callable[[Request, random.Random], Answer | Awaitable[Answer]]
    latency_s: float
    replies: Any = None


_SCRIPTS: dict[str, _Registered] = {}


def scripted(name: str, replies: Script, *, latency_s: float = 0.0) -> str:
    """Register the model `scripted/<name>` and return that id.

    A scripted reply is computed on every run and never cached: a stored one would outlive an edit of the
    function that made it, and the test would keep judging code that no longer exists.

    Args:
        name: The model's name. Registering a name again replaces it, as when a module is reloaded.
        replies: A function of the request, or of the request and a `random.Random` seeded for this draw,
            plain or `async`, that returns a text, a `ToolCall` or a list of them, or a whole `Reply`; or a
            list of texts, or a JSONL file of `{"text": ...}` lines, from which each draw takes one at random,
            by its seed.
        latency_s: How long each reply takes, in seconds, >= 0.

    Returns:
        The model id.

    Raises:
        UsageError: The replies are empty or of a wrong type, or the name or the latency is invalid.

    Examples:
        >>> scripted("coin", ["heads", "tails"])
        'scripted/coin'
    """
    where = f"scripted({name!r}, ...)"
    if not name or name != name.strip():
        raise UsageError("a scripted model needs a name", where=where, fix='scripted("parrot", replies)')
    if not 0 <= latency_s < float("inf"):
        raise UsageError(
            f"`latency_s` must be >= 0 and finite, got {latency_s!r}", where=where, fix="latency_s=0.05"
        )
    _SCRIPTS[name] = _Registered(answer=_as_function(replies, where), latency_s=latency_s, replies=replies)
    return f"scripted/{name}"


def register(name: str, replies: Script, where: str) -> None:
    """Register replies under a name as `scripted` does; `where` says whose they are, for errors."""
    _SCRIPTS[name] = _Registered(answer=_as_function(replies, where), latency_s=0.0, replies=replies)


def script_name(endpoint: str, model: str) -> str:
    """Return what a model's script is registered under: a stub's name belongs to no scripted model."""
    return f"{STUB}/{model}" if endpoint == STUB else model


def find_script(name: str) -> _Registered:
    """Return what is registered under `name`.

    Raises:
        UsageError: Nothing is registered; the message names the nearest.

    Examples:
        >>> _ = scripted("penny", ["heads"], latency_s=0.05)
        >>> script = find_script("penny")
        >>> asked = Request(api="scripted", endpoint="scripted", model="penny", messages=())
        >>> script.latency_s, script.answer(asked, random.Random(0))
        (0.05, 'heads')
    """
    if name in _SCRIPTS:
        return _SCRIPTS[name]
    if name.startswith(f"{STUB}/"):
        raise UsageError(f"no stub has the model id {name}", fix='models=[stub("yes", "no key yet")]')
    known = [other for other in _SCRIPTS if not other.startswith(f"{STUB}/")]
    hint = f"{nearest(name, known)}; or " if known else ""
    raise UsageError(
        f"no replies are registered for the model scripted/{name}",
        fix=f"{hint}register them where the test is collected: scripted({name!r}, replies)",
    )


def _as_function(replies: Script, where: str) -> Callable[[Request, random.Random], Any]:
    """Return any kind of script as a function of the request and a seeded `random.Random`."""
    if isinstance(replies, Path):
        return _choice(_read_lines(replies, where), where)
    if callable(replies):
        return _called(replies)
    if isinstance(replies, Sequence) and not isinstance(replies, str | bytes):
        return _choice(replies, where)
    raise UsageError(
        f"replies must be a function, a list of texts or a Path, got {type(replies).__name__}",
        where=where,
        fix='scripted("parrot", ["yes", "no"])',
    )


def _called(function: Callable[..., Any]) -> Callable[[Request, random.Random], Any]:
    """Return `function` as a function of two arguments; it may take the request alone."""
    try:
        inspect.signature(function).bind(None, None)
    except TypeError:
        return lambda request, _rng: function(request)
    except ValueError:  # a builtin without a signature
        pass
    return function


def _choice(texts: Sequence[str], where: str) -> Callable[[Request, random.Random], str]:
    if not texts or not all(isinstance(text, str) for text in texts):
        raise UsageError(
            "replies must be a list of at least one text",
            where=where,
            fix='scripted("parrot", ["yes", "no"])',
        )
    kept = tuple(texts)
    return lambda _request, rng: rng.choice(kept)


def _read_lines(path: Path, where: str) -> list[str]:
    """Return the texts of a JSONL file of `{"text": ...}` lines."""
    try:
        lines = path.read_text(encoding="utf-8-sig").split("\n")  # splitlines() breaks inside of texts, too
    except UnicodeDecodeError as error:
        raise UsageError(
            f"{path} is not UTF-8 (byte {error.start})", where=where, fix="save it as UTF-8"
        ) from None
    except OSError as error:
        raise UsageError(
            f"{path} cannot be read ({error.strerror or error})",
            where=where,
            fix='name a .jsonl file by its full path, e.g. Path(__file__).with_name("replies.jsonl")',
        ) from None
    texts: list[str] = []
    for number, line in enumerate(lines, start=1):
        if line.strip():
            try:
                texts.append(json.loads(line)["text"])
            except (ValueError, KeyError, TypeError, RecursionError):
                raise UsageError(
                    f"line {number} of {path} is not a reply", where=where, fix='{"text": "Lyon"}'
                ) from None
    return texts


def _calls(answer: Any, request: Request) -> tuple[ToolCall, ...]:
    """Return the tool calls of an answer, each with an id of its own; none if it is not a list of calls."""
    calls = [answer] if isinstance(answer, ToolCall) else answer
    if not isinstance(calls, list | tuple) or not all(isinstance(call, ToolCall) for call in calls):
        return ()
    turn = len(request.messages)
    return tuple(
        call if call.id else replace(call, id=f"call_{turn}_{number}") for number, call in enumerate(calls, 1)
    )


class ScriptedProvider:
    """Answers as the registered scripts say; it reaches no network."""

    async def complete(self, request: Request, seed: int | None) -> Reply:
        """Return the script's reply to `request`; the same request and seed get the same one."""
        script = find_script(script_name(request.endpoint, request.model))
        started = time.perf_counter()
        answer = script.answer(request, random.Random(seed or 0))
        if inspect.isawaitable(answer):
            answer = await answer
        if script.latency_s:
            await asyncio.sleep(script.latency_s)
        latency_s = time.perf_counter() - started
        if isinstance(answer, Reply):
            # What the script leaves open is filled in as a provider does it.
            parsed = parsed_answer(answer.text, request) if answer.parsed is None else answer.parsed
            taken_s = latency_s if answer.latency_s is None else answer.latency_s
            return continued(replace(answer, parsed=parsed, latency_s=taken_s), request)
        if calls := _calls(answer, request):
            return Reply(
                text="",
                tool_calls=calls,
                finish_reason=FinishReason.TOOL_CALLS,
                latency_s=latency_s,
                model_served=request.model,
            )
        if not isinstance(answer, str):
            raise UsageError(
                f"the script returned {type(answer).__name__}, not a text, a ToolCall or a Reply",
                where=f"model scripted/{request.model}",
                fix="return a str from the function given to scripted(...)",
            )
        reply = Reply(
            text=answer,
            parsed=parsed_answer(answer, request),
            latency_s=latency_s,
            model_served=request.model,
            raw={"text": answer},
        )
        return continued(reply, request)

    async def aclose(self) -> None:
        """Do nothing: there is nothing to close."""
