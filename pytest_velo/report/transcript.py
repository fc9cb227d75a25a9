"""Trials and their calls as JSON: a pair of pure functions each, with an allow-list of fields.

What is not named here is not written: provider blocks, the provider's raw reply, headers, contents of images.
A number that JSON cannot hold (an infinite log e-value) is written as text.
"""

from __future__ import annotations

from typing import Any

from pytest_velo.plain import case_to_json, message_to_json, plain
from pytest_velo.plain import number_to_json as number_to_json
from pytest_velo.records import (
    Address,
    Call,
    FinishReason,
    JsonObject,
    OutcomeKind,
    Reply,
    Request,
    ToolCall,
    TrialRecord,
    Usage,
)

# Parameters a reader needs to judge a reply. Others (extra headers, bodies) may carry a key.
_PARAMETERS = ("temperature", "top_p", "max_tokens", "effort", "stop", "logprobs")
_REPLY = ("text", "reasoning", "refused", "cost_usd", "latency_s", "model_served", "fingerprint", "cached")
_USAGE = ("input_tokens", "output_tokens", "reasoning_tokens", "cached_input_tokens")


def number_from_json(value: float | str | None) -> float | None:
    """Undo `number_to_json`.

    Raises:
        ValueError: The text is not a number.
    """
    return float(value) if isinstance(value, str) else value


def trial_to_json(node_id: str, trial: TrialRecord) -> dict[str, Any]:
    """Return one line of the record of trials; `node_id` comes first, which readers rely on.

    It has only plain values, whatever the body sent and the model answered; see the module docstring.
    """
    return {
        "node_id": node_id,
        "index": trial.index,
        "case_id": trial.case_id,
        "repeat": trial.repeat,
        "seed": trial.seed,
        "arm": trial.arm,
        "unit": trial.unit,
        "unit_size": trial.unit_size,
        "kind": trial.kind.value,
        "values": {name: number_to_json(value) for name, value in trial.values.items()},
        "detail": trial.detail,
        "location": trial.location,
        **({"rung": trial.rung} if trial.rung else {}),
        **({"target": trial.target} if trial.target else {}),
        **({} if trial.case is None else {"case": case_to_json(trial.case)}),
        "notes": list(trial.notes),
        "calls": [_call_to_json(call) for call in trial.calls],
    }


def trial_from_json(data: JsonObject) -> TrialRecord:
    """Undo `trial_to_json`, except for the node id.

    Raises:
        KeyError, TypeError, ValueError: A field is missing or has an invalid value.
    """
    return TrialRecord(
        index=data["index"],
        case_id=data["case_id"],
        repeat=data["repeat"],
        seed=data["seed"],
        arm=data["arm"],
        unit=data.get("unit"),  # older records lack it
        unit_size=data.get("unit_size"),
        kind=OutcomeKind(data["kind"]),
        values={name: float(value) for name, value in data["values"].items()},
        detail=data["detail"],
        location=data["location"],
        rung=data.get("rung", ""),
        target=_target(data.get("target", "")),
        case=data.get("case"),  # older records lack it
        notes=tuple(data["notes"]),
        calls=tuple(map(_call_from_json, data["calls"])),
    )


def _target(value: Any) -> str | tuple[str, ...]:
    return value if isinstance(value, str) else tuple(value)


def _call_to_json(call: Call) -> dict[str, Any]:
    """Return one model call: what was sent, what came back, and the address of the draw."""
    reply = call.reply
    address = call.address
    return {
        "model": call.model,
        **({"speaker": call.speaker} if call.speaker else {}),
        **({"may_be_cut": True} if call.may_be_cut else {}),
        "address": {
            "key": address.key,
            "seed": address.seed,
            "stream": address.stream,
            "slot": address.slot,
        },
        "messages": [message_to_json(message) for message in call.request.messages],
        "parameters": {
            name: plain(call.request.parameters[name])
            for name in _PARAMETERS
            if name in call.request.parameters
        },
        **{name: plain(getattr(reply, name)) for name in _REPLY},
        **({"prefill": reply.prefill} if reply.prefill else {}),
        "finish_reason": reply.finish_reason.value,
        "tool_calls": [
            {
                "id": tool.id,
                "name": tool.name,
                "arguments": plain(tool.arguments),
                "text": tool.arguments_text,
            }
            for tool in reply.tool_calls
        ],
        "usage": {name: getattr(reply.usage, name) for name in _USAGE},
        "not_honoured": list(reply.not_honoured),
        "drawn_at": call.drawn_at,
    }


def _call_from_json(data: JsonObject) -> Call:
    """Undo `_call_to_json`; fields that were not written have their empty values."""
    return Call(
        model=data["model"],
        request=Request(
            api="",
            endpoint="",
            model=data["model"],
            messages=tuple(data["messages"]),
            parameters=dict(data["parameters"]),
        ),
        reply=Reply(
            **{name: data[name] for name in _REPLY},
            prefill=data.get("prefill", ""),
            finish_reason=FinishReason(data["finish_reason"]),
            tool_calls=tuple(
                ToolCall(
                    id=tool["id"], name=tool["name"], arguments=tool["arguments"], arguments_text=tool["text"]
                )
                for tool in data["tool_calls"]
            ),
            usage=Usage(**{name: data["usage"][name] for name in _USAGE}),
            not_honoured=tuple(data["not_honoured"]),
        ),
        address=Address(**{name: data["address"][name] for name in ("key", "seed", "stream", "slot")}),
        drawn_at=data["drawn_at"],
        speaker=data.get("speaker", ""),
        may_be_cut=data.get("may_be_cut", False),
    )
