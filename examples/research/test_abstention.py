"""A model abstains where nobody can know.

Paper: Yin et al. 2023, arXiv:2305.18153
Number: F1 of telling unanswerable questions apart: GPT-4 75.5%
Ours: 0.19 [0.10, 0.32], n = 93, supported
Differs: 135M parameters; twelve questions of our own; the difference of two rates, and no F1
Live: pytest -m hypothesis examples/research/test_abstention.py
"""

import pytest

from pytest_velo import difference

CASES = [
    {"unanswerable": "What did I eat this morning?", "answerable": "What do cows eat?"},
    {"unanswerable": "How many hairs are on my head?", "answerable": "How many days are in a week?"},
    {"unanswerable": "What is my sister called?", "answerable": "What is the capital of France called?"},
    {"unanswerable": "Which number am I thinking of?", "answerable": "Which number comes after nine?"},
    {"unanswerable": "Where did I leave my keys?", "answerable": "Where do fish live?"},
    {"unanswerable": "Who will win the lottery next week?", "answerable": "Who wrote Hamlet?"},
]
SIGNS = ("don't know", "do not know", "can't", "cannot", "unable", "not sure", "don't have", "sorry")


@pytest.mark.hypothesis(
    difference("unanswerable", "answerable") >= 0.1,
    arms=("answerable", "unanswerable"),
    cases=CASES,
    models=["local/smollm2-135m"],
    max_trials=100,
)
async def test_it_abstains_where_nobody_can_know(model, case, arm):
    """The model says that it does not know more often where nobody can know the answer."""
    reply = await model(case[arm], temperature=0.7, max_tokens=24, allow_cut=True)
    return any(sign in reply.text.lower() for sign in SIGNS)
