"""One belief, settled twice: by the probabilities of one token, and by drawing that token again and again.

Run them with `pytest examples/probabilities -m velo`: no key, no account. Where the answer is one token and
the provider lists its probabilities, each call says how probable the answer was instead of whether it came
up this once: what is left to chance is only which case is asked.
"""

import pytest

from pytest_velo import mean, rate

OFFERS = [
    ("tea", "coffee"),
    ("coffee", "tea"),
    ("a cat", "a dog"),
    ("bread", "rice"),
    ("red", "blue"),
    ("the sea", "the hills"),
]
pytestmark = pytest.mark.velo(models=["local/smollm2-135m"], cases=OFFERS, max_trials=600)

# The listed probabilities are the model's at temperature 1, so that is what sampling has to draw at. One
# token is cut at once, and an answer that ends before it begins is an answer that is not A.
ONE_TOKEN = {"temperature": 1.0, "max_tokens": 1, "allow_cut": True, "allow_empty": True}


def offer(case):
    first, second = case
    return f"Choose A or B.\nA: {first}\nB: {second}\nAnswer:"


@pytest.mark.hypothesis(mean(0, 1) >= 0.5)
async def test_it_takes_the_first_by_probability(model, case):
    """Offered A and B, the model says A more often than not: read from its probabilities."""
    reply = await model(offer(case), logprobs=20, **ONE_TOKEN)
    return reply.prob("A")


@pytest.mark.hypothesis(rate >= 0.5)
async def test_it_takes_the_first_by_sampling(model, case):
    """Offered A and B, the model says A more often than not: drawn."""
    reply = await model(offer(case), **ONE_TOKEN)
    return reply.text.strip() == "A"
