"""Joint claims, numbers and baselines are values too, and say what to write where they make no sense."""

from __future__ import annotations

import math

import pytest

from pytest_velo import baseline, difference, estimate, mean, ranking, rate
from pytest_velo.claims import Change, Claim, Direction, Estimation, Joint
from pytest_velo.errors import UsageError

A, B = rate("a") <= 0.1, mean(0, 10, "b") >= 7


def test_parts_keep_their_order_however_they_are_joined():
    for joint in (A & B & (rate("c") >= 0.5), A & (B & (rate("c") >= 0.5)), (A & B) & (rate("c") >= 0.5)):
        assert isinstance(joint, Joint)
        assert str(joint) == '(rate("a") <= 0.1) & (mean(0, 10, "b") >= 7) & (rate("c") >= 0.5)'
        assert [statistic.name for statistic in joint.statistics] == ["a", "b", "c"]


def test_the_shape_of_a_claim_leaves_its_numbers_out():
    assert (rate >= 0.3).shape == (rate >= 0.6).shape != (rate <= 0.3).shape
    assert (A & B).shape == ((rate("a") <= 0.3) & (mean(0, 10, "b") >= 1)).shape != (B & A).shape
    assert estimate(rate, halfwidth=0.1).shape == estimate(rate, halfwidth=0.2).shape != (rate >= 0.3).shape
    assert (rate >= baseline - 0.1).shape == (rate >= baseline).shape != (rate >= 0.1).shape


@pytest.mark.parametrize(
    ("claim", "text", "low", "high"),
    [
        (rate >= baseline - 0.1, "rate >= baseline - 0.1", -0.1, None),
        (rate("asr") <= baseline + 0.05, 'rate("asr") <= baseline + 0.05', None, 0.05),
        (mean(0, 10) >= baseline, "mean(0, 10) >= baseline", 0, None),
        (mean(0, 10) >= baseline - 0.25 - 0.25, "mean(0, 10) >= baseline - 0.5", -0.5, None),
        (baseline - 0.1 <= rate, "rate >= baseline - 0.1", -0.1, None),
        (
            rate.within(baseline - 0.1, baseline + 0.2),
            "rate.within(baseline - 0.1, baseline + 0.2)",
            -0.1,
            0.2,
        ),
    ],
)
def test_a_claim_about_a_baseline_is_one_about_the_change(claim, text, low, high):
    assert isinstance(claim, Claim)
    assert isinstance(claim.statistic, Change)
    assert (str(claim), claim.low, claim.high) == (text, low, high)
    assert claim.statistic.arms == ("now", "baseline")
    span = claim.statistic.of.scale.span
    assert tuple(claim.statistic.scale) == (-span, span)
    assert claim.statistic.outcomes == claim.statistic.of.scale


def test_a_change_has_one_direction_for_each_side():
    assert (rate >= baseline).direction is Direction.AT_LEAST
    assert (rate <= baseline).direction is Direction.AT_MOST
    assert str((rate <= baseline).statistic) == "rate - baseline"


def test_an_estimation_is_what_was_written():
    claim = estimate(difference("a", "b", of=mean(0, 10)), halfwidth=1)
    assert isinstance(claim, Estimation)
    assert str(claim) == repr(claim) == 'estimate(difference("a", "b", of=mean(0, 10)), halfwidth=1)'
    assert claim.statistics == (claim.statistic,)
    assert str(Estimation(statistic=rate, halfwidth=None)) == "estimate(rate)"


@pytest.mark.parametrize(
    ("make", "what", "fix"),
    [
        (lambda: A & 0.5, "parentheses are missing around &", "&"),
        (lambda: (A & B) & 0.5, "parentheses are missing around &", "&"),
        (lambda: A & rate("b"), "parentheses are missing around &", '(rate("a") <= 0.1) & (rate("name")'),
        (lambda: A & (rate <= 0.1), "joins claims that name no outcome", "name each"),
        (
            lambda: A & (difference("x", "y") >= 0.1),
            "joins differences",
            "one test for each",
        ),
        (
            lambda: A & (rate("b") >= baseline),
            "joins differences",
            "one test for each",
        ),
        (lambda: A | B, "claims cannot be joined with |", "&"),
        (lambda: bool(A & B), "has no truth value", "& alone"),
        (lambda: bool(A), "has no truth value", "rate.within(0.2, 0.4)"),
        (lambda: bool(estimate(rate, halfwidth=0.1)), "has no truth value", "as it is"),
        (
            lambda: estimate(rate, halfwidth=0.1) & A,
            "claims nothing, so it cannot be joined",
            "separate test",
        ),
        (
            lambda: A & estimate(rate, halfwidth=0.1),
            "claims nothing, so it cannot be joined",
            "separate test",
        ),
        (lambda: estimate(A, halfwidth=0.1), "cannot be estimated", "estimate(rate"),
        (
            lambda: estimate(mean, halfwidth=0.1),
            "`mean` without its arguments cannot be estimated",
            "estimate(mean(0, 10)",
        ),
        (lambda: ranking(mean), "got `mean` without its arguments", "ranking(mean(0, 10))"),
        (lambda: difference("a", "b", of=mean), "got `mean` without its arguments", "of=mean(0, 10)"),
        (lambda: estimate(rate, halfwidth=0), "must be between 0 and 0.5, got 0", "halfwidth=0.05"),
        (lambda: estimate(rate, halfwidth=0.5), "must be between 0 and 0.5", "halfwidth=0.05"),
        (lambda: estimate(mean(0, 10), halfwidth=5), "must be between 0 and 5", "halfwidth=0.5"),
        (lambda: estimate(rate, halfwidth=math.nan), "must be between 0 and 0.5", "halfwidth=0.05"),
        (lambda: estimate(rate, halfwidth=True), "must be between 0 and 0.5, got True", "halfwidth=0.05"),
        (lambda: estimate(rate, halfwidth="0.1"), "must be between 0 and 0.5", "halfwidth=0.05"),
        (lambda: baseline + True, "a number, got True", "baseline - 0.05"),
        (lambda: baseline - "0.1", "a number, got '0.1'", "baseline - 0.05"),
        (lambda: baseline - math.inf, "a number, got inf", "baseline - 0.05"),
        (lambda: 0.95 * baseline, "by a distance, not scaled", "baseline - 0.05"),
        (lambda: baseline * 0.95, "by a distance, not scaled", "baseline - 0.05"),
        (lambda: baseline / 2, "by a distance, not scaled", "baseline - 0.05"),
        (lambda: 1 - baseline, "by a distance, not scaled", "baseline - 0.05"),
        (lambda: 1 + baseline, "by a distance, not scaled", "baseline - 0.05"),
        (lambda: -baseline, "by a distance, not scaled", "baseline - 0.05"),
        (lambda: bool(baseline), "`baseline` has no truth value", "rate >= baseline - 0.05"),
        (lambda: rate > baseline, "written with >= and <=", "rate >= baseline"),
        (lambda: rate >= baseline - 1, "cannot be tested", "could be false"),
        (lambda: rate >= baseline + 1, "cannot be tested", "slightly inside"),
        (lambda: rate >= baseline - 3, "must be between -1 and 1", "inside the range"),
        (
            lambda: rate.within(baseline + 0.1, baseline - 0.1),
            "is empty",
            "rate.within(baseline - 0.1, baseline + 0.1)",
        ),
        (lambda: rate.within(0.1, baseline), "at both ends or at neither", "rate.within(baseline - 0.05"),
        (lambda: rate.within(baseline, 0.1), "at both ends or at neither", "rate.within(baseline - 0.05"),
        (
            lambda: difference("x", "y") >= baseline,
            "has no baseline: only rates and means",
            "difference(...)",
        ),
        (lambda: difference("x", "y").within(baseline, baseline + 0.1), "has no baseline", "difference(...)"),
        (lambda: mean(0, 10, ""), "an outcome's name must be a string", "mean(0, 10,"),
        (lambda: mean("0", 10), "is not a range of scores", "mean(0, 10)"),
        (lambda: mean(False, True), "is not a range of scores", "mean(0, 10)"),
        (lambda: difference("a", "b", of=difference("c", "d")), "of= must be rate or mean", "of=mean(0, 10)"),
    ],
)
def test_what_makes_no_sense_says_what_to_write(make, what, fix):
    with pytest.raises(
        UsageError, match=what.replace("|", "\\|") if "joined with |" in what else what
    ) as raised:
        make()
    assert fix in raised.value.fix
    assert raised.value.fix
