"""A few examples in the prompt improve the answers.

Paper: Brown et al. 2020, arXiv:2005.14165
Number: TriviaQA: 64.3% without examples, 71.2% with some (GPT-3 175B)
Ours: 0.30 [0.10, 0.52], n = 33, supported
Differs: 135M parameters, seven capitals of our own; the word alone is right, so much of the gain is form
Live: pytest -m hypothesis examples/research/test_few_shot.py
"""

import pytest

from pytest_velo import difference

SHOWN = [("Cuba", "Havana"), ("Greece", "Athens"), ("China", "Beijing")]
CASES = [("Egypt", "Cairo"), ("France", "Paris"), ("Italy", "Rome"), ("Japan", "Tokyo")]
CASES += [("Norway", "Oslo"), ("Poland", "Warsaw"), ("Spain", "Madrid")]


@pytest.mark.hypothesis(
    difference("shown", "none") >= 0.1,
    arms=("none", "shown"),
    cases=CASES,
    models=["local/smollm2-135m"],
)
async def test_examples_help(model, case, arm):
    """Shown three examples, the model answers with the right word alone more often."""
    shown = SHOWN if arm == "shown" else []
    turns = [(("user", f"capital of {of}"), ("assistant", capital)) for of, capital in [*shown, case]]
    messages = [{"role": role, "content": text} for pair in turns for role, text in pair]
    reply = await model(messages[:-1], temperature=0.7, max_tokens=6, stop="\n", allow_cut=True)
    return reply.text.strip(" .") == case[1]
