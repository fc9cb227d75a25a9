"""A guard: the assistant greets customers by name no less often than it did when the baseline was made.

The prompt lies outside the body, in `prompt.txt`: it is what is guarded. README.md tells the story.
"""

from pathlib import Path

import pytest

from pytest_velo import baseline, rate

PROMPT = Path(__file__).with_name("prompt.txt").read_text(encoding="utf-8").strip()
NAMES = ["Ada", "Boris", "Chen", "Dana", "Emil", "Fatima", "Grace", "Hugo", "Ines", "Jonas", "Kofi", "Lena"]


@pytest.mark.hypothesis(
    rate >= baseline - 0.15, guards="prompt", cases=NAMES, models=["local/smollm2-135m"], max_trials=60
)
async def test_it_greets_by_name(model, case):
    """The assistant begins its letters with the customer's name."""
    letter = await model(PROMPT.format(name=case), temperature=0.5, max_tokens=12, allow_cut=True)
    return case in letter
