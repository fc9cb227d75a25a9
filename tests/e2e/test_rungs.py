"""What each rung sends, what it returns, and who chooses."""

from __future__ import annotations

SENT = """
from pytest_velo import scorer
from pytest_velo.elicit import best_of, chain_of_thought, few_shot, judged, majority, many_shot, model

SHOWN = [{"q": f"What is {n} + {n}?", "a": str(2 * n)} for n in range(1, 9)]
ECHO = scripted("echo", ["yes"])
STEPS = scripted("steps", ["First.\\n**Answer:** yes", "No line here."])
COUNTING = scripted("counting", ["a", "bbb", "b", "b.", "ccccc"])


def grade(request):
    return '{"answer": "yes"}' if "bbb" in str(request.messages) else '{"answer": "no"}'

GRADER = scripted("grader", grade)
OTHER = scripted("other", ["other"])

def one(*rungs, **keywords):
    keywords = {"models": [ECHO], "max_trials": 12, **keywords}
    return pytest.mark.hypothesis(rate >= 0.1, ladder=list(rungs), **keywords)

@one(few_shot(SHOWN, k=3, question="Q: {q}", answer="a"))
async def test_few(strategy):
    await strategy("Q: What is 70 + 5?", system="Be brief.", max_tokens=9)
    return True if strategy.rung == "few_shot(k=3)" else False

@one(many_shot(SHOWN, question="q", answer="a"))
def test_many(strategy):
    return strategy([{"role": "user", "content": "Hi"}]) == "yes"

@one(chain_of_thought(), models=[STEPS], max_trials=60)
async def test_steps(strategy):
    reply = await strategy("Is it?")
    return reply == "yes" and reply.reasoning.startswith("First.")

@one(best_of(5, majority), models=[COUNTING])
async def test_majority(strategy):
    return await strategy("Which?") == "b"

@scorer
def longest(text):
    return len(text)

@one(best_of(5, longest), models=[COUNTING])
async def test_scored(strategy):
    return await strategy("Which?") == "ccccc"

@one(best_of(5, longest), models=[COUNTING])
def test_scored_in_a_plain_body(strategy):
    return longest(strategy("Which?").text) == 5

@one(best_of(5, judged("Has it three?")), models=[COUNTING], judge=GRADER)
async def test_judged(strategy):
    return await strategy("Which?") == "bbb"

@one(best_of(3, lambda prompt, replies: replies[-1] if prompt == "Which?" else None), models=[COUNTING])
def test_chosen(strategy):
    return strategy("Which?").text in ("a", "bbb", "b", "b.", "ccccc")

@one(model(OTHER, of=best_of(2)))
async def test_other(strategy):
    return await strategy("Who?") == "other"
"""


def test_rungs_send_what_they_say_and_return_one_answer(run):
    run.file(SENT)
    result = run()
    recorded = run.record
    assert {
        each.node_id.partition("::test_")[2]: each.outcome.value for each in recorded.results
    } == dict.fromkeys(
        ["few", "many", "steps", "majority", "scored", "scored_in_a_plain_body", "judged", "chosen", "other"],
        "supported",
    )

    def sent(test: str, trial: int) -> list[tuple[str, str]]:
        [call, *_] = recorded[f"::{test}"].trials[trial].calls
        return [(message["role"], message["content"]) for message in call.request.messages]

    first, second = sent("test_few", 0), sent("test_few", 1)
    assert first[0] == ("system", "Be brief.")
    assert first[-1] == ("user", "Q: What is 70 + 5?")
    assert len(first) == 8
    assert all(content.startswith("Q: What is ") for role, content in first if role == "user")
    # The same examples in all trials, in an order of each trial's own.
    orders = [sent("test_few", at)[1:-1] for at in range(len(recorded["::test_few"].trials))]
    assert len({frozenset(order) for order in orders}) == 1
    assert any(order != orders[0] for order in orders)
    assert len(second) == 8
    assert len(sent("test_many", 0)) == 17

    [steps] = sent("test_steps", 0)
    assert steps[1].startswith("Is it?\n\nThink step by step.")
    noted = [trial for trial in recorded["::test_steps"].trials if trial.notes]
    assert {trial.calls[0].reply.text for trial in noted} == {"No line here."}
    assert all("the whole text counts" in trial.notes[0] for trial in noted)

    trial = recorded["::test_majority"].trials[0]
    assert [str(call.address.slot) for call in trial.calls] == [
        ":0:0",
        ":0:0:draw 2",
        ":0:0:draw 3",
        ":0:0:draw 4",
        ":0:0:draw 5",
    ]
    said = [call.reply.text.rstrip(".") for call in trial.calls]
    first_of_the_most = said.index(max(said, key=said.count)) + 1
    assert trial.notes == (f"best_of(5, majority): draw {first_of_the_most} of 5, chosen by majority",)
    judged = recorded["::test_judged"].trials[0].calls
    texts = [call.reply.text for call in judged[:5]]
    assert len(judged) == 5 + (texts.index("bbb") + 1 if "bbb" in texts else 5)  # up to the first yes
    assert {call.speaker for call in judged[5:]} == {"judge"}
    assert recorded["::test_other"].model == "scripted/other"
    assert {call.model for call in recorded["::test_other"].trials[0].calls} == {"scripted/other"}

    # A selector that scores the trial, too, is told of; one that only chooses is not.
    told = {each.node_id.partition("::")[2]: " ".join(each.notices) for each in recorded.results}
    assert "chooses the answer and scores it, too" in told["test_scored_in_a_plain_body"]
    assert "chooses the answer" not in told["test_scored"] + told["test_judged"]
    assert result.ret == 0


WRONG = """
from pytest_velo.elicit import best_of, chain_of_thought, few_shot, zero_shot

CASES = [{"question": "Which?", "answer": "yes"}]

def one(*rungs, **keywords):
    return pytest.mark.hypothesis(rate >= 0.1, ladder=list(rungs), models=[YES], max_trials=20, **keywords)

def peeking(velo):
    def choose(prompt, replies):
        return replies[0] if velo.case.answer == replies[0] else replies[1]
    return choose

PEEK = []

@one(best_of(2, lambda prompt, replies: PEEK[0](prompt, replies)), cases=CASES)
async def test_sees_the_case(velo, case):
    PEEK[:] = [peeking(velo)]
    return await velo.strategy(case.question) == case.answer

@one(best_of(2, lambda prompt, replies: "the first"))
async def test_returns_a_text(strategy):
    return await strategy("Which?") == "yes"

def asserting(prompt, replies):
    assert replies[0] == "no"
    return 0

@one(best_of(2, asserting))
async def test_asserts(strategy):
    return await strategy("Which?") == "yes"

@one(best_of(2))
async def test_is_not_awaited(strategy):
    call = strategy("Which?")
    return call is not None

@one(few_shot([{"question": "which? ", "answer": "yes"}], k=1))
async def test_shows_the_prompt(strategy):
    return await strategy("Which?") == "yes"

@one(chain_of_thought())
async def test_wants_a_schema(strategy):
    return await strategy("Which?", schema={"type": "object"}) == "yes"
"""


def test_a_mistake_in_a_rung_is_an_error_and_no_outcome(run):
    run.file(WRONG)
    run("--tb=short")
    said = {each.node_id.partition("::test_")[2]: each.problem for each in run.record.results}
    assert {each.outcome.value for each in run.record.results} == {"error"}
    for name, what in {
        "sees_the_case": "velo.case was used outside a running trial",
        "returns_a_text": "returned 'the first'",
        "asserts": "the selector asserting raised AssertionError",
        "is_not_awaited": "a model call was never awaited",
        "shows_the_prompt": "is the prompt itself, so its answer would be given away",
        "wants_a_schema": "schema= asks for something else",
    }.items():
        assert what in said[name], said[name]
        assert "fix: " in said[name]
