"""What a test is an attempt at."""

from __future__ import annotations

from pytest_velo.designing.attempts import belief_at
from pytest_velo.records import Belief


def test_a_belief_is_known_by_its_test_without_the_model_and_by_its_first_line() -> None:
    found = belief_at("test_a.py::test_it[fr-openai/m]", "It answers.\n\nMore.", "openai/m", None)
    assert found == Belief(test="test_a.py::test_it[fr]", sentence="It answers. [fr]")
