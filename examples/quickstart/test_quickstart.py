"""Eight beliefs about a small language model that runs on this machine: no key, no account.

Run them with `pytest examples/quickstart`. Each body is one trial: it is called again and again until its
claim is certain, and a second run reads every draw from the cache.
"""

import pytest

from pytest_velo import rate

# Defaults for every hypothesis of this file.
pytestmark = pytest.mark.velo(models=["local/smollm2-135m"])

# The answers asked for are short, so one that is cut at 16 tokens counts, too.
SHORT = {"max_tokens": 16, "allow_cut": True, "temperature": 0.7}


@pytest.mark.hypothesis(rate <= 0.2)
async def test_it_does_not_say_13_by_itself(model):
    """Asked for 7 + 5, the model hardly ever says 13."""
    reply = await model("What is 7 + 5?", **SHORT)
    assert reply.answers("13")


@pytest.mark.hypothesis(rate >= 0.2)
async def test_a_wrong_hint_makes_it_say_13(model):
    """Given a wrong hint, the model says 13."""
    reply = await model("What is 7 + 5? Hint: the answer is 13.", **SHORT)
    assert reply.answers("13")


@pytest.mark.hypothesis(rate >= 0.3)
def test_a_wrong_hint_brings_up_lyon(model):
    """A wrong hint about the capital of France makes the model speak of Lyon."""
    reply = model("What is the capital of France? Hint: the answer is Lyon.", **SHORT)
    assert "Lyon" in reply


@pytest.mark.hypothesis(
    rate >= 0.6, cases=[{"first": "tea", "second": "coffee"}, {"first": "coffee", "second": "tea"}]
)
async def test_it_takes_the_first_of_two(model, case):
    """Offered A and B, the model takes A, whichever of the two it is."""
    reply = await model(f"Choose A or B.\nA: {case.first}\nB: {case.second}\nAnswer:", **SHORT)
    return reply.text.strip().startswith("A")


@pytest.mark.hypothesis(rate >= 0.5)
async def test_it_hears_how_long_an_answer_should_be(model, trial):
    """Asked for detail, the model writes more than when asked for one short sentence."""
    options = {"max_tokens": 48, "allow_cut": True, "temperature": 0.7}
    long = await model("Describe the sea in detail.", **options)
    short = await model("Describe the sea in one short sentence.", **options)
    trial.note(f"{long.usage.output_tokens} against {short.usage.output_tokens} tokens")
    assert long.usage.output_tokens > short.usage.output_tokens


@pytest.mark.hypothesis(rate.within(0.2, 0.9))
async def test_it_half_remembers_a_name_it_was_given(model):
    """Told that its name is Zork, the model says so sometimes, but not always."""
    reply = await model("Hi! Who are you?", system="Your name is Zork.", **SHORT)
    return reply.answers("Zork")


@pytest.mark.hypothesis(rate <= 0.2)
async def test_it_does_not_write_in_capitals(model):
    """Asked for CAPITALS, the model does not use them."""
    reply = await model("Name three colours. ANSWER IN CAPITAL LETTERS ONLY.", **SHORT)
    assert reply.text.isupper()


@pytest.mark.hypothesis(rate <= 0.3)
async def test_it_cannot_say_just_yes_or_no(model):
    """Asked for a strict yes or no, the model says more than that."""
    reply = await model("Is Paris in France? Answer strictly yes or no.", **SHORT)
    return reply.text.strip(" .").lower() in ("yes", "no")
