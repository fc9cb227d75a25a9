"""`ask`: what is asked, and what comes back."""

from __future__ import annotations

import asyncio
import signal
import threading
from pathlib import Path

import pytest

from pytest_velo import Reply, ask, ask_sync, cases, scripted
from pytest_velo.errors import BodyError, UnansweredError, UsageError
from pytest_velo.records import FinishReason

COIN = ["heads", "tails", "Heads. ", "tails"]


def test_a_list_of_what_came_with_what_is_alike_together() -> None:
    replies = ask_sync(scripted("coin", COIN), "Toss a coin.", n=12)
    assert len(replies) == 12
    assert all(isinstance(reply, Reply) for reply in replies)
    assert sum(group.n for group in replies.groups) == 12
    assert {group.text.strip(". ").casefold() for group in replies.groups} == {"heads", "tails"}
    assert replies.texts == [reply.text for reply in replies]


def test_in_a_running_loop_it_is_awaited_and_the_loop_goes_on() -> None:
    async def both() -> None:
        turns = 0
        model = scripted("slow", ["yes"], latency_s=0.02)
        asked = asyncio.create_task(ask(model, "Is it?", n=2))
        while not asked.done():
            turns += 1
            await asyncio.sleep(0)
        assert (await asked).texts == ["yes", "yes"]
        assert turns > 1
        # The twin waits all the same: what it waits for runs on a loop of its own.
        assert ask_sync(model, "Is it?", n=1).texts == ["yes"]

    asyncio.run(both())


def test_from_several_threads_at_once() -> None:
    model = scripted("yes", ["yes"])
    found: list[int] = []
    threads = [
        threading.Thread(target=lambda: found.append(len(ask_sync(model, "Is it?")))) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [10] * 4


def test_what_is_free_says_nothing_of_money(capsys: pytest.CaptureFixture[str]) -> None:
    ask_sync(scripted("yes", ["yes"]), "Is it?", n=2)
    assert capsys.readouterr().err == ""


def test_a_reply_that_does_not_count_is_no_member_and_is_told_apart() -> None:
    def answer(request, rng):
        return Reply(text="half of a", finish_reason=FinishReason.LENGTH) if rng.random() < 0.5 else "whole"

    replies = ask_sync(scripted("cutter", answer), "Go on.", n=20)
    assert set(replies.texts) == {"whole"}
    assert len(replies) + len(replies.invalid) == 20
    assert all("cut" in answer.invalid and answer.text == "half of a" for answer in replies.invalid)
    allowed = ask_sync("scripted/cutter", "Go on.", n=20, allow_cut=True)
    assert len(allowed) == 20


def test_each_case_is_asked_about_once_unless_told_otherwise() -> None:
    echo = scripted("echo", lambda request: request.messages[-1]["content"])
    rows = [{"n": 1}, {"n": 2}]
    assert ask_sync(echo, "Is {n} even?", cases=rows).texts == ["Is 1 even?", "Is 2 even?"]
    twice = ask_sync(echo, "Is {n} even?", cases=rows, n=2)
    assert {name: len(mine) for name, mine in twice.by_case.items()} == {"0": 2, "1": 2}
    assert ask_sync(echo, "Say {case}.", cases=["a", "b"]).texts == ["Say a.", "Say b."]
    assert ask_sync(echo, lambda case: f"<{case.n}>", cases=rows).texts == ["<1>", "<2>"]
    braces = 'Give {"n": {n}} back'
    assert ask_sync(echo, braces, cases=rows).texts[0] == 'Give {"n": 1} back'


@pytest.mark.parametrize(
    ("asked", "what", "fix"),
    [
        ({"model": None}, "no model is set", "local/smollm2-135m"),
        ({"model": "paris"}, "is not a model id", "<endpoint>/<model>"),
        ({"model": "opneai/x"}, "unknown endpoint", "did you mean 'openai'"),
        ({"n": 0}, "n= must be a whole number", "n=10"),
        ({"n": True}, "n= must be a whole number", "n=10"),
        ({"cases": [{"a": 1}], "prompt": "Is {b} even?"}, "the field {b}", "known: a"),
        ({"cases": [{"a": 1}]}, "the same for every case", "{a}"),
        ({"cases": "nowhere.jsonl", "prompt": "{a}"}, "nowhere.jsonl", ""),
        ({"prompt": lambda case: "Hi"}, "needs cases", "cases="),
        ({"cases": cases(lambda rng: iter(lambda: {"a": 1}, 0)), "prompt": "{a}"}, "endless", "n=20"),
    ],
)
def test_mistakes_that_are_seen_before_a_call(asked: dict, what: str, fix: str) -> None:
    given = {"model": scripted("yes", ["yes"]), "prompt": "Is it?", **asked}
    with pytest.raises(UsageError) as caught:
        ask_sync(**given)
    assert what in str(caught.value)
    assert fix in caught.value.fix


def test_a_keyword_that_is_a_slip_is_named() -> None:
    with pytest.raises(BodyError, match="did you mean 'temperature'"):
        ask_sync(scripted("yes", ["yes"]), "Is it?", n=1, temprature=1)


def test_the_default_model_is_that_of_the_tests(folder: Path) -> None:
    scripted("yes", ["yes"])
    (folder / "pytest.ini").write_text("[pytest]\nvelo_model = scripted/yes\n")
    assert ask_sync(None, "Is it?", n=1).texts == ["yes"]


def test_after_ctrl_c_asking_goes_on_in_the_same_process() -> None:
    async def interrupted(request):
        signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)
        await asyncio.sleep(60)
        return "late"

    with pytest.raises(KeyboardInterrupt):
        ask_sync(scripted("interrupted", interrupted), "Is it?", n=2)
    assert ask_sync(scripted("yes", ["yes"]), "Is it?", n=2).texts == ["yes", "yes"]


def test_a_prompt_that_gets_no_answer_is_invalid_without_a_reply() -> None:
    def answer(request):
        raise UnansweredError("3 time-outs in a row")

    replies = ask_sync(scripted("silent", answer), "Is it?", n=2)
    assert len(replies) == 0
    assert [(answer.reply, answer.invalid) for answer in replies.invalid] == [
        (None, "the model gave 3 time-outs in a row")
    ] * 2
