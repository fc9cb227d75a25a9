"""A conversation with tools: what the model is told of them, how they are called, and what goes back."""

from __future__ import annotations

import asyncio
import json
import threading
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any, Literal

import pytest

from pytest_velo import ToolCall, ToolError, ToolResult, image, rate, scripted
from pytest_velo.designing.supplies import Velo
from pytest_velo.errors import BodyError
from pytest_velo.providers.registry import Target, resolve
from pytest_velo.records import FinishReason, OutcomeKind, Reply, Request
from pytest_velo.runner.run import Run
from pytest_velo.sampling.chat import Chat
from pytest_velo.sampling.loop import SampleLoop
from pytest_velo.sampling.model import AsyncModel, Model
from pytest_velo.sampling.prompts import messages_of
from pytest_velo.sampling.sampler import Sampler
from pytest_velo.sampling.tools import Ready, Toolbox
from pytest_velo.settings import Api, Endpoint, Settings


def weather(city: str, days: int = 1, unit: Literal["C", "F"] = "C") -> str:
    """Return the weather in a city.

    Args:
        city: Its name.
        days: How many
            days ahead.
    """
    return f"{city} in {days}: 12 {unit}"


def opened(tool: Any, arguments: Any, name: str = "") -> Ready | ToolResult:
    return Toolbox([tool]).open(ToolCall(id="1", name=name or tool.__name__, arguments=arguments))


def told(tool: Any, arguments: Any) -> str:
    found = opened(tool, arguments)
    return found.result(found.run()).text if isinstance(found, Ready) else found.text


# --- What the model is told -----------------------------------------------------------------------------


def test_name_docstring_and_parameters_are_read_from_the_function() -> None:
    [definition] = Toolbox([weather]).definitions

    assert definition["name"] == "weather"
    assert definition["description"] == "Return the weather in a city."
    parameters = definition["parameters"]
    assert parameters["required"] == ["city"]
    assert parameters["additionalProperties"] is False
    properties = parameters["properties"]
    assert properties["city"]["type"] == "string"
    assert properties["city"]["description"] == "Its name."
    assert " ".join(properties["days"]["description"].split()) == "How many days ahead."
    assert properties["unit"]["enum"] == ["C", "F"]
    assert properties["unit"]["default"] == "C"


@dataclass
class Point:
    x: int
    y: int


def test_arguments_arrive_as_the_types_say() -> None:
    def norm(point: Point, *, scale: float = 1) -> float:
        return scale * (point.x**2 + point.y**2) ** 0.5

    assert told(norm, {"point": {"x": 3, "y": 4}, "scale": 2}) == "10.0"


def test_a_method_is_a_tool_without_its_self() -> None:
    class Shop:
        def price(self, item: str) -> int:
            return len(item)

    tool = Shop().price
    assert list(Toolbox([tool]).definitions[0]["parameters"]["properties"]) == ["item"]
    assert told(tool, {"item": "tea"}) == "3"


def test_a_described_type_describes_its_parameter() -> None:
    from pydantic import Field

    def add(a: Annotated[int, Field(description="the first", ge=0)]) -> int:
        return a

    add.__annotations__ = {"a": Annotated[int, Field(description="the first", ge=0)]}
    [definition] = Toolbox([add]).definitions
    assert definition["parameters"]["properties"]["a"] == {
        "description": "the first",
        "minimum": 0,
        "title": "A",
        "type": "integer",
    }


def test_a_tool_of_the_providers_own_goes_along() -> None:
    search = {"type": "web_search"}
    assert Toolbox([search, weather]).definitions[0] == search


def positional(city: str, /) -> str:
    return city


def several(*cities: str) -> str:
    return ""


def untyped(city):  # type: ignore[no-untyped-def]
    return city


def unheard(city: Elsewhere) -> str:  # type: ignore[name-defined]  # noqa: F821
    return ""


def opaque(lock: asyncio.Lock) -> str:
    return ""


@pytest.mark.parametrize(
    ("tools", "what"),
    [
        ([positional], "`city` by its position"),
        ([several], "`cities` by its position"),
        ([untyped], "`city` of the tool untyped has no type"),
        ([unheard], "type of the tool unheard"),
        ([opaque], "opaque has no JSON schema"),
        ([lambda: "x"], "a function with a name"),
        ([partial(weather, "Lyon")], "a function with a name"),
        ([Point], "a function with a name"),
        ([{"name": "weather", "parameters": {}}], "a function with a name"),
        ([weather, weather], "two tools are called weather"),
        (weather, "takes a list"),
        ("weather", "takes a list"),
    ],
)
def test_what_cannot_be_a_tool_is_an_error_of_the_body(tools: Any, what: str) -> None:
    with pytest.raises(BodyError) as caught:
        Toolbox(tools)
    assert what in caught.value.what
    assert caught.value.fix


# --- What the model gets wrong ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (ToolCall(name="wether", arguments={}), "no tool 'wether'; the tools are: weather"),
        (ToolCall(name="weather", arguments={}), "city: "),
        (ToolCall(name="weather", arguments={"city": "Lyon", "days": "soon"}), "days: "),
        (ToolCall(name="weather", arguments={"city": "Lyon", "x": 1}), "x: "),
        (ToolCall(name="weather", arguments={"city": 3}), "city: "),
        (ToolCall(name="weather", arguments={"city": "\ud800"}), "do not fit"),
        (ToolCall(name="weather", arguments=None, arguments_text="Lyon"), "not a JSON object"),
    ],
)
def test_what_the_model_gets_wrong_is_told_to_the_model(call: ToolCall, said: str) -> None:
    found = Toolbox([weather]).open(call)
    assert isinstance(found, ToolResult)
    assert found.failed
    assert found.text.startswith("Error: ")
    assert said in found.text


# --- What goes back -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("as it is", "as it is"),
        (None, "null"),
        (True, "true"),
        ({"b": [1, 2.5], "a": "é"}, '{"b":[1,2.5],"a":"é"}'),
        (Point(1, 2), '{"x":1,"y":2}'),
    ],
)
def test_a_text_goes_back_as_it_is_and_all_else_as_json(value: Any, text: str) -> None:
    def give() -> Any:
        return value

    assert told(give, {}) == text


@pytest.mark.parametrize(
    "value", [{1, 2}, object(), float("nan"), b"x", {"deep": {1: 2}}, image("a.png"), ["See", image("a.png")]]
)
def test_a_result_without_a_json_form_is_an_error_that_names_the_tool(value: Any) -> None:
    def give() -> Any:
        return value

    with pytest.raises(BodyError) as caught:
        told(give, {})
    assert "the tool give" in caught.value.what


# --- The turns --------------------------------------------------------------------------------------------


def agent(*answers: Any, seen: list[Request] | None = None) -> str:
    """Return a model that gives these answers one after another, by the turns of its own so far."""

    def answer(request: Request) -> Any:
        if seen is not None:
            seen.append(request)
        turn = sum(message["role"] == "assistant" for message in request.messages)
        return answers[min(turn, len(answers) - 1)]

    return scripted("agent", answer)


def lyon(name: str = "weather", **arguments: Any) -> ToolCall:
    return ToolCall(name=name, arguments={"city": "Lyon", **arguments})


@pytest.fixture
def run_async(make_hypothesis, sample):
    def go(model_id: str, body: Any, max_trials: int = 1) -> Run:
        model = AsyncModel(resolve(model_id))

        async def trial_body(case, arm, trial):
            return await body(model.chat(system="Help."))

        return asyncio.run(sample(make_hypothesis(trial_body, rate >= 0.5, max_trials=max_trials)))

    return go


@pytest.fixture
def run_plain(make_hypothesis):
    def go(model_id: str, body: Any) -> Run:
        model = Model(resolve(model_id))

        def trial_body(case, arm, trial):
            return body(model.chat(system="Help."))

        hypothesis = make_hypothesis(trial_body, rate >= 0.5, max_trials=1, is_async=False)
        loop = SampleLoop()
        try:
            run = Run(hypothesis, Sampler(Settings(), None), loop)
            loop.run(run.go())
        finally:
            loop.close()
        return run

    return go


def test_tools_are_called_until_the_model_answers(run_async) -> None:
    seen: list[Request] = []
    kept: dict[str, Any] = {}
    model = agent([lyon(), lyon(days=2)], lyon("climate"), "12 degrees.", seen=seen)

    async def climate(city: str) -> dict[str, str]:
        return {"climate": f"mild in {city}"}

    async def body(chat):
        reply = await chat.run("Lyon?", tools=[weather, climate], temperature=0.5)
        kept.update(messages=chat.messages, results=chat.tool_results)
        return reply == "12 degrees."

    run = run_async(model, body)

    [trial] = run.trials
    assert trial.kind is OutcomeKind.ONE, trial.detail
    assert [message["role"] for message in kept["messages"]] == [
        *("system", "user", "assistant", "tool", "tool"),
        *("assistant", "tool", "assistant"),
    ]
    assert [result.text for result in kept["results"]] == [
        "Lyon in 1: 12 C",
        "Lyon in 2: 12 C",
        '{"climate":"mild in Lyon"}',
    ]
    assert kept["messages"][3] == {"role": "tool", "tool_call_id": "call_2_1", "content": "Lyon in 1: 12 C"}
    assert kept["messages"][4]["tool_call_id"] == "call_2_2"
    assert [len(request.messages) for request in seen] == [2, 5, 7]
    assert all(request.parameters["temperature"] == 0.5 for request in seen)
    assert [tool["name"] for tool in seen[2].parameters["tools"]] == ["weather", "climate"]
    assert len(trial.calls) == 3


def test_plain_bodies_call_tools_too(run_plain) -> None:
    async def climate(city: str) -> str:
        await asyncio.sleep(0)
        return "mild"

    def body(chat):
        reply = chat.run("Lyon?", tools=[weather, climate])
        return reply == "Mild." and [each.text for each in chat.tool_results] == ["Lyon in 1: 12 C", "mild"]

    [trial] = run_plain(agent(lyon(), lyon("climate"), "Mild."), body).trials
    assert trial.kind is OutcomeKind.ONE, trial.detail


def test_a_plain_tool_of_an_async_body_does_not_hold_up_the_loop(run_async) -> None:
    threads = []

    def where(city: str) -> str:
        threads.append(threading.current_thread())
        return "here"

    async def body(chat):
        await chat.run("Lyon?", tools=[where])
        return threads[0] is not threading.current_thread()

    assert run_async(agent(lyon("where"), "Here."), body).trials[0].kind is OutcomeKind.ONE


def test_a_tool_that_never_returns_does_not_hold_up_the_exit(make_hypothesis) -> None:
    """Python waits at its end for threads that are no daemons."""
    model = AsyncModel(resolve(agent(lyon("where"), "Here.")))
    daemons = []

    def where(city: str) -> str:
        daemons.append(threading.current_thread().daemon)
        return "here"

    async def body(case, arm, trial):
        return await model.chat().run("Lyon?", tools=[where]) == "Here."

    loop = SampleLoop()
    try:
        run = Run(make_hypothesis(body, rate >= 0.5, max_trials=1), Sampler(Settings(), None), loop)
        loop.run(run.go())
    finally:
        loop.close()
    assert run.trials[0].kind is OutcomeKind.ONE
    assert daemons == [True]


@pytest.mark.parametrize("plain", [True, False])
def test_a_tool_error_is_told_to_the_model(plain: bool, run_async, run_plain) -> None:
    def lost(city: str) -> str:
        raise ToolError(f"there is no {city}")

    def check(chat) -> bool:
        [result] = chat.tool_results
        return result.failed and chat.messages[-2]["content"] == "Error: there is no Lyon"

    async def body(chat):
        await chat.run("Lyon?", tools=[lost])
        return check(chat)

    def plain_body(chat):
        chat.run("Lyon?", tools=[lost])
        return check(chat)

    model = agent(lyon("lost"), "Lost.")
    run = run_plain(model, plain_body) if plain else run_async(model, body)
    assert run.trials[0].kind is OutcomeKind.ONE


def test_any_other_exception_of_a_tool_is_the_bodys(run_async) -> None:
    def broken(city: str) -> str:
        raise ZeroDivisionError("of the tool")

    async def body(chat):
        await chat.run("Lyon?", tools=[broken])
        return True

    run = run_async(agent(lyon("broken"), "Never said."), body)
    assert isinstance(run.error, ZeroDivisionError)


def test_an_assert_in_a_tool_is_an_outcome(run_async) -> None:
    def guarded(city: str) -> str:
        assert city != "Lyon"
        return ""

    async def body(chat):
        await chat.run("Lyon?", tools=[guarded])
        return True

    assert run_async(agent(lyon("guarded"), "Never said."), body).trials[0].kind is OutcomeKind.ZERO


def test_a_tool_may_make_its_trial_invalid(run_async) -> None:
    def gone(city: str) -> str:
        Velo.invalid("the city is gone")

    async def body(chat):
        await chat.run("Lyon?", tools=[gone])
        return True

    [trial] = run_async(agent(lyon("gone"), "Never said."), body).trials
    assert (trial.kind, trial.detail) == (OutcomeKind.INVALID, "the city is gone")


def test_too_few_turns_make_the_trial_invalid(run_async) -> None:
    called = []

    def again(city: str) -> str:
        called.append(city)
        return "again"

    async def body(chat):
        await chat.run("Lyon?", tools=[again], max_turns=3)
        return True

    [trial] = run_async(agent(lyon("again")), body).trials
    assert trial.kind is OutcomeKind.INVALID
    assert "turn 3" in trial.detail
    assert "max_turns" in trial.detail
    assert len(trial.calls) == 3
    assert len(called) == 2  # what nobody would read the result of is not called


@pytest.mark.parametrize("plain", [True, False])
def test_too_few_turns_may_count(plain: bool, run_async, run_plain) -> None:
    options = {"tools": [weather], "max_turns": 1, "allow_unfinished": True}

    async def body(chat):
        return bool((await chat.run("Lyon?", **options)).tool_calls)

    def plain_body(chat):
        return bool(chat.run("Lyon?", **options).tool_calls)

    run = run_plain(agent(lyon()), plain_body) if plain else run_async(agent(lyon()), body)
    assert run.trials[0].kind is OutcomeKind.ONE


def test_a_schema_is_for_the_answer_and_not_for_the_calls(run_async) -> None:
    async def body(chat):
        reply = await chat.run("Lyon?", tools=[weather], schema={"type": "object"})
        return reply.parsed == {"degrees": 12}

    assert run_async(agent(lyon(), '{"degrees": 12}'), body).trials[0].kind is OutcomeKind.ONE


def test_a_conversation_goes_on_after_its_tools(run_async) -> None:
    seen: list[Request] = []

    async def body(chat):
        chat.messages.append({"role": "user", "content": "Lyon?"})
        await chat.run(tools=[weather])
        return await chat("Thanks.") == "Welcome."

    run = run_async(agent(lyon(), "12.", "Welcome.", seen=seen), body)
    assert run.trials[0].kind is OutcomeKind.ONE
    assert "tools" not in seen[2].parameters


@pytest.mark.parametrize(
    ("options", "what"),
    [
        ({"prompt": None, "tools": [weather]}, "nothing to answer"),
        ({"prompt": "Hi", "tools": [weather], "max_turns": 0}, "max_turns="),
        ({"prompt": "Hi", "tools": [weather], "max_turns": True}, "max_turns="),
        ({"prompt": "Hi", "tools": [untyped]}, "has no type"),
        ({"prompt": "Hi", "tools": [weather], "max_turn": 3}, "no keyword `max_turn`"),
    ],
)
def test_misuse_is_an_error_of_the_body_even_if_it_is_caught(run_async, options, what) -> None:
    async def body(chat):
        try:
            await chat.run(**options)
        except Exception:
            return True
        return True

    run = run_async(agent("Hi"), body)
    assert isinstance(run.error, BodyError)
    assert what in run.error.what


def test_a_run_that_is_not_awaited_is_an_error(run_async) -> None:
    async def body(chat):
        chat.run("Hi", tools=[weather])
        return True

    assert "never awaited" in str(run_async(agent("Hi"), body).error)


def test_the_embedded_model_has_no_place_for_tools(make_hypothesis, sample) -> None:
    model = AsyncModel(resolve("local/smollm2-135m"))

    async def body(case, arm, trial):
        await model.chat().run("Hi", tools=[weather])
        return True

    run = asyncio.run(sample(make_hypothesis(body, rate >= 0.5, max_trials=1)))
    assert "the embedded model cannot call tools" in str(run.error)


def test_the_way_by_hand_is_the_same(run_async) -> None:
    seen: list[Request] = []
    tools = Toolbox([weather]).definitions

    async def body(chat):
        talk = [{"role": "user", "content": "Lyon?"}]
        reply = await chat._model(talk, tools=tools)
        talk.append(reply.message)
        talk += [ToolResult(call=call, text="12 C").message for call in reply.tool_calls]
        return await chat._model(talk, tools=tools) == "12."

    assert run_async(agent(lyon(), "12.", seen=seen), body).trials[0].kind is OutcomeKind.ONE
    assert seen[1].messages[2] == {"role": "tool", "tool_call_id": "call_1_1", "content": "12 C"}


def test_a_script_may_call_tools_itself() -> None:
    from pytest_velo.providers.scripted import ScriptedProvider

    scripted("one", lambda _: [ToolCall(name="f", arguments={}), ToolCall(id="own", name="g", arguments={})])
    request = Request(api="scripted", endpoint="scripted", model="one", messages=({"role": "user"},))
    reply: Reply = asyncio.run(ScriptedProvider().complete(request, None))
    assert [call.id for call in reply.tool_calls] == ["call_1_1", "own"]
    assert reply.finish_reason is FinishReason.TOOL_CALLS


# --- Every wire -------------------------------------------------------------------------------------------


def wires() -> dict[str, Any]:
    from pytest_velo.providers import anthropic_messages, openai_chat, openai_responses

    return {
        Api.OPENAI_CHAT: openai_chat.to_wire,
        Api.OPENAI_RESPONSES: openai_responses.to_wire,
        Api.ANTHROPIC: anthropic_messages.to_wire,
    }


class OneWire:
    """A model that gives scripted replies, and keeps what a wire would send for each call."""

    def __init__(self, api: Api, *replies: Reply) -> None:
        self.bodies: list[dict[str, Any]] = []
        self._replies = list(replies)
        self._target = Target(endpoint=Endpoint(name="lab", api=api), model="m")

    def __call__(self, messages: Any, **options: Any) -> Reply:
        request = self._target.request(messages_of(messages, None), options)
        self.bodies.append(wires()[self._target.endpoint.api](request, None))
        return self._replies.pop(0)

    def _api(self) -> str:
        return self._target.endpoint.api


@pytest.mark.parametrize("api", [Api.OPENAI_CHAT, Api.OPENAI_RESPONSES, Api.ANTHROPIC])
def test_every_wire_carries_tools_calls_and_results(api: Api) -> None:
    calls = (
        ToolCall(id="c1", name="weather", arguments={"city": "Lyon"}),
        ToolCall(id="c2", name="x", arguments={}),
    )
    model = OneWire(api, Reply(text="", tool_calls=calls), Reply(text="12."))

    chat = Chat(model, "Help.", {})
    assert chat.run("Lyon?", tools=[weather]) == "12."

    first, second = model.bodies
    sent = json.dumps(second)
    assert "Return the weather in a city." in json.dumps(first["tools"])
    assert sent.count("Lyon in 1: 12 C") == 1
    assert sent.count("there is no tool") == 1
    # Anthropic's API is the one that has a mark for a result that is an error.
    assert sent.count('"is_error": true') == (1 if api is Api.ANTHROPIC else 0)
    assert chat.messages[-2].get("is_error", False) is (api is Api.ANTHROPIC)
