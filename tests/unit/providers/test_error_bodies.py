"""Errors as the servers write them, read into one form."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pytest_velo.providers.error_bodies import inner_failure, inner_status, quoted, read_failure


def test_a_routers_error_has_the_providers_inside() -> None:
    raw = json.dumps({"error": {"message": "no such size", "code": "bad_size", "param": "size"}})
    body = {"error": {"message": "Provider returned error", "code": 400, "metadata": {"raw": raw}}}
    failure = read_failure(400, {}, body)
    assert failure.message == "Provider returned error: no such size"
    assert failure.codes >= {"400", "bad_size"}
    assert failure.param == "size"
    assert failure.body == body


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ([{"error": {"message": "in an array"}}], "in an array"),
        ({"error": "a sentence"}, "a sentence"),
        ({"message": "bare", "type": "x"}, "bare"),
        ({"detail": "FastAPI's"}, "FastAPI's"),
        ({"error": {"message": "of\n  two   lines"}}, "of two lines"),
        ({"error": {"message": "p", "metadata": {"raw": "plain text"}}}, "p: plain text"),
        ({"error": {"message": "p", "metadata": {"raw": None}}}, "p"),
        ({"error": {"message": "twice", "metadata": {"raw": '{"message": "twice"}'}}}, "twice"),
        ("down for maintenance", "down for maintenance"),
        ({"unknown": "shape"}, '{"unknown": "shape"}'),
        (None, ""),
        ("", ""),
        (["not an error"], '["not an error"]'),
    ],
)
def test_what_a_body_says(body: Any, message: str) -> None:
    assert read_failure(500, {}, body).message == message


def test_an_error_nested_without_end_is_read_to_a_depth() -> None:
    body: Any = {"message": "the innermost"}
    for depth in range(50):
        body = {"error": {"message": f"layer {depth}", "metadata": {"raw": json.dumps(body)}}}
        if depth > 5:
            break
    assert "the innermost" not in read_failure(400, {}, body).message


def test_a_200_without_an_error_reports_none() -> None:
    for body in (
        {"choices": []},
        {"error": None},
        {"error": {}},
        {"base_resp": {"status_code": 0}},
        [1],
        "x",
    ):
        assert inner_failure(body, {}) is None


def test_a_reply_that_mentions_an_error_is_a_reply() -> None:
    assert inner_failure({"error": "none", "choices": [{"message": {}}]}, {}) is None


def test_the_status_of_an_error_inside_a_200() -> None:
    assert inner_status({"code": "429"}) == 429
    assert inner_status({"type": "rate_limit_exceeded"}) == 429
    assert inner_status({"message": "no more"}) == 200


def test_a_quotation_is_one_short_line() -> None:
    assert quoted("<html>\n  <title>x</title>") == "<html> <title>x</title>"
    assert len(quoted("x" * 10**6)) < 130
    assert quoted({"a": 1}) == '{"a": 1}'
