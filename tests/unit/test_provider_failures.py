"""HTTP errors in the many shapes that servers give them."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_velo.errors import AccessError, RequestError, TransientError, VeloError
from pytest_velo.providers.failures import read_failure, retry_after_s, settle_failure
from pytest_velo.records import FinishReason, Reply, Request

REQUEST = Request(api="openai-chat", endpoint="here", model="m", messages=(), parameters={"stop": "x"})


def settle(status: int, body: Any, headers: dict[str, str] | None = None) -> Reply:
    return settle_failure(read_failure(status, headers or {}, body), REQUEST, 0.5)


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"retry-after": "2"}, 2.0),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after": "-3"}, 0.0),
        ({"retry-after-ms": "1500", "retry-after": "9"}, 1.5),
        ({"retry-after-ms": "soon", "retry-after": "9"}, 9.0),
        ({"retry-after": "Thu, 01 Jan 1970 00:02:00 GMT"}, 20.0),
        ({"retry-after": "Thu, 01 Jan 1970 00:00:00 GMT"}, 0.0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "inf"}, None),
        ({"retry-after": ""}, None),
        ({}, None),
    ],
)
def test_how_long_to_wait(headers: dict[str, str], expected: float | None) -> None:
    assert retry_after_s(headers, now_s=100.0) == expected


@pytest.mark.parametrize(
    ("status", "body", "error", "kind"),
    [
        (408, {}, TransientError, "timeout"),
        (409, {}, TransientError, "server"),
        (425, {}, TransientError, "server"),
        (429, {}, TransientError, "rate_limit"),
        (500, "<html>", TransientError, "server"),
        (502, None, TransientError, "server"),
        (503, {"error": {"type": "overloaded_error"}}, TransientError, "overloaded"),
        (529, {}, TransientError, "overloaded"),
        (401, {}, AccessError, None),
        (402, {}, AccessError, None),
        (403, {}, AccessError, None),
        (429, {"error": {"type": "insufficient_quota"}}, AccessError, None),
        (404, {}, RequestError, None),
        (400, {}, RequestError, None),
        (422, {"detail": [{"loc": ["body"], "msg": "field required"}]}, RequestError, None),
    ],
)
def test_what_is_raised(status: int, body: Any, error: type[VeloError], kind: str | None) -> None:
    with pytest.raises(error) as caught:
        settle(status, body)
    assert type(caught.value) is error
    assert caught.value.where == "here, model m"
    assert f"HTTP {status}" in caught.value.what
    if isinstance(caught.value, TransientError):
        assert (caught.value.kind, caught.value.status) == (kind, status)
    else:
        assert caught.value.fix


@pytest.mark.parametrize(
    ("status", "body", "finish"),
    [
        (400, {"error": {"code": "content_filter"}}, FinishReason.CONTENT_FILTER),
        (
            400,
            {"error": {"innererror": {"code": "ResponsibleAIPolicyViolation"}}},
            FinishReason.CONTENT_FILTER,
        ),
        (
            403,
            {"error": {"code": 403, "metadata": {"reasons": ["violence"], "flagged_input": "..."}}},
            FinishReason.CONTENT_FILTER,
        ),
        (
            400,
            {
                "object": "error",
                "message": "This model's maximum context length is 4096 tokens.",
                "code": 400,
            },
            FinishReason.CONTEXT_OVERFLOW,
        ),
        (400, {"error": "prompt is too long"}, FinishReason.CONTEXT_OVERFLOW),
        (413, {"error": {"type": "request_too_large"}}, FinishReason.CONTEXT_OVERFLOW),
    ],
)
def test_what_depends_on_the_prompt_is_a_reply(status: int, body: Any, finish: FinishReason) -> None:
    reply = settle(status, body)
    assert (reply.text, reply.finish_reason, reply.latency_s) == ("", finish, 0.5)
    assert reply.raw["status"] == status


def test_a_server_error_that_mentions_the_context_stays_one() -> None:
    with pytest.raises(TransientError):
        settle(500, {"error": {"message": "maximum context length worker died"}})


def test_a_long_message_is_shortened() -> None:
    with pytest.raises(RequestError) as caught:
        settle(400, {"error": {"message": "x" * 10_000}})
    assert len(caught.value.what) < 600


def test_the_parameter_to_leave_out_is_named_only_where_it_was_sent() -> None:
    body = {"error": {"code": "unsupported_parameter", "param": "stop", "message": "no 'stop' here"}}
    with pytest.raises(RequestError) as caught:
        settle(400, body)
    assert "leave stop= out" in caught.value.fix
    with pytest.raises(RequestError) as caught:
        settle(400, {"error": {"code": "unsupported_parameter", "param": "top_p", "message": "no 'top_p'"}})
    assert "top_p" not in caught.value.fix
