"""Probabilities read from one reply: what a model might have said at a token, besides what it said."""

from __future__ import annotations

import pytest

from pytest_velo.errors import BodyError
from pytest_velo.logprobs import TokenLogprob, check_given, probability, spellings


def test_probability_leaves_what_is_hidden_open() -> None:
    token = TokenLogprob(token="B", logprob=-1.2, top={"A": -0.7, "B": -1.2, " A": -3.0, " B": -5.0})
    found = probability([token], ["A"])
    assert round(found, 6) == 0.546372
    assert round(found.missing, 3) == 0.146
    assert found.hidden == 0


def test_logprobs_asked_for_and_not_given_are_an_error() -> None:
    check_given([TokenLogprob(token="A", logprob=-0.1)], text="A", reasoning=None, refused=False)
    with pytest.raises(BodyError) as caught:
        check_given([], text="A", reasoning=None, refused=True)
    assert caught.value.what == "logprobs= was set, but the provider returned none with this reply"
    assert (
        caught.value.fix == "leave stop= out, or claim a rate: a model without logprobs can only be sampled"
    )


def test_a_word_may_follow_a_space() -> None:
    assert spellings("A") == ("A", " A")
    assert spellings(" A") == (" A",)
