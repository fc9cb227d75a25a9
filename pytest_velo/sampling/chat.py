"""Conversations of a body: several turns with one model, and the tools that it calls on the way."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Sequence
from copy import copy
from typing import Any, ClassVar, Protocol, Self

from pytest_velo.errors import BodyError, InvalidTrial, ToolError, tell
from pytest_velo.media import Media, MediaFile
from pytest_velo.records import JsonObject, Reply, ToolResult
from pytest_velo.sampling.pending import Pending
from pytest_velo.sampling.scope import current
from pytest_velo.sampling.tools import Function, Ready, Toolbox
from pytest_velo.settings import Api

Said = str | Reply | Media | MediaFile | Sequence[str | Media | MediaFile]
"""What a turn of the user's may be."""

MAX_TURNS = 8


class _Model(Protocol):
    """What a conversation needs of its model, of either kind."""

    def __call__(self, *args: Any, **options: Any) -> Any: ...

    def _api(self) -> str: ...


class _Conversation:
    """The turns so far.

    Attributes:
        messages: They, as neutral messages; yours to read and to change between two turns.
        tool_results: What the tools gave so far, in the order of the calls.
    """

    _stays_here: ClassVar[str] = "a conversation"

    def __init__(self, model: _Model, system: str | None, defaults: dict[str, Any]) -> None:
        self.messages: list[JsonObject] = [] if system is None else [{"role": "system", "content": system}]
        self.tool_results: list[ToolResult] = []
        self._model = model
        self._defaults = defaults

    def _new(self, prompt: Said | None) -> list[JsonObject]:
        """Return what a prompt adds; without one, there must be something to answer."""
        if prompt is not None:
            return [{"role": "user", "content": _said(prompt)}]
        if not self.messages or self.messages[-1]["role"] not in ("user", "tool"):
            raise tell(BodyError("the conversation has nothing to answer", fix='chat("…")'))
        return []

    def _keep(self, new: list[JsonObject], reply: Reply) -> Reply:
        self.messages += [*new, reply.message]
        return reply

    def _toolbox(self, tools: Sequence[Function | JsonObject], max_turns: int) -> Toolbox:
        if isinstance(max_turns, bool) or not isinstance(max_turns, int) or max_turns < 1:
            what = f"max_turns= must be a whole number from 1, got {max_turns!r}"
            raise tell(BodyError(what, fix="max_turns=8"))
        if self._model._api() == Api.LOCAL:
            raise tell(
                BodyError(
                    "the embedded model cannot call tools: its prompt format has no place for them",
                    fix="use another model, or describe the tools in the prompt and read the reply yourself",
                )
            )
        return Toolbox(tools)

    def _answer(self, result: ToolResult) -> None:
        """Keep what a tool gave, for the model's next turn."""
        marked = result.failed and self._model._api() == Api.ANTHROPIC  # the one API with a mark for it
        self.tool_results.append(result)
        self.messages.append({**result.message, **({"is_error": True} if marked else {})})

    def fork(self, *, at: int, edit: str | Callable[[str], str] | None = None) -> Self:
        """Return a conversation of its own that begins like this one, up to one of its messages.

        No model is asked. To go on, give the fork a prompt; or none, if its last message is to be answered.

        Args:
            at: The place of the message in `messages`, from 0, or from the end if negative.
            edit: What it says in the fork: a text, or a function of its text. Without one it is left out. An
                edited turn of the model's loses its `blocks`, which an API would refuse beside another text.

        Raises:
            BodyError: There is no such message, or it is not text.
        """
        if (
            isinstance(at, bool)
            or not isinstance(at, int)
            or not -len(self.messages) <= at < len(self.messages)
        ):
            n = len(self.messages)
            what = f"the conversation has {n} messages, and at={at!r} names none"
            raise tell(BodyError(what, fix=f"at= is a whole number from {-n} to {n - 1}"))
        place = at % len(self.messages)
        twin = copy(self)
        twin.messages = self.messages[:place]
        if edit is not None:
            twin.messages.append(_edited(self.messages[place], edit))
        n_results = sum(message["role"] == "tool" for message in self.messages[:place])
        twin.tool_results = self.tool_results[:n_results]
        return twin

    def _options(self, options: dict[str, Any], box: Toolbox) -> dict[str, Any]:
        return {**self._defaults, **options, "tools": box.definitions}


def _said(prompt: Said) -> Any:
    return prompt.text if isinstance(prompt, Reply) else prompt


def _edited(message: JsonObject, edit: str | Callable[[str], str]) -> JsonObject:
    content = message.get("content")
    if callable(edit) and not isinstance(content, str):
        raise tell(BodyError("the message is not a text that edit= can change", fix='edit="…"'))
    new = edit(content) if callable(edit) else edit  # type: ignore[arg-type]
    if not isinstance(new, str):
        raise tell(BodyError(f"edit= must give a text, got {new!r}", fix='edit="…"'))
    kept = {name: value for name, value in message.items() if name != "blocks"}
    return {**kept, "content": new}


def _unfinished(reply: Reply, max_turns: int, allow_unfinished: bool) -> Reply:
    """Return a last reply that still calls tools, if that counts."""
    if allow_unfinished:
        return reply
    why = (
        f"the model still called tools in turn {max_turns}, the last one (give more max_turns, or"
        " allow_unfinished=True)"
    )
    current("chat.run(...)").invalidate(why)
    raise InvalidTrial(why)


class AsyncChat(_Conversation):
    """Several turns: `chat = model.chat(); await chat("…"); await chat("…")`.

    Attributes:
        messages: The turns so far, as neutral messages.
        tool_results: What the tools of `run` gave so far.

    Example:
        ```python
        import pytest
        from pytest_velo import rate, scripted


        def gives_in(request):
            return "Sorry, it is 5." if "sure" in request.messages[-1]["content"] else "It is 4."


        # The belief is wrong: it ends refuted.
        @pytest.mark.hypothesis(rate >= 0.9, models=[scripted("weak", gives_in)])
        async def test_it_stands_by_its_answer(model):
            "Asked whether it is sure, the model stands by its answer."
            chat = model.chat(system="You are a teacher.")
            await chat("What is 2 + 2?")
            reply = await chat("Are you sure?")
            return reply.answers("4")
        ```
    """

    def __call__(self, prompt: Said | None = None, **options: Any) -> Pending[Reply]:
        """Send `prompt` and return the reply; both are kept for the next turn.

        Without a prompt the model answers the last message as it stands.
        """
        new = self._new(prompt)
        call = self._model([*self.messages, *new], **{**self._defaults, **options})

        async def turn() -> Reply:
            return self._keep(new, await call)

        return Pending("chat(...)", turn)

    def run(
        self,
        prompt: Said | None = None,
        *,
        tools: Sequence[Function | JsonObject],
        max_turns: int = MAX_TURNS,
        allow_unfinished: bool = False,
        **options: Any,
    ) -> Pending[Reply]:
        """Send `prompt`, call the tools that the model asks for, and return its first reply without a call.

        The calls of one reply are made one after another, in its order. An `async def` tool runs on the loop,
        a plain one in a thread, so that others go on.

        Args:
            prompt: The next message; without one the model answers the last message as it stands.
            tools: Functions with types; the model is told their names, docstrings and parameters.
            max_turns: Most replies of the model, from 1.
            allow_unfinished: If the last of them still calls tools, it is returned and no tool is called; by
                default it makes the trial invalid.
            **options: Keywords for every turn's call.

        Raises:
            BodyError: A tool cannot be offered, or gave what has no JSON form.
            InvalidTrial: `max_turns` were not enough, or a reply does not count.
        """
        box = self._toolbox(tools, max_turns)
        new = self._new(prompt)
        settled = self._options(options, box)
        first = self._model([*self.messages, *new], **settled)

        async def turns() -> Reply:
            reply = self._keep(new, await first)
            for _ in range(max_turns - 1):
                if not reply.tool_calls:
                    return reply
                for call in reply.tool_calls:
                    self._answer(await _run(box.open(call)))
                reply = self._keep([], await self._model(self.messages, **settled))
            return _unfinished(reply, max_turns, allow_unfinished) if reply.tool_calls else reply

        return Pending("chat.run(...)", turns)


async def _run(opened: Ready | ToolResult) -> ToolResult:
    if isinstance(opened, ToolResult):
        return opened
    try:
        if inspect.iscoroutinefunction(opened.function):
            return opened.result(await opened.run())
        value = await current("chat.run(...)").apart(opened.run)
        return opened.result(await value if inspect.isawaitable(value) else value)
    except ToolError as error:
        return opened.error(error)


class Chat(_Conversation):
    """Several turns in a plain body: `chat = model.chat(); chat("…"); chat("…")`.

    Attributes:
        messages: The turns so far, as neutral messages.
        tool_results: What the tools of `run` gave so far.

    Example:
        ```python
        import pytest
        from pytest_velo import rate, scripted


        def recalls(request):
            told = any("Ada" in message["content"] for message in request.messages)
            return "You are Ada." if told else "Who are you?"


        @pytest.mark.hypothesis(rate >= 0.9, models=[scripted("recalls", recalls)])
        def test_it_remembers_the_name(model):
            "Told a name, the model knows it a turn later."
            chat = model.chat()
            chat("My name is Ada.")
            return chat("What is my name?").answers("Ada")
        ```
    """

    def __call__(self, prompt: Said | None = None, **options: Any) -> Reply:
        """Send `prompt` and return the reply; arguments as in `AsyncChat`."""
        new = self._new(prompt)
        return self._keep(new, self._model([*self.messages, *new], **{**self._defaults, **options}))

    def run(
        self,
        prompt: Said | None = None,
        *,
        tools: Sequence[Function | JsonObject],
        max_turns: int = MAX_TURNS,
        allow_unfinished: bool = False,
        **options: Any,
    ) -> Reply:
        """Send `prompt` and call tools; arguments and errors as in `AsyncChat`.

        A plain tool runs here, in the body's thread, an `async def` one on the sampling loop.
        """
        box = self._toolbox(tools, max_turns)
        settled = self._options(options, box)
        new = self._new(prompt)
        reply = self._keep(new, self._model([*self.messages, *new], **settled))
        for _ in range(max_turns - 1):
            if not reply.tool_calls:
                return reply
            for call in reply.tool_calls:
                self._answer(_run_here(box.open(call)))
            reply = self._keep([], self._model(self.messages, **settled))
        return _unfinished(reply, max_turns, allow_unfinished) if reply.tool_calls else reply


def _run_here(opened: Ready | ToolResult) -> ToolResult:
    if isinstance(opened, ToolResult):
        return opened
    try:
        value = opened.run()
        if inspect.isawaitable(value):
            block = current("chat.run(...)").block
            assert block is not None  # a plain body has one
            value = block(_awaited(value))
        return opened.result(value)
    except ToolError as error:
        return opened.error(error)


async def _awaited(value: Awaitable[Any]) -> Any:
    return await value
