"""What is sent and what a reply's text is decide verdicts: nothing sent is lost, no prefill is an answer."""

from __future__ import annotations

from e2e.conftest import Answer, chat

QUIRKS = """
from pytest_velo import difference

HI = {"role": "user", "content": "Is it so?"}


@pytest.mark.hypothesis(
    difference("ada", "bob") >= 0.5, arms=("ada", "bob"), models=["lab/names"], max_trials=40
)
async def test_who_asks_moves_the_answer(model, arm):
    return (await model([{**HI, "name": arm}])).answers("yes")


@pytest.mark.hypothesis(rate >= 0.5, models=["lab/repeats"], max_trials=20)
async def test_it_gets_the_sum_right(model):
    begun = {"role": "assistant", "content": "7 + 5 is 12, so the answer is"}
    reply = await model([{"role": "user", "content": "7 + 5?"}, begun])
    assert reply.message["content"].startswith("7 + 5 is 12, so the answer is")
    return reply.answers("12")


@pytest.mark.hypothesis(rate >= 0.5, models=["lab/thinks", "calm/thinks"], max_trials=20)
async def test_it_never_says_13(model):
    return not (await model("7 + 5? I think it is 13.")).answers("13")


@pytest.mark.hypothesis(rate >= 0.5, models=["lab/wants-thoughts"], max_trials=20)
async def test_it_goes_on(model):
    talk = model.chat()
    await talk("7 + 5?")
    return (await talk("Sure?")).answers("yes")


@pytest.mark.hypothesis(rate >= 0.5, models=["lab/slips"])
async def test_a_slip(model):
    return (await model("Hi", temprature=0.5)).answers("yes")


@pytest.mark.hypothesis(rate >= 0.5, models=["openai/slips"])
async def test_openai_cannot_continue(model):
    return (await model([HI, {"role": "assistant", "content": "It"}])).answers("yes")
"""


def speak(body):
    """Answer as servers do that differ in what they read and repeat."""
    first, *_, last = body["messages"] * 2
    match body["model"]:
        case "names":
            return Answer(chat("yes" if first.get("name") == "ada" else "no"))
        case "repeats":
            return Answer(chat(f"{last['content']} not known to me."))
        case "thinks":
            return Answer(chat("<think>They say 13. It is 12.</think>\n\n12"))
        case "wants-thoughts":
            turns = [message for message in body["messages"] if message["role"] == "assistant"]
            if not all(turn.get("reasoning_content") for turn in turns):
                error = "The `reasoning_content` in the thinking mode must be passed back to the API."
                return Answer({"error": {"message": error, "type": "invalid_request_error"}}, status=400)
            reply = chat("yes")
            reply["choices"][0]["message"]["reasoning_content"] = "I ponder."
            return Answer(reply)
        case _:
            return Answer(chat("yes"))


def test_quirks_of_servers_make_no_verdict(run, lab, monkeypatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-none")
    calm = lab.endpoint.replace("lab:", "calm:") + " think=strip"
    run.ini(f"velo_endpoints =\n    {lab.endpoint}\n    {calm}")
    lab.answer = speak
    run.file(QUIRKS)
    result = run("--velo-mode=auto", "--tb=short", "-m", "velo")
    said = {found.node_id.partition("::")[2]: found for found in run.record.results}
    assert {name: found.outcome.value for name, found in said.items()} == {
        "test_who_asks_moves_the_answer": "supported",
        "test_it_gets_the_sum_right": "refuted",
        "test_it_never_says_13[lab/thinks]": "refuted",
        "test_it_never_says_13[calm/thinks]": "supported",
        "test_it_goes_on": "supported",
        "test_a_slip": "error",
        "test_openai_cannot_continue": "error",
    }
    assert any("declare prefill=" in notice for notice in said["test_it_gets_the_sum_right"].notices)
    assert any(
        "declare think=strip" in notice for notice in said["test_it_never_says_13[lab/thinks]"].notices
    )
    assert not said["test_it_never_says_13[calm/thinks]"].notices
    assert "did you mean 'temperature'?" in result.stdout.str()
    assert "to be continued" in said["test_openai_cannot_continue"].problem
    assert not [body for body in lab.calls if body["model"] == "slips"], "nothing was paid for"
