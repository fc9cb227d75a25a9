"""Slips with replies and calls that would give an outcome, each an error that says what to write."""

from __future__ import annotations

import asyncio

import pytest

from pytest_velo import rate, scripted
from pytest_velo.errors import BodyError
from pytest_velo.providers.endpoints import parse_endpoint
from pytest_velo.providers.registry import Target, resolve
from pytest_velo.records import Reply
from pytest_velo.sampling.model import AsyncModel

MODEL = AsyncModel(resolve(scripted("misused", ["yes."])))


@pytest.mark.parametrize("options", [(), ("",), ("yes", " "), (5,), (["yes"],), (None,)])
def test_what_every_reply_or_none_would_answer_is_no_question(options) -> None:
    """An empty cell of a CSV file is in every reply: `answers("")` was True."""
    with pytest.raises(BodyError, match="takes the strings to look for"):
        Reply(text="yes.").answers(*options)


@pytest.mark.parametrize(
    "use",
    [
        lambda call: call >= 5,
        lambda call: call < 5,
        lambda call: call + 1,
        lambda call: "a" + call,
        lambda call: float(call),
        lambda call: f"{call}",
    ],
)
def test_an_unawaited_call_in_a_comparison_or_a_sum_says_so(make_hypothesis, sample, use) -> None:
    async def body(case, arm, trial):
        return bool(use(MODEL("q")))

    run = asyncio.run(sample(make_hypothesis(body, rate >= 0.5)))
    assert isinstance(run.error, BodyError)
    assert "without await" in run.error.what


@pytest.mark.parametrize("prompt", [[{"content": "x"}], ["x"], [], 5, None, {"role": "user"}])
def test_what_is_no_prompt_is_refused_before_it_is_sent(make_hypothesis, sample, prompt) -> None:
    async def body(case, arm, trial):
        return (await MODEL(prompt)).answers("yes")

    run = asyncio.run(sample(make_hypothesis(body, rate >= 0.5)))
    assert isinstance(run.error, BodyError)
    assert "a prompt must be a text or a list of messages" in run.error.what


@pytest.mark.parametrize(
    ("options", "what", "fix"),
    [
        ({"temprature": 0.5}, "no keyword `temprature`", "'temperature'"),
        ({"max_token": 5}, "no keyword `max_token`", "'max_tokens'"),
        ({"sytem": "Be brief."}, "no keyword `sytem`", "'system'"),
    ],
)
def test_a_keyword_that_a_server_may_ignore_is_refused(make_hypothesis, sample, options, what, fix) -> None:
    async def body(case, arm, trial):
        return (await MODEL("q", **options)).answers("yes")

    run = asyncio.run(sample(make_hypothesis(body, rate >= 0.5)))
    assert isinstance(run.error, BodyError)
    assert what in run.error.what
    assert fix in run.error.fix


def test_replies_that_nobody_reads_are_not_paid_for(make_hypothesis, sample) -> None:
    lab = parse_endpoint("lab: api=openai-chat base_url=http://127.0.0.1:1 price=free")
    model = AsyncModel(Target(endpoint=lab, model="m"))

    async def body(case, arm, trial):
        return (await model("q", n=3)).answers("yes")

    run = asyncio.run(sample(make_hypothesis(body, rate >= 0.5)))
    assert isinstance(run.error, BodyError)
    assert "nobody reads" in run.error.what
    assert "declare n=" in run.error.fix


def test_a_providers_own_keywords_are_its_own(make_hypothesis, sample) -> None:
    own = {"top_k": 5, "top_logprobs": 2, "stop_sequences": ["x"], "seed": 1, "tool_choice": "auto"}

    async def body(case, arm, trial):
        return (await MODEL("q", **own)).answers("yes")

    assert asyncio.run(sample(make_hypothesis(body, rate >= 0.5))).error is None
