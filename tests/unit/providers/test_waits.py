"""How long a server asks to wait: in headers, in fields of its error, or in words."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_velo.providers.waits import asked_in_body_s, exhausted_reset_s, in_how_long, retry_after_s

NOW = 1_700_000_000.0


def test_retry_after_in_its_three_forms() -> None:
    assert retry_after_s({"retry-after": "2"}) == 2.0
    assert retry_after_s({"retry-after-ms": "250", "retry-after": "1"}) == 0.25
    assert retry_after_s({"retry-after": "Thu, 01 Jan 1970 00:01:00 GMT"}, now_s=50.0) == 10.0
    assert retry_after_s({}) is None


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "8.64s"}, 8.64),
        ({"x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "1h2m3s"}, 3723.0),
        ({"x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "60ms"}, 0.06),
        ({"x-ratelimit-remaining-tokens": "12", "x-ratelimit-reset-tokens": "6m0s"}, None),
        ({"x-ratelimit-reset": "7"}, 7.0),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1700000030"}, 30.0),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1700000030000"}, 30.0),
        (
            {
                "anthropic-ratelimit-tokens-remaining": "0",
                "anthropic-ratelimit-tokens-reset": "2023-11-14T22:13:50Z",
                "anthropic-ratelimit-requests-remaining": "40",
                "anthropic-ratelimit-requests-reset": "2023-11-14T23:00:00Z",
            },
            30.0,
        ),
        (  # Groq counts requests by the day and tokens by the minute
            {
                "x-ratelimit-remaining-requests": "14370",
                "x-ratelimit-reset-requests": "2m59.56s",
                "x-ratelimit-remaining-tokens": "0",
                "x-ratelimit-reset-tokens": "7.66s",
            },
            7.66,
        ),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "soon"}, None),
        ({"content-type": "text/html"}, None),
    ],
)
def test_the_reset_of_a_limit_that_is_used_up(headers: dict[str, str], expected: float | None) -> None:
    assert exhausted_reset_s(headers, NOW) == (expected if expected is None else pytest.approx(expected))


@pytest.mark.parametrize(
    ("fields", "text", "expected"),
    [
        ({"details": [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "1.2s"}]}, "", 1.2),
        ({"retry_after": 4}, "", 4.0),
        ({"estimated_time": 20.5}, "", 20.5),
        (
            {"metadata": {"headers": {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1700000009000"}}},
            "",
            9.0,
        ),
        ({}, "please try again in 6ms.", 0.006),
        ({}, "please try again in 1m26.4s. need more tokens?", 86.4),
        ({}, "please retry in 59.5s.", 59.5),
        ({}, "please retry after 6 seconds.", 6.0),
        ({}, "try again in 20 seconds", 20.0),
        ({}, "please wait 2 minutes before retrying", 120.0),
        ({}, "requests per min (rpm): limit 3, used 3", None),
        ({"retry_after": None}, "slow down", None),
    ],
)
def test_a_wait_in_the_body(fields: dict[str, Any], text: str, expected: float | None) -> None:
    assert asked_in_body_s(fields, text, NOW) == (expected if expected is None else pytest.approx(expected))


def test_a_wait_in_words() -> None:
    assert in_how_long(61.0).startswith("in 61 s, at ")
    assert in_how_long(600.0).startswith("in 10 min, at ")
    assert in_how_long(7_500.0).startswith("in 2 h 5 min, at ")
    assert in_how_long(7_500.0).endswith(" UTC")
    assert in_how_long(1e30).endswith(" UTC"), "a moment that no calendar has"
