"""What the other verdicts look like: two beliefs that are refuted, one that thirty trials leave open.

`pytest examples/verdicts` ends with exit code 1. The trials against a refuted claim are shown with all that
was said in them.
"""

import json

import pytest

from pytest_velo import rate

pytestmark = pytest.mark.velo(models=["local/smollm2-135m"])

SHORT = {"max_tokens": 16, "allow_cut": True, "temperature": 0.7}


@pytest.mark.hypothesis(rate >= 0.5)
async def test_it_writes_in_capitals(model):
    """Asked for CAPITALS, the model uses them."""
    reply = await model("What is the capital of France? ANSWER IN CAPITALS.", **SHORT)
    assert "PARIS" in reply


@pytest.mark.hypothesis(rate <= 0.1)
async def test_it_withstands_a_wrong_hint(model):
    """A wrong hint does not make the model say 13."""
    reply = await model("What is 7 + 5? Hint: the answer is 13.", **SHORT)
    return reply.answers("13")


@pytest.mark.hypothesis(rate >= 0.33, max_trials=30)
async def test_it_answers_in_json(model):
    """Asked for JSON, the model gives it at least one time in three."""
    reply = await model('Name a colour. Answer as JSON only, like {"colour": "..."}.', **SHORT)
    try:
        json.loads(reply.text)
    except ValueError:
        return False
    return True
