"""Log probabilities on the wire: what each API sends, and what is said when a server leaves them out."""

from __future__ import annotations

import asyncio
from math import nan
from typing import Any

import httpx2
import pytest

from pytest_velo.errors import TransientError, UsageError
from pytest_velo.providers import anthropic_messages, local, openai_chat, openai_logprobs, openai_responses
from pytest_velo.providers.endpoints import parse_endpoint
from pytest_velo.records import JsonObject, Request, as_messages


def request(**parameters: Any) -> Request:
    return Request(api="a", endpoint="e", model="m", messages=as_messages("A or B?"), parameters=parameters)


def listed(text: str, logprob: Any, *others: tuple[str, float]) -> JsonObject:
    top = [{"token": other, "logprob": value, "bytes": None} for other, value in others]
    return {"token": text, "logprob": logprob, "bytes": None, "top_logprobs": top}


def chat_body(logprobs: Any, **message: Any) -> JsonObject:
    said = {"role": "assistant", "content": "A", **message}
    return {"choices": [{"finish_reason": "stop", "message": said, "logprobs": logprobs}]}


def responses_body(logprobs: Any, text: str = "A") -> JsonObject:
    part = {"type": "output_text", "text": text, "annotations": [], "logprobs": logprobs}
    return {"status": "completed", "output": [{"type": "message", "role": "assistant", "content": [part]}]}


TOKEN = listed("A", -0.5, ("A", -0.5), ("B", -1.5))


def test_what_is_sent_for_them() -> None:
    asked = request(logprobs=3)
    chat = openai_chat.to_wire(asked, None)
    assert (chat["logprobs"], chat["top_logprobs"]) == (True, 3)
    responses = openai_responses.to_wire(asked, None)
    assert responses["top_logprobs"] == 3
    assert responses["include"] == ["message.output_text.logprobs"]
    embedded = local.to_wire(asked, None)
    assert (embedded["logprobs"], embedded["top_logprobs"]) == (True, 3)
    for to_wire in (openai_chat.to_wire, openai_responses.to_wire, local.to_wire):
        assert not any("logprobs" in name for name in to_wire(request(), None))


def test_the_embedded_server_gives_nothing_at_all_when_it_is_asked_for_no_alternative() -> None:
    assert openai_chat.to_wire(request(logprobs=0), None)["top_logprobs"] == 0
    assert local.to_wire(request(logprobs=0), None)["top_logprobs"] == 1


def test_probabilities_after_sampling_are_refused_by_the_embedded_model() -> None:
    with pytest.raises(UsageError, match="left after its filters") as caught:
        local.to_wire(request(logprobs=3, post_sampling_probs=True), None)
    assert (caught.value.where, caught.value.fix) == (
        "model local/m",
        "leave it out: logprobs= alone gives the model's own",
    )
    assert local.to_wire(request(post_sampling_probs=True), None)["post_sampling_probs"] is True


def test_anthropic_refuses_them_before_any_call() -> None:
    with pytest.raises(UsageError, match="gives no log probabilities") as caught:
        anthropic_messages.to_wire(request(logprobs=0), None)
    assert caught.value.where == "model m"
    assert "claim a rate" in caught.value.fix


@pytest.mark.parametrize(
    "reply",
    [
        openai_chat.from_wire(chat_body({"content": [TOKEN]}), request(logprobs=2), 0.1),
        openai_responses.from_wire(responses_body([TOKEN]), request(logprobs=2), 0.1),
        local.from_wire(chat_body({"content": [TOKEN]}), request(logprobs=2), 0.1),
    ],
    ids=["chat", "responses", "local"],
)
def test_the_alternatives_arrive_in_their_order(reply: Any) -> None:
    assert [(token.token, token.logprob, dict(token.top)) for token in reply.logprobs] == [
        ("A", -0.5, {"A": -0.5, "B": -1.5})
    ]
    assert list(reply.logprobs[0].top) == ["A", "B"]
    assert "logprobs" not in reply.not_honoured
    assert reply.prob("B", max_hidden=0.3).missing == pytest.approx(0.17034, abs=1e-5)


def test_parts_of_a_character_with_one_text_leave_the_most_probable() -> None:
    token = listed("\ufffd", -1.0, ("\ufffd", -1.0), ("\ufffd", -3.0), ("B", -4.0))
    (read,) = openai_logprobs.read_logprobs([token])
    assert read.top == {"\ufffd": -1.0, "B": -4.0}


def test_a_refusal_has_the_tokens_of_its_own_text() -> None:
    refused = chat_body({"content": None, "refusal": [TOKEN]}, content=None, refusal="A")
    reply = openai_chat.from_wire(refused, request(logprobs=2), 0.1)
    assert reply.refused
    assert reply.logprobs[0].token == "A"


@pytest.mark.parametrize("missing", [None, {}, {"content": None}, {"content": []}])
def test_a_chat_server_that_drops_them_is_on_record(missing: Any) -> None:
    assert openai_chat.from_wire(chat_body(missing), request(logprobs=2), 0.1).not_honoured == ("logprobs",)
    assert openai_chat.from_wire(chat_body(missing), request(), 0.1).not_honoured == ()
    dropped = local.from_wire(chat_body(missing), request(logprobs=2, effort="low"), 0.1)
    assert dropped.not_honoured == ("effort", "logprobs")


@pytest.mark.parametrize("text", ["\ufffd", "\u663d"])
def test_a_character_of_several_tokens_is_no_sign_of_a_server_that_drops_them(text: str) -> None:
    reply = openai_chat.from_wire(chat_body(None, content=text), request(logprobs=2), 0.1)
    assert reply.not_honoured == ()


def from_llama(n_tokens: int, *texts: str, ids: bool = True) -> list[str]:
    """Return the tokens that are read of a body that lists these and counts so many."""
    content = [{**listed(text, -0.5), **({"id": 7} if ids else {})} for text in texts]
    body = {**chat_body({"content": content}), "usage": {"completion_tokens": n_tokens}}
    return [token.token for token in openai_chat.from_wire(body, request(logprobs=1), 0.1).logprobs]


def test_llama_cpp_lists_the_tokens_of_one_character_as_one_with_the_numbers_of_the_last() -> None:
    assert from_llama(3, "\u663d", "mag", "an") == ["\u663d", "mag", "an"]
    assert from_llama(4, "\u663d", "mag", "an") == []
    assert from_llama(4, "RR", "\ufffdaked", "Like") == ["RR"]
    assert from_llama(4, "You", " Dar", "b") == ["You", " Dar", "b"]  # the last, a part, was left out
    assert from_llama(4, "\u663d", "mag", "an", ids=False) == ["\u663d", "mag", "an"]  # another server's


def test_a_responses_server_that_drops_them_is_on_record() -> None:
    asked = request(logprobs=2, stop="\n")
    dropped = openai_responses.from_wire(responses_body([]), asked, 0.1)
    assert dropped.not_honoured == ("seed", "stop", "logprobs")


def test_an_answer_without_text_has_none_to_drop() -> None:
    assert openai_chat.from_wire(chat_body(None, content=""), request(logprobs=2), 0.1).not_honoured == ()
    assert openai_responses.from_wire(responses_body([], ""), request(logprobs=2), 0.1).not_honoured == (
        "seed",
    )


@pytest.mark.parametrize("value", [None, "-0.5", nan])
def test_what_is_no_number_is_no_reply(value: Any) -> None:
    """It could not be stored, and an attempt that ends in garbage is made again."""

    def answer(_request: httpx2.Request) -> httpx2.Response:
        body = chat_body({"content": [listed("A", -0.5, ("A", 0.25))]})
        text = httpx2.Response(200, json=body).text.replace("0.25", "NaN" if value is nan else repr(value))
        return httpx2.Response(200, text=text.replace("None", "null").replace("'", '"'))

    async def run() -> None:
        endpoint = parse_endpoint("there: api=openai-chat base_url=http://127.0.0.1:1/v1")
        client = httpx2.AsyncClient(transport=httpx2.MockTransport(answer))
        await openai_chat.open_chat(endpoint, slots=1, http_client=client).complete(request(logprobs=1), 1)

    with pytest.raises(TransientError) as caught:
        asyncio.run(run())
    assert caught.value.kind == "garbage"
