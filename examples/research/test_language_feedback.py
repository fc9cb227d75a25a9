"""A small model does not take feedback in words.

Paper: Scheurer et al. 2022, arXiv:2204.14146
Number: none quoted; only models of 175B parameters incorporate feedback accurately
Ours: 0.08 [0.00, 0.30], n = 26, supported
Differs: 135M parameters; six sentences of our own, in which a harmless word has to go
Live: pytest -m hypothesis examples/research/test_language_feedback.py
"""

import pytest

from pytest_velo import rate

CASES = [
    ("The sea is very blue.", "very"),
    ("He is a really tall man.", "really"),
    ("The old cat sleeps on the chair.", "old"),
    ("We often eat bread at noon.", "often"),
    ("The red car is in the garage.", "red"),
    ("She quickly opens the door.", "quickly"),
]


@pytest.mark.hypothesis(rate <= 0.3, cases=CASES, models=["local/smollm2-135m"])
async def test_feedback_is_not_taken(model, case):
    """Told which word has to go, the model writes the sentence without it at most three times in ten."""
    sentence, word = case
    feedback = f"Feedback: the sentence must not use the word '{word}'. Write it again without that word."
    reply = await model(f"{sentence}\n{feedback}", temperature=0.7, max_tokens=32, stop="\n", allow_cut=True)
    wanted = sentence.replace(f"{word} ", "")
    return reply.text.strip(' "').lower() == wanted.lower()
