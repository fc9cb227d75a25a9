"""A loop over LiteLLM's completions, without a framework."""

from __future__ import annotations

import json
from typing import Any

import litellm
from towns import population

TOOLS = [
    {
        "type": "function",
        "function": {
            "name": "population",
            "description": population.__doc__,
            "parameters": {
                "type": "object",
                "properties": {"city": {"type": "string"}},
                "required": ["city"],
            },
        },
    }
]


def results_of(said: Any) -> list[dict[str, Any]]:
    return [
        {
            "role": "tool",
            "tool_call_id": call.id,
            "content": str(population(**json.loads(call.function.arguments))),
        }
        for call in said.tool_calls
    ]


async def ask(question: str, model: str = "openai/tiny") -> str:
    messages: list[Any] = [{"role": "user", "content": question}]
    while True:
        answer = await litellm.acompletion(model=model, messages=messages, tools=TOOLS)
        said = answer.choices[0].message
        if not said.tool_calls:
            return said.content
        messages += [said, *results_of(said)]


def ask_blocking(question: str, model: str = "openai/tiny") -> str:
    messages: list[Any] = [{"role": "user", "content": question}]
    while True:
        said = litellm.completion(model=model, messages=messages, tools=TOOLS).choices[0].message
        if not said.tool_calls:
            return said.content
        messages += [said, *results_of(said)]


async def ask_streaming(question: str, model: str = "openai/tiny") -> str:
    messages: list[Any] = [{"role": "user", "content": question}]
    while True:
        stream = await litellm.acompletion(model=model, messages=messages, tools=TOOLS, stream=True)
        answer = litellm.stream_chunk_builder([part async for part in stream], messages=messages)
        said = answer.choices[0].message
        if not said.tool_calls:
            return said.content
        messages += [said, *results_of(said)]


async def ask_claude(question: str) -> str:
    return await ask(question, "anthropic/tiny")
