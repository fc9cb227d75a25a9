"""What `velo init` writes: a first test, and a workflow that runs the tests on recorded draws."""

from __future__ import annotations

STAND_IN = """\
# A stand-in that answers at once and costs nothing. Put a model's id in its place:
# "local/smollm2-135m" after `velo pull`, or "openai/gpt-5-mini" with a key.
MODEL = scripted("pupil", ["Paris.", "It is Paris.", "Paris, I think.", "Lyon."])
"""

_TEST = '''\
"""Beliefs about a model. The body is one trial; the mark says how often it holds."""

import pytest
from pytest_velo import {names}

{model}

@pytest.mark.hypothesis(rate >= 0.5, models=[MODEL])
async def test_it_knows_the_capital(model):
    """The model knows the capital of France."""
    reply = await model("What is the capital of France?")
    assert reply.answers("Paris")
'''

WORKFLOW = """\
# The hypotheses on recorded draws: no key, no cost.
# To record draws: pytest -m hypothesis && velo cassette export {cassettes}/draws.jsonl
name: velo
on: [push, pull_request]
permissions:
  contents: read
jobs:
  hypotheses:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - uses: actions/setup-python@v5
        with:
          python-version: "3.13"
      - run: pip install pytest-velo # and what your tests need
      - run: pytest -m hypothesis --velo-mode=replay
"""

FOLDER_NOTE = """\
Recorded draws, read by `pytest --velo-mode=replay`.

    velo cassette export {cassettes}/draws.jsonl

writes those of the latest run. Commit the file.
"""


def first_test(model: str | None) -> str:
    """Return the source of a first test, of a model or of a stand-in."""
    if model is None:
        return _TEST.format(names="rate, scripted", model=STAND_IN)
    return _TEST.format(names="rate", model=f'MODEL = "{model}"\n')
