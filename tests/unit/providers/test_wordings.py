"""What real servers say, and what it means: whole bodies in `wire/errors.json`, by their source."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pytest_velo.errors import AccessError, RequestError, TransientError, VeloError
from pytest_velo.providers import wordings
from pytest_velo.providers.failures import Failure, inner_failure, read_failure, settle_failure
from pytest_velo.records import FinishReason, Request

WIRE = Path(__file__).parents[1] / "wire" / "errors.json"
BODIES: list[dict[str, Any]] = json.loads(WIRE.read_text(encoding="utf-8"))
OBSERVED = {"overflow": FinishReason.CONTEXT_OVERFLOW, "filtered": FinishReason.CONTENT_FILTER}
RAISED: dict[str, tuple[type[VeloError], str]] = {
    "too_large": (AccessError, "no wait helps"),
    "daily": (AccessError, "run again then"),
    "account": (AccessError, "add credit"),
    "access": (AccessError, "key variable"),
    "reply_limit": (RequestError, "give "),
    "unknown_model": (RequestError, "does not know the model 'nope'"),
    "request": (RequestError, ""),
}


def named(record: dict[str, Any]) -> str:
    return f"{record['means']}-{record['source']}-{record['status']}"


def failure_of(record: dict[str, Any]) -> Failure:
    headers, body = record.get("headers", {}), record["body"]
    if record["status"] == 200:
        inner = inner_failure(body, headers)
        assert inner is not None
        return inner
    return read_failure(record["status"], headers, body)


@pytest.mark.parametrize("record", BODIES, ids=named)
def test_an_error_is_read_by_what_it_means(record: dict[str, Any]) -> None:
    asked = Request(api="a", endpoint="e", model="nope", messages=(), parameters=record.get("sent", {}))
    failure, means = failure_of(record), record["means"]
    if means in OBSERVED:
        assert settle_failure(failure, asked, 0.1).finish_reason is OBSERVED[means]
        return
    with pytest.raises(VeloError) as caught:
        settle_failure(failure, asked, 0.1)
    error = caught.value
    assert error.where == "e, model nope"
    if isinstance(error, TransientError):
        assert error.kind == means
        if "wait_s" in record:
            assert error.retry_after_s == pytest.approx(record["wait_s"])
        return
    kind, fix = RAISED[means]
    assert type(error) is kind, f"it is read as {error!r}"
    assert fix in error.fix
    assert record.get("told", "") in f"{error.what} {error.fix}"


def test_what_a_router_passes_on_is_shown() -> None:
    (record,) = (record for record in BODIES if record["source"] == "OpenAI through a router")
    with pytest.raises(RequestError) as caught:
        settle_failure(failure_of(record), Request(api="a", endpoint="e", model="m", messages=()), 0.1)
    assert "Provider returned error: Unsupported parameter" in caught.value.what


def test_how_large_the_context_is() -> None:
    assert wordings.context_tokens("exceed context limit: 198747 + 4096 > 200000, decrease") == 200000
    assert wordings.context_tokens("the model's context length is only 4,096 tokens") == 4096
    assert wordings.context_tokens("too long") is None


def test_a_limit_is_to_blame_only_if_no_prompt_would_fit() -> None:
    text = "this model's maximum context length is 4096 tokens (3900 in the messages, 500 in the completion)"
    assert not wordings.blames_the_limit(text, 500)
    assert wordings.blames_the_limit(text, 4096)


def test_a_request_above_a_whole_minutes_limit_is_told_from_one_that_has_to_wait() -> None:
    assert wordings.exceeds_the_limit("tokens per minute (tpm): limit 6,000, requested 7,200")
    assert not wordings.exceeds_the_limit("tokens per minute (tpm): limit 6000, used 5000, requested 1200")
    assert not wordings.exceeds_the_limit("slow down")
