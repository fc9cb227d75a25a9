"""What was recorded before the rooms were moved: every kind of claim, with scripted models."""

import pytest
from pytest_velo import baseline, cases, difference, estimate, mean, rate, scripted

QUESTIONS = [{"id": f"q{n}", "question": f"What is {n} + 1?", "answer": str(n + 1), "topic": n % 5} for n in range(40)]


def adds(request, rng):
    question = request.messages[-1]["content"]
    right = str(int(question.split()[2]) + 1)
    return right if rng.random() < (0.9 if "think" in question else 0.6) else "I do not know."


ADDS = scripted("adds", adds)
pytestmark = pytest.mark.velo(models=[ADDS])


@pytest.mark.hypothesis(rate >= 0.4, cases=QUESTIONS, max_trials=100)
async def test_rate(model, case):
    """It adds one."""
    return (await model(case.question)).answers(case.answer)


@pytest.mark.hypothesis(rate <= 0.3, cases=QUESTIONS)
def test_refuted(model, case):
    assert model(case.question).answers(case.answer)


@pytest.mark.hypothesis(difference("thinks", "plain") >= 0.1, arms=("plain", "thinks"), cases=QUESTIONS)
async def test_difference(model, case, arm):
    hint = " Please think." if arm == "thinks" else ""
    return (await model(case.question + hint)).answers(case.answer)


@pytest.mark.hypothesis(mean(0, 10) >= 3, max_trials=40)
async def test_mean(model, trial):
    return len((await model("What is 8 + 1?")).text) % 10 + 0.5


@pytest.mark.hypothesis((rate("right") >= 0.3) & (rate("long") <= 0.8), cases=QUESTIONS, max_trials=60)
async def test_joint(model, case):
    reply = await model(case.question)
    return {"right": reply.answers(case.answer), "long": len(reply.text) > 5}


@pytest.mark.hypothesis(estimate(rate, halfwidth=0.2), cases=QUESTIONS)
async def test_estimate(model, case, velo):
    reply = await model(case.question)
    if case.question.startswith("What is 7 "):
        velo.invalid("nobody asks for eight")
    return reply.answers(case.answer)


@pytest.mark.hypothesis(rate >= 0.3, cases=cases(QUESTIONS, group="topic"), max_trials=5, alpha=0.3)
async def test_groups(model, case):
    return (await model(case.question)).answers(case.answer)


@pytest.mark.hypothesis(rate >= 0.3, cases=QUESTIONS, once=True)
async def test_census(model, case):
    return (await model(case.question)).answers(case.answer)


@pytest.mark.hypothesis(rate >= baseline - 0.3, cases=QUESTIONS, max_trials=60)
async def test_baseline(model, case):
    return (await model(case.question)).answers(case.answer)
