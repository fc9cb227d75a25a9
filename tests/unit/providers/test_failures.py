"""What an HTTP error of any provider amounts to: a reply, or one of our errors."""

from __future__ import annotations

import pytest

from pytest_velo.errors import TransientError
from pytest_velo.providers.failures import inner_status, read_failure, retry_after_s, settle_failure
from pytest_velo.records import FinishReason, Request


def test_code_and_type_are_both_codes() -> None:
    assert read_failure(400, {}, {"error": {"message": "no", "code": "x", "type": "T"}}).codes == {"x", "t"}


def test_inner_status_of_numbers_and_names() -> None:
    assert inner_status({"code": 429}) == 429
    assert inner_status({"code": "server_error"}) == 502


def test_an_overflow_is_a_reply_and_an_outage_an_error() -> None:
    asked = Request(api="openai-chat", endpoint="e", model="m", messages=())
    too_long = read_failure(400, {}, {"error": {"code": "context_length_exceeded"}})
    assert settle_failure(too_long, asked, 0.1).finish_reason == FinishReason.CONTEXT_OVERFLOW
    with pytest.raises(TransientError) as caught:
        settle_failure(read_failure(503, {}, "down for maintenance"), asked, 0.1)
    assert caught.value.where == "e, model m"
    assert caught.value.what == "HTTP 503: down for maintenance"


def test_retry_after_in_its_three_forms() -> None:
    assert retry_after_s({"retry-after": "2"}) == 2.0
    assert retry_after_s({"retry-after-ms": "250", "retry-after": "1"}) == 0.25
    assert retry_after_s({"retry-after": "Thu, 01 Jan 1970 00:01:00 GMT"}, now_s=50.0) == 10.0
    assert retry_after_s({}) is None
