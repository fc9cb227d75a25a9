"""Forks: a reply, or a conversation, that goes on from an edited place."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from pytest_velo import rate, scripted
from pytest_velo.errors import BodyError, UsageError
from pytest_velo.providers import openai_chat
from pytest_velo.providers.registry import Target, resolve
from pytest_velo.records import Reply, Request
from pytest_velo.runner.run import Run
from pytest_velo.sampling.call import as_declared
from pytest_velo.sampling.chat import Chat
from pytest_velo.sampling.forks import Origin, fork
from pytest_velo.sampling.loop import SampleLoop
from pytest_velo.sampling.model import AsyncModel, Model
from pytest_velo.sampling.sampler import Sampler
from pytest_velo.settings import Api, Endpoint, Prefill, Settings, Think

STEPS = "Anna has 3. She buys 4 more.\n\nThat makes 7. So it is 7."


def student(seen: list[Request] | None = None, **fields: Any) -> str:
    """Return a model that reasons, and goes on from wherever it is made to."""

    def answer(request: Request) -> Reply:
        if seen is not None:
            seen.append(request)
        begun = request.prefill
        if "That makes" in begun:
            return Reply(text=f" So it is {begun.rstrip('.').rpartition(' ')[2]}.")
        return Reply(text=STEPS, **fields) if not begun else Reply(text=" That makes 8. So it is 8.")

    return scripted("student", answer)


@pytest.fixture
def run_async(make_hypothesis, sample) -> Callable[..., Run]:
    def go(model_id: str, body: Any, max_trials: int = 1) -> Run:
        model = AsyncModel(resolve(model_id))

        async def trial_body(case, arm, trial):
            return await body(model)

        return asyncio.run(sample(make_hypothesis(trial_body, rate >= 0.5, max_trials=max_trials)))

    return go


@pytest.mark.parametrize(
    ("at", "edit", "begun", "text"),
    [
        (2, "That makes 9.", "Anna has 3. She buys 4 more.\n\nThat makes 9.", " So it is 9."),
        (2, str, "Anna has 3. She buys 4 more.\n\nThat makes 7.", " So it is 7."),
        (-2, lambda s: s.replace("7", "5"), "Anna has 3. She buys 4 more.\n\nThat makes 5.", " So it is 5."),
        (2, None, "Anna has 3. She buys 4 more.", " That makes 8. So it is 8."),
        (0, "Hm.", "Hm.", " That makes 8. So it is 8."),
        (0, None, "", STEPS),
    ],
)
def test_what_is_kept_edited_and_written_anew(run_async, at, edit, begun, text) -> None:
    seen: list[Request] = []
    forks: list[Reply] = []

    async def body(model):
        reply = await model("How many?", system="Think.", temperature=0.5)
        forks.append(await reply.fork(at=at, edit=edit))
        return True

    run_async(student(seen), body)

    [fork] = forks
    assert (fork.prefill, fork.text) == (begun, text)
    first, second = seen
    assert second.messages[:2] == first.messages
    assert second.messages[2:] == (({"role": "assistant", "content": begun},) if begun else ())
    assert second.parameters == first.parameters == {"temperature": 0.5}


def test_a_call_may_begin_the_reply(run_async) -> None:
    seen: list[Request] = []
    replies: list[Reply] = []

    async def body(model):
        turns = [{"role": "user", "content": "How many?"}, {"role": "assistant", "content": "Hm."}]
        reply = await model("How many?", prefill="Hm.")
        chat = model.chat()
        replies.extend([reply, await model(turns), await reply.fork(at=0, edit="Well.")])
        replies.extend([await chat("How many?", prefill="Hm."), await chat("Sure?")])
        return True

    run_async(student(seen), body)

    first, written_out, forked, turn, second_turn = seen
    assert first == written_out == turn
    assert [reply.prefill for reply in replies] == ["Hm.", "Hm.", "Hm. Well.", "Hm.", ""]
    assert forked.messages[-1] == {"role": "assistant", "content": "Hm. Well."}
    assert [message["role"] for message in second_turn.messages] == ["user", "assistant", "user"]
    assert second_turn.messages[1]["content"] == "Hm. That makes 8. So it is 8."


@pytest.mark.parametrize(
    ("options", "what"),
    [
        ({"prefill": 5}, "prefill= is the beginning of the reply, a text, got 5"),
        ({"prefill": ["Hm."]}, "prefill= is the beginning of the reply, a text, got"),
        ({"prefil": "Hm."}, "a model call has no keyword `prefil`"),
    ],
)
def test_what_is_no_beginning_of_a_reply_says_so(run_async, options, what) -> None:
    async def body(model):
        return await model("How many?", **options) == "7"

    assert what in str(run_async(student(), body).error)


def test_a_reply_begins_once(run_async) -> None:
    async def body(model):
        begun = {"role": "assistant", "content": "Hm."}
        return await model([{"role": "user", "content": "How many?"}, begun], prefill="Well.") == "7"

    assert "end with the assistant's already" in str(run_async(student(), body).error)


def test_an_empty_beginning_is_none(run_async) -> None:
    seen: list[Request] = []

    async def body(model):
        await model("How many?", prefill="")
        return await model("How many?") == STEPS

    run_async(student(seen), body)
    assert seen[0] == seen[1]


def test_a_fork_in_which_nothing_is_kept_is_another_draw(run_async) -> None:
    async def body(model):
        reply = await model("How many?")
        await reply.fork(at=0)
        return True

    [trial] = run_async(student(), body).trials
    first, second = (call.address for call in trial.calls)
    assert first.key == second.key
    assert first.slot != second.slot


def test_plain_bodies_fork_too(make_hypothesis) -> None:
    model = Model(resolve(student()))

    def body(case, arm, trial):
        reply = model("How many?")
        step = next(each for each in reply.sentences if "7" in each)
        return reply.fork(at=step, edit="That makes 9.") == " So it is 9."

    hypothesis = make_hypothesis(body, rate >= 0.5, max_trials=1, is_async=False)
    loop = SampleLoop()
    try:
        run = Run(hypothesis, Sampler(Settings(), None), loop)
        loop.run(run.go())
    finally:
        loop.close()
    assert run.error is None
    assert [trial.kind for trial in run.trials] == ["one"]


def test_keywords_of_the_call_stay_unless_others_are_given(run_async) -> None:
    seen: list[Request] = []

    async def body(model):
        reply = await model("How many?", max_tokens=80, allow_cut=True, top_k=5)
        await reply.fork(at=2, max_tokens=1, logprobs=5)
        return True

    run_async(student(seen), body)
    assert seen[1].parameters == {"max_tokens": 1, "logprobs": 5, "top_k": 5}


def test_a_fork_of_a_fork_keeps_what_both_kept(run_async) -> None:
    seen: list[Request] = []

    async def body(model):
        reply = await model("How many?")
        once = await reply.fork(at=2)
        await once.fork(at=0, edit="That makes 6.")
        return True

    run_async(student(seen), body)
    assert seen[2].messages[1:] == (
        {"role": "assistant", "content": "Anna has 3. She buys 4 more. That makes 6."},
    )


@pytest.mark.parametrize("at", [4, -5])
def test_a_reply_without_that_sentence_is_an_invalid_trial_even_if_it_is_caught(run_async, at) -> None:
    async def body(model):
        reply = await model("How many?")
        try:
            await reply.fork(at=at)
        except Exception:
            return True
        return True

    [trial] = run_async(student(), body).trials
    assert trial.kind == "invalid"
    assert f"4 sentences, and at={at}" in trial.detail


@pytest.mark.parametrize(
    ("at", "edit", "what"),
    [
        ("That makes 7.", None, "at= must be"),
        (True, None, "at= must be"),
        (1.0, None, "at= must be"),
        (1, 7, "edit= must be"),
        (1, lambda s: None, "edit= must be"),
        (Reply(text="Quite another text, which is longer.").sentences[0], None, "another reply"),
    ],
)
def test_misuse_is_an_error_of_the_body_even_if_it_is_caught(run_async, at, edit, what) -> None:
    async def body(model):
        reply = await model("How many?")
        try:
            await reply.fork(at=at, edit=edit)
        except Exception:
            return True
        return True

    run = run_async(student(), body)
    assert isinstance(run.error, BodyError)
    assert what in run.error.what
    assert run.error.fix


def test_a_slip_in_a_keyword_is_not_sent(run_async) -> None:
    async def body(model):
        await (await model("How many?")).fork(at=1, edits="No.")
        return True

    error = run_async(student(), body).error
    assert isinstance(error, BodyError)
    assert "`edits`" in error.what
    assert "edit= is a keyword of reply.fork" in error.fix


def test_a_reply_of_elsewhere_cannot_be_forked(run_async) -> None:
    async def body(model):
        await Reply(text="Made. By hand.").fork(at=0)
        return True

    assert "not one of this trial's" in str(run_async(student(), body).error)
    with pytest.raises(BodyError) as caught:
        Reply(text="Made. By hand.").fork(at=0)
    assert "outside a running trial" in caught.value.what


def test_an_api_that_cannot_continue_a_text_says_so(monkeypatch, run_async) -> None:
    """The message that a fork sends is a prefill like any other."""
    monkeypatch.setenv("OPENAI_API_KEY", "k")

    async def body(model):
        reply = await model("How many?")
        model._targets = resolve("openai/gpt-5-mini")
        await reply.fork(at=1)
        return True

    error = run_async(student(), body).error
    assert isinstance(error, UsageError)
    assert "answers it with a new turn" in error.what


# --- Reasoning ------------------------------------------------------------------------------------------


def sent(endpoint: Endpoint, reply: Reply, at: Any, edit: Any = None) -> Any:
    """Return the last message that a fork of a reply sends."""
    sent: list[Any] = []
    request = Target(endpoint=endpoint, model="m").request([{"role": "user", "content": "How many?"}])
    origin = Origin(reply=reply, request=request, endpoint=endpoint, again=lambda m, **_: sent.append(m[-1]))
    fork([origin], reply, at, edit, {})
    return sent[0]


THOUGHT = Reply(text="It is 7. Sure.", reasoning="3 and 4. That is 7.")
MARKED = Endpoint(name="vllm", api=Api.OPENAI_CHAT, prefill=Prefill.CONTINUE, think=Think.STRIP)
DEEPSEEK = Endpoint(name="deepseek", api=Api.OPENAI_CHAT, prefill=Prefill.PREFIX)


def test_thoughts_between_marks_are_begun_in_the_text() -> None:
    step = THOUGHT.reasoning_sentences[1]
    assert sent(MARKED, THOUGHT, step, "That is 9.") == {
        "role": "assistant",
        "content": "<think>\n3 and 4. That is 9.",
    }
    assert sent(MARKED, THOUGHT, 1, "Maybe.") == {
        "role": "assistant",
        "content": "<think>\n3 and 4. That is 7.\n</think>\n\nIt is 7. Maybe.",
    }


@pytest.mark.parametrize(
    ("text", "reasoning", "answer"),
    [(" So 9.\n</think>\n\nIt is 9.", "So 9.", "It is 9."), (" So, hm, so", "So, hm, so", "")],
)
def test_a_fork_of_thoughts_is_read_as_thoughts(text: str, reasoning: str, answer: str) -> None:
    message = sent(MARKED, THOUGHT, THOUGHT.reasoning_sentences[1], "That is 9.")
    request = Target(endpoint=MARKED, model="m").request([message])
    reply = as_declared(Reply(text=text), request, MARKED)
    assert (reply.reasoning, reply.text) == (reasoning, answer)


def test_thoughts_in_a_field_are_begun_in_that_field() -> None:
    step = THOUGHT.reasoning_sentences[1]
    wire = {"role": "assistant", "content": "", "reasoning_content": "3 and 4. No.", "prefix": True}
    message = sent(DEEPSEEK, THOUGHT, step, "No.")
    assert message == wire
    request = Target(endpoint=DEEPSEEK, model="m").request([message])
    assert openai_chat.to_wire(request, None)["messages"] == [wire]
    assert sent(DEEPSEEK, THOUGHT, 1) == {
        **wire,
        "content": "It is 7.",
        "reasoning_content": THOUGHT.reasoning,
    }


@pytest.mark.parametrize(
    "endpoint",
    [
        Endpoint(name="anthropic", api=Api.ANTHROPIC),
        Endpoint(name="openai", api=Api.OPENAI_CHAT),
        Endpoint(name="openai-responses", api=Api.OPENAI_RESPONSES),
        Endpoint(name="vllm", api=Api.OPENAI_CHAT, prefill=Prefill.CONTINUE, think=Think.KEEP),
        Endpoint(name="plugin", api="plugins-own"),
    ],
    ids=lambda endpoint: endpoint.name,
)
@pytest.mark.parametrize("at", [1, THOUGHT.reasoning_sentences[0]], ids=["text", "reasoning"])
def test_reasoning_that_cannot_be_sent_back_is_an_error_before_the_call(endpoint, at) -> None:
    with pytest.raises(UsageError) as caught:
        sent(endpoint, THOUGHT, at)
    assert endpoint.name in caught.value.where
    assert "think=strip" in caught.value.fix


def test_hidden_thoughts_count_as_reasoning() -> None:
    reply = Reply(text="It is 7. Sure.", blocks=({"type": "redacted_thinking", "data": "x"},))
    with pytest.raises(UsageError):
        sent(Endpoint(name="anthropic", api=Api.ANTHROPIC), reply, 1)


# --- Conversations ----------------------------------------------------------------------------------------


class Echo:
    """A model that says what it was last told."""

    def __call__(self, messages: Any, **_: Any) -> Reply:
        return Reply(text=f"{messages[-1]['content']}!")

    def _api(self) -> str:
        return Api.SCRIPTED


@pytest.fixture
def talk() -> Chat:
    chat = Chat(Echo(), "Be kind.", {"temperature": 0.5})
    chat("One")
    chat("Two")
    return chat


def test_a_conversation_goes_another_way_and_the_first_one_stays(talk: Chat) -> None:
    before = [*talk.messages]

    other = talk.fork(at=3, edit=lambda text: text.lower())
    assert other() == "two!"
    assert other("Three") == "Three!"

    assert [message["content"] for message in other.messages[2:]] == [
        "One!",
        "two",
        "two!",
        "Three",
        "Three!",
    ]
    assert talk.messages == before
    assert talk("Three") == "Three!"


def test_a_fork_without_an_edit_leaves_the_message_out(talk: Chat) -> None:
    assert talk.fork(at=-2).messages == talk.messages[:3]
    assert talk.fork(at=0).messages == []


def test_an_edited_turn_loses_the_blocks_that_say_something_else(talk: Chat) -> None:
    talk.messages[2] = {**talk.messages[2], "blocks": [{"type": "text", "text": "One!"}]}
    assert talk.fork(at=2, edit="Won").messages[-1] == {"role": "assistant", "content": "Won"}


@pytest.mark.parametrize(
    ("at", "edit", "what"),
    [
        (5, None, "5 messages, and at=5"),
        (-6, "x", "at=-6"),
        ("1", None, "at='1'"),
        (1, 5, "edit= must give a text"),
    ],
)
def test_no_such_message(talk: Chat, at: Any, edit: Any, what: str) -> None:
    with pytest.raises(BodyError) as caught:
        talk.fork(at=at, edit=edit)
    assert what in caught.value.what
    assert caught.value.fix


def test_parts_are_replaced_but_not_changed(talk: Chat) -> None:
    talk.messages[1] = {"role": "user", "content": [{"type": "text", "text": "One"}]}
    assert talk.fork(at=1, edit="Uno").messages[-1]["content"] == "Uno"
    with pytest.raises(BodyError):
        talk.fork(at=1, edit=str)


def test_nothing_to_answer(talk: Chat) -> None:
    with pytest.raises(BodyError) as caught:
        talk()
    assert "nothing to answer" in caught.value.what
