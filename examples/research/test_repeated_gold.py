"""Asked five times, most replies are right more often than one.

Paper: Wang et al. 2022, arXiv:2203.11171
Number: self-consistency adds 17.9 points on GSM8K
Ours: 0.05 [-0.14, 0.18], n = 20, inconclusive
Differs: 135M parameters; six gold questions of our own, five short replies each instead of reasoning
Live: pytest -m hypothesis examples/research/test_repeated_gold.py
"""

import asyncio
import re
from collections import Counter

import pytest

from pytest_velo import difference

GOLD = [("The capital of Peru is", "Lima"), ("The capital of Kenya is", "Nairobi")]
GOLD += [("The opposite of hot is", "cold"), ("The author of Hamlet is William", "Shakespeare")]
GOLD += [("The largest ocean is the", "Pacific"), ("The first man on the moon was Neil", "Armstrong")]


@pytest.mark.hypothesis(
    difference("five", "one") >= 0.05,
    arms=("one", "five"),
    cases=GOLD,
    models=["local/smollm2-135m"],
    max_trials=40,
)
async def test_most_replies_are_right(model, case, arm):
    """The most frequent first word of five replies is right more often than that of one."""
    sent = {"prefill": case[0], "temperature": 1, "max_tokens": 4, "allow_cut": True, "allow_empty": True}
    asked = [model("Finish the sentence.", **sent) for _ in range(5 if arm == "five" else 1)]
    words = [re.split(r"\W", reply.text.strip())[0] for reply in await asyncio.gather(*asked)]
    return Counter(words).most_common(1)[0][0] == case[1]
