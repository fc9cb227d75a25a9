"""Log probabilities as OpenAI's two APIs write them, and as servers that speak these leave them out."""

from __future__ import annotations

from pytest_velo.providers.openai_logprobs import dropped_logprobs, own_logprobs, read_logprobs
from pytest_velo.records import Request, TokenLogprob


def test_own_logprobs_are_cut_at_the_end_of_the_text() -> None:
    listed = [{"id": 1, "token": "Caf", "logprob": -0.5}, {"id": 2, "token": "é", "logprob": -0.1}]
    assert len(own_logprobs(listed, 2)) == 2
    assert [token.token for token in own_logprobs(listed, 3)] == ["Caf"]


def test_read_logprobs_keeps_alternatives() -> None:
    assert read_logprobs(
        [{"token": "A", "logprob": -0.1, "top_logprobs": [{"token": "B", "logprob": -2}]}]
    ) == (TokenLogprob(token="A", logprob=-0.1, top={"B": -2.0}),)


def test_logprobs_are_dropped_only_where_there_is_text() -> None:
    asked = Request(api="", endpoint="e", model="m", messages=(), parameters={"logprobs": 5})
    assert dropped_logprobs(asked, "Paris", []) == ("logprobs",)
    assert dropped_logprobs(asked, "", []) == ()
