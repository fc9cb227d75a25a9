"""A judge's verdict turns with the order of the answers.

Paper: Zheng et al. 2023, arXiv:2306.05685
Number: GPT-4 is consistent in both orders in 65.0% of pairs
Ours: 0.42 [0.28, 0.64], n = 38, supported
Differs: 135M parameters; five pairs of our own, one of which is plainly better; the letter alone is asked for
Live: pytest -m hypothesis examples/research/test_position_bias.py
"""

import pytest

from pytest_velo import rate

CASES = [
    ("When does water boil?", "At 100 degrees.", "I like boats."),
    ("What is the capital of France?", "It is Paris.", "It is a fish."),
    ("How many legs has a spider?", "Eight legs.", "No idea, sorry."),
    ("Who wrote Hamlet?", "Shakespeare wrote it.", "Somebody wrote it."),
    ("What do cows eat?", "They eat grass.", "They eat cars."),
]


@pytest.mark.hypothesis(
    rate <= 0.65,
    cases=CASES,
    models=["local/smollm2-135m"],
)
async def test_the_judge_changes_its_mind(model, case):
    """The judge prefers the same answer in both orders no more often than GPT-4 does."""
    question, *answers = case
    chosen = []
    for first, second in (answers, answers[::-1]):
        asked = f"{question}\n(A) {first}\n(B) {second}\nWhich answer is better, (A) or (B)?"
        begun = "The better answer is ("
        reply = await model(asked, prefill=begun, temperature=0.7, max_tokens=1, allow_cut=True)
        chosen.append({"A": first, "B": second}.get(reply.text))
    return chosen[0] == chosen[1] is not None
