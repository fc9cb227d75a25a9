"""A request in neutral form, and its messages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from pytest_velo.replies import JsonObject


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request to a model, in neutral form: exactly what determines what is sent.

    Attributes:
        api: The wire family: `openai-chat`, `openai-responses`, `anthropic`, `local`, `scripted`.
        endpoint: The endpoint's identity: its declared name and weights id, else host:port.
        model: The model's name as the endpoint knows it.
        messages: Neutral messages (see `pytest_velo.records`), the system prompt first as a message.
        parameters: Only what the caller set: temperature, top_p, max_tokens, effort, stop, tools
            (`[{"name", "description", "parameters": JSON schema}]`), schema (a JSON schema), logprobs
            (int: how many alternatives), and any provider parameter under its own name.
        path: Where an SDK's client posted it; its messages and parameters are then that API's own, as they
            were sent. Empty for what `model` is asked.
    """

    api: str
    endpoint: str
    model: str
    messages: tuple[JsonObject, ...]
    parameters: JsonObject = field(default_factory=dict)
    path: str = ""

    @property
    def prefill(self) -> str:
        """The text of a last message of the model's own, which the reply continues; empty without one.

        >>> begun = {"role": "assistant", "content": "It is"}
        >>> Request(api="a", endpoint="e", model="m", messages=(begun,)).prefill
        'It is'
        """
        last = self.messages[-1] if self.messages else {}
        if last.get("role") != "assistant" or last.get("tool_calls"):
            return ""
        content = last.get("content") or ""
        if isinstance(content, str):
            return content
        texts = (part.get("text") for part in content if part.get("type") == "text")
        return "".join(text for text in texts if isinstance(text, str))


def as_messages(prompt: str | Sequence[JsonObject], system: str | None = None) -> tuple[JsonObject, ...]:
    """Return neutral messages for a prompt string or a list of messages, the system prompt first.

    >>> [message["role"] for message in as_messages("Hi", "Be brief.")]
    ['system', 'user']
    >>> as_messages([{"role": "user", "content": "Hi"}]) == as_messages("Hi")
    True
    """
    head: tuple[JsonObject, ...] = () if system is None else ({"role": "system", "content": system},)
    body = (
        ({"role": "user", "content": prompt},) if isinstance(prompt, str) else tuple(dict(m) for m in prompt)
    )
    return head + body
