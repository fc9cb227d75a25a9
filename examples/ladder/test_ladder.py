"""A ladder: the cheapest way to ask that works, on a small model that runs on this machine.

Run it with `pytest examples/ladder`. The rungs are tried one after another until the claim is supported on
one; the error over all of them is at most alpha. A second run reads every draw from the cache.
"""

import pytest

from pytest_velo import rate
from pytest_velo.elicit import few_shot, model, zero_shot

COLOURS = {"black", "blue", "brown", "green", "grey", "orange", "pink", "purple", "red", "white", "yellow"}

SHOWN = [
    {"question": "colour of grass", "answer": "green"},
    {"question": "colour of snow", "answer": "white"},
    {"question": "colour of coal", "answer": "black"},
    {"question": "colour of blood", "answer": "red"},
    {"question": "colour of chocolate", "answer": "brown"},
    {"question": "colour of a flamingo", "answer": "pink"},
]


@pytest.mark.hypothesis(
    rate >= 0.6,
    cases=["the sky", "a lemon", "a tomato", "a cherry", "an elephant"],
    models=["local/smollm2-135m"],
    ladder=[
        zero_shot(),
        few_shot(SHOWN, k=4),
        model("openai/gpt-5-mini", skip="nothing is paid for here"),
    ],
)
async def test_it_answers_in_a_word(strategy, case):
    """Asked for the colour of a thing, the model names a colour and says nothing else."""
    reply = await strategy(f"colour of {case}", max_tokens=8, allow_cut=True, temperature=0.7)
    return reply.text.strip(" .\n").lower() in COLOURS
