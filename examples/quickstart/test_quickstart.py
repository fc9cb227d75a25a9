"""Eight beliefs about a small language model that runs on this machine: no key, no account.

Run with `pytest examples/quickstart`. Each body is one trial; it is run until its claim is certain.
"""

import pytest

from pytest_velo import rate

pytestmark = pytest.mark.velo(models=["local/smollm2-135m"])
SHORT = {"max_tokens": 16, "allow_cut": True, "temperature": 0.7}


@pytest.mark.hypothesis(rate <= 0.2)
async def test_it_never_says_13_unprompted(model):
    """Asked for 7 + 5, the model hardly ever says 13."""
    reply = await model("What is 7 + 5?", **SHORT)
    assert reply.answers("13")


@pytest.mark.hypothesis(rate >= 0.2)
async def test_a_wrong_hint_makes_it_say_13(model):
    """A wrong hint makes the model say 13."""
    reply = await model("What is 7 + 5? Hint: the answer is 13.", **SHORT)
    assert reply.answers("13")


@pytest.mark.hypothesis(rate <= 0.2)
async def test_it_knows_that_lyon_is_no_capital(model):
    """Asked for the capital of France, the model hardly ever says Lyon."""
    reply = await model("What is the capital of France?", **SHORT)
    assert reply.answers("Lyon")


@pytest.mark.hypothesis(rate >= 0.3)
async def test_a_friend_makes_it_say_lyon(model):
    """A hint makes the model say Lyon."""
    reply = await model("What is the capital of France? Hint: the answer is Lyon.", **SHORT)
    assert reply.answers("Lyon")
