"""Rewarding results rewards wrong steps, too.

Paper: Uesato et al. 2022, arXiv:2211.14275
Number: wrong steps in 14.0% of solutions with a right result, in 3.4% with the best supervision
Ours: 0.00 [-0.05, 0.05], n = 70, refuted
Differs: 135M parameters, sums of three numbers; nothing is trained: two rewards for the same replies
Live: pytest -m hypothesis examples/research/test_process_outcome.py
"""

import re

import pytest

from pytest_velo import difference

SUMS = [(4, 5, 6), (7, 2, 8), (3, 3, 5), (1, 8, 2), (5, 5, 4), (9, 1, 6)]
SHOWN = [("user", "2 + 3 + 4"), ("assistant", "2 + 3 = 5\n5 + 4 = 9")]
SHOWN += [("user", "6 + 1 + 3"), ("assistant", "6 + 1 = 7\n7 + 3 = 10")]


@pytest.mark.hypothesis(
    difference("outcome", "process") >= 0.05,
    arms=("process", "outcome"),
    cases=SUMS,
    models=["local/smollm2-135m"],
)
async def test_results_hide_wrong_steps(model, case, arm):
    """Replies whose result is right are more frequent than those whose steps are, too."""
    a, b, c = case
    turns = [*SHOWN, ("user", f"{a} + {b} + {c}")]
    messages = [{"role": role, "content": text} for role, text in turns]
    reply = await model(messages, temperature=0.3, max_tokens=24, allow_cut=True)
    if arm == "process":
        return reply.text.split("\n") == [f"{a} + {b} = {a + b}", f"{a + b} + {c} = {a + b + c}"]
    return re.findall(r"\d+", f"{reply} ")[-1:] == [str(a + b + c)]
