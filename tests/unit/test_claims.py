"""Claims are values: they compare nothing, sample nothing, and refuse what cannot be tested."""

from __future__ import annotations

import math

import pytest

from pytest_velo.claims import Claim, Direction, difference, mean, rate
from pytest_velo.errors import UsageError


@pytest.mark.parametrize(
    ("claim", "direction", "low", "high", "name", "text"),
    [
        (rate >= 0.3, Direction.AT_LEAST, 0.3, None, None, "rate >= 0.3"),
        (rate <= 0.05, Direction.AT_MOST, None, 0.05, None, "rate <= 0.05"),
        (0.3 <= rate, Direction.AT_LEAST, 0.3, None, None, "rate >= 0.3"),  # noqa: SIM300
        (0.05 >= rate, Direction.AT_MOST, None, 0.05, None, "rate <= 0.05"),  # noqa: SIM300
        (rate.within(0.4, 0.6), Direction.WITHIN, 0.4, 0.6, None, "rate.within(0.4, 0.6)"),
        (rate("asr") <= 0.1, Direction.AT_MOST, None, 0.1, "asr", 'rate("asr") <= 0.1'),
        (rate("asr").within(0.1, 0.2), Direction.WITHIN, 0.1, 0.2, "asr", 'rate("asr").within(0.1, 0.2)'),
    ],
)
def test_a_claim_is_what_was_written(claim, direction, low, high, name, text):
    assert (claim.direction, claim.low, claim.high, claim.statistic.name) == (direction, low, high, name)
    assert str(claim) == text
    assert str(claim.statistic) in text


def test_the_threshold_of_a_claim():
    assert (rate >= 0.3).threshold == 0.3
    assert (rate <= 0.3).threshold == 0.3
    assert rate.within(0.3, 0.6).threshold == 0.3


def test_claims_are_equal_by_what_they_say_and_can_stand_in_sets():
    assert {rate >= 0.3, rate >= 0.3, rate <= 0.3} == {rate <= 0.3, rate >= 0.3}
    assert (rate >= 0.3) != (rate("asr") >= 0.3)


def test_a_claim_is_frozen():
    with pytest.raises(AttributeError):
        (rate >= 0.3).low = 0.1  # type: ignore[misc]


def test_a_claim_is_no_callable_that_pytest_could_take_for_a_decorated_function():
    claim = rate >= 0.3
    assert not callable(claim)
    assert pytest.mark.hypothesis(claim).args == (claim,)


def test_a_named_rate_leaves_the_plain_one_alone():
    assert repr(rate("asr")) == 'rate("asr")'
    assert repr(rate) == "rate"
    assert (rate >= 0.3).statistic.name is None


@pytest.mark.parametrize("value", [0, 1, 0.0, 1.0])
@pytest.mark.parametrize(
    ("make", "sign"),
    [(rate.__ge__, ">="), (rate.__le__, "<=")],
    ids=["at least", "at most"],
)
def test_thresholds_of_zero_and_one_cannot_be_tested(make, sign, value):
    with pytest.raises(UsageError, match=f"rate {sign} {value:g} cannot be tested") as raised:
        make(value)
    assert raised.value.fix


@pytest.mark.parametrize(
    ("value", "what", "fix"),
    [
        (30, "got 30", "rate >= 0.3"),
        (1.5, r"got 1\.5", "rate >= 0.015"),
        (-0.1, r"got -0\.1", "move it inside the range"),
        (250, "got 250", "move it inside the range"),
        (math.inf, "got inf", "move it inside the range"),
        (math.nan, "got nan", "rate >= 0.7"),
        (True, "got True", "rate >= 0.7"),
        ("0.3", "got '0.3'", "rate >= 0.7"),
        (None, "got None", "rate >= 0.7"),
    ],
)
def test_a_threshold_that_is_none_says_what_to_write(value, what, fix):
    with pytest.raises(UsageError, match=what) as raised:
        rate >= value  # noqa: B015
    assert raised.value.fix == fix


@pytest.mark.parametrize(
    ("make", "what", "fix"),
    [
        (lambda: rate.within(0.6, 0.4), "rate.within(0.6, 0.4) is empty", "rate.within(0.4, 0.6)"),
        (lambda: rate.within(0.5, 0.5), "rate.within(0.5, 0.5) is one value", "rate.within(0.45, 0.55)"),
        (lambda: rate.within(0.02, 0.02), "is one value", "rate.within(0.01, 0.07)"),
        (lambda: mean(0, 10).within(9, 9), "is one value", "mean(0, 10).within(8.5, 9.5)"),
        (lambda: rate.within(0, 0.5), "an end that it cannot pass", "rate <= 0.5"),
        (lambda: rate.within(0.5, 1), "an end that it cannot pass", "rate >= 0.5"),
        (lambda: mean(0, 10).within(0, 5), "an end that it cannot pass", "mean(0, 10) <= 5"),
        (lambda: rate.within(0, 1), "every value satisfies it", "rate.within(0.3, 0.7)"),
        (lambda: rate.within(30, 50), "between 0 and 1, got 30", "rate.within(0.3, 0.5)"),
        (lambda: rate.within(50, 30), "between 0 and 1, got 50", "rate.within(0.3, 0.5)"),
        (lambda: rate.within(50, 50), "between 0 and 1, got 50", "rate.within(0.3, 0.7)"),
        (lambda: rate.within(0.5, 1.5), "between 0 and 1, got 1.5", "rate.within(0.3, 0.7)"),
        (lambda: rate.within("0.3", 0.5), "a number between 0 and 1, got '0.3'", "rate.within(0.3, 0.7)"),
        (lambda: rate.within(math.nan, 0.5), "got nan", "rate.within(0.3, 0.7)"),
        (lambda: difference("a", "b").within("0.1"), "got '0.1'", 'difference("a", "b").within(-0.4, 0.4)'),
        (lambda: difference("a", "b").within(None), "got None", 'difference("a", "b").within(-0.4, 0.4)'),
        (lambda: difference("a", "b").within(0), "is one value", 'difference("a", "b").within(-0.1, 0.1)'),
    ],
)
def test_a_range_that_is_none_says_what_to_write(make, what, fix):
    with pytest.raises(UsageError) as raised:
        make()
    assert what in raised.value.what
    assert raised.value.fix == fix


def test_strict_comparisons_are_refused_with_the_claim_to_write():
    with pytest.raises(UsageError) as raised:
        rate > 0.3  # noqa: B015
    assert raised.value.fix == "rate >= 0.3"
    with pytest.raises(UsageError) as raised:
        rate < 0.3  # noqa: B015
    assert raised.value.fix == "rate <= 0.3"


@pytest.mark.parametrize("name", ["", 3, None])
def test_a_rates_name_is_a_text(name):
    with pytest.raises(UsageError, match="an outcome's name must be a string"):
        rate(name)


def test_a_chain_of_comparisons_is_refused_before_half_of_it_is_lost():
    with pytest.raises(UsageError, match="has no truth value") as raised:
        0.2 <= rate <= 0.4  # noqa: B015
    assert "rate.within(0.2, 0.4)" in raised.value.fix


def test_a_claim_about_any_statistic_is_a_claim():
    claims = (rate >= 0.3, rate.within(0.3, 0.6), mean(0, 10) >= 7, difference("a", "b") <= 0.1)
    assert all(isinstance(claim, Claim) for claim in claims)


@pytest.mark.parametrize(
    ("claim", "text", "low", "high"),
    [
        (mean(0, 10) >= 7, "mean(0, 10) >= 7", 7, None),
        (mean(1, 5, "help") <= 2.5, 'mean(1, 5, "help") <= 2.5', None, 2.5),
        (difference("a", "b") >= -0.1, 'difference("a", "b") >= -0.1', -0.1, None),
        (difference("a", "b").within(0.05), 'difference("a", "b").within(-0.05, 0.05)', -0.05, 0.05),
        (
            difference("a", "b", of=mean(0, 10)).within(-1, 2),
            'difference("a", "b", of=mean(0, 10)).within(-1, 2)',
            -1,
            2,
        ),
    ],
)
def test_claims_about_scores_and_arms_are_what_was_written(claim, text, low, high):
    assert (str(claim), claim.low, claim.high) == (text, low, high)


def test_a_scale_maps_thresholds_to_the_unit_interval_and_back():
    for statistic, value, unit in [
        (rate, 0.3, 0.3),
        (mean(0, 10), 7, 0.7),
        (mean(-1, 1), 0, 0.5),
        (difference("a", "b"), 0.1, 0.55),
        (difference("a", "b", of=mean(0, 10)), -10, 0.0),
    ]:
        assert statistic.scale.to_unit(value) == pytest.approx(unit)
        assert statistic.scale.from_unit(unit) == pytest.approx(value)


@pytest.mark.parametrize(
    "make",
    [
        lambda: mean(3, 3),
        lambda: mean(0, math.inf),
        lambda: mean(0, 10) >= 10,
        lambda: mean(0, 10) <= 11,
        lambda: difference("a", "a"),
        lambda: difference("", "b"),
        lambda: difference("a", "b", of=0.5),
        lambda: difference("a", "b") >= 1,
        lambda: rate("a") <= 0.05 & rate("b") <= 0.05,
        lambda: (rate >= 0.3) | (rate <= 0.1),
        lambda: (rate >= 0.3) & (rate <= 0.4),
    ],
)
def test_what_claims_nothing_says_what_to_write(make):
    with pytest.raises(UsageError) as raised:
        make()
    assert raised.value.fix
