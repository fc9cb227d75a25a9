"""Scripted models: computed, seeded, replaceable."""

from __future__ import annotations

import asyncio
import json
import random
from pathlib import Path

import pytest

from pytest_velo.errors import UsageError
from pytest_velo.providers.registry import open_provider, resolve
from pytest_velo.providers.scripted import Script, scripted
from pytest_velo.records import FinishReason, Reply, Request, as_messages


def ask(model_id: str, prompt: str = "Hi", seed: int | None = 1, **parameters: object) -> Reply:
    target = resolve(model_id)

    async def run() -> Reply:
        return await open_provider(target.endpoint, slots=1).complete(
            target.request(as_messages(prompt), parameters), seed
        )

    return asyncio.run(run())


def test_a_function_of_the_request() -> None:
    model = scripted("shout", lambda request: request.messages[-1]["content"].upper())
    reply = ask(model, "hello")
    assert (model, reply.text, reply.model_served) == ("scripted/shout", "HELLO", "shout")
    assert reply.raw == {"text": "HELLO"}


def test_a_function_of_the_request_and_a_seeded_rng() -> None:
    def dice(_request: Request, rng: random.Random) -> str:
        return str(rng.randrange(10**9))

    model = scripted("dice", dice)
    assert ask(model, seed=3) == ask(model, seed=3)
    assert ask(model, seed=3) != ask(model, seed=4)
    assert ask(model, seed=None) == ask(model, seed=None)


def test_an_async_function_and_a_whole_reply() -> None:
    async def refuse(_request: Request) -> Reply:
        await asyncio.sleep(0)
        return Reply(text="No.", refused=True, finish_reason=FinishReason.REFUSAL)

    reply = ask(scripted("refuser", refuse))
    assert (reply.text, reply.refused) == ("No.", True)
    assert reply.latency_s is not None


@pytest.mark.parametrize("kind", ["list", "file"])
def test_a_seeded_uniform_choice(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "replies.jsonl"
    path.write_text('{"text": "heads"}\n\n{"text": "tails"}\n', encoding="utf-8")
    replies: Script = path if kind == "file" else ["heads", "tails"]
    model = scripted(f"coin-{kind}", replies)
    flips = [ask(model, seed=seed).text for seed in range(100)]
    assert set(flips) == {"heads", "tails"}
    assert 25 < flips.count("heads") < 75  # 5 standard deviations
    assert flips == [ask(model, seed=seed).text for seed in range(100)]


def test_registering_again_replaces() -> None:
    scripted("reloaded", ["old"])
    scripted("reloaded", ["new"])
    assert ask("scripted/reloaded") == "new"


def test_a_schema_is_parsed() -> None:
    assert ask(scripted("json", ['{"a": 1}']), schema={"type": "object"}).parsed == {"a": 1}


def test_latency_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[float] = []

    async def sleep(delay_s: float) -> None:
        waited.append(delay_s)

    monkeypatch.setattr("pytest_velo.providers.scripted.asyncio.sleep", sleep)
    ask(scripted("slow", ["..."], latency_s=2.5))
    assert waited == [2.5]


def test_an_error_of_the_script_is_not_hidden() -> None:
    def broken(_request: Request) -> str:
        return str({}["missing"])

    with pytest.raises(KeyError, match="missing"):
        ask(scripted("broken", broken))


def test_a_script_that_returns_something_else() -> None:
    with pytest.raises(UsageError, match="returned NoneType"):
        ask(scripted("nothing", lambda _request: None))  # type: ignore[arg-type, return-value]


@pytest.mark.parametrize(
    ("replies", "says"),
    [
        ([], "at least one text"),
        ([1], "at least one text"),
        ("yes", "got str"),
        (3, "got int"),
        (Path("/nowhere/replies.jsonl"), "cannot be read"),
    ],
)
def test_replies_of_another_kind(replies: object, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        scripted("wrong", replies)  # type: ignore[arg-type]


@pytest.mark.parametrize("line", ["{", "[]", '{"txt": "a"}', '"a"'])
def test_a_line_that_is_no_reply_is_named(line: str, tmp_path: Path) -> None:
    path = tmp_path / "replies.jsonl"
    path.write_text('{"text": "a"}\n' + line, encoding="utf-8")
    with pytest.raises(UsageError, match="line 2 of"):
        scripted("wrong", path)


def test_a_file_is_read_as_json_lines_are_written(tmp_path: Path) -> None:
    path = tmp_path / "replies.jsonl"
    text = "one\u2028two\x85three"  # what Python takes for line breaks, and JSON does not
    path.write_bytes(b"\xef\xbb\xbf" + json.dumps({"text": text}, ensure_ascii=False).encode() + b"\r\n")
    assert ask(scripted("breaks", path)).text == text


def test_a_file_that_is_not_utf_8_is_said(tmp_path: Path) -> None:
    path = tmp_path / "replies.jsonl"
    path.write_bytes('{"text": "café"}'.encode("latin-1"))
    with pytest.raises(UsageError, match="not UTF-8"):
        scripted("wrong", path)


@pytest.mark.parametrize("latency_s", [-1.0, float("nan"), float("inf")])
def test_an_impossible_latency(latency_s: float) -> None:
    with pytest.raises(UsageError, match="latency_s` must be >= 0"):
        scripted("wrong", ["a"], latency_s=latency_s)


def test_a_script_needs_a_name() -> None:
    with pytest.raises(UsageError, match="needs a name"):
        scripted(" ", ["a"])
