"""Properties of the statistics of means, pairs and lists."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_velo.claims import difference, mean, rate
from pytest_velo.stats.engine.adaptive import MeanProcess
from pytest_velo.stats.engine.census import CERTAIN, alternatives, log_e_census
from pytest_velo.stats.engine.design import Design
from pytest_velo.stats.limits.mean import log_evidence
from pytest_velo.stats.one_sided.mean import MeanTest
from pytest_velo.stats.rules.census import make_census_rule
from pytest_velo.stats.rules.difference import make_difference_rule
from pytest_velo.stats.rules.mean import make_mean_rule
from pytest_velo.verdicts import Verdict
from support.rules import feed_within

sides = st.sampled_from([1, -1])
thresholds = st.integers(1, 99).map(lambda percent: percent / 100)
outcomes = st.one_of(st.floats(0, 1), st.sampled_from([0.0, 0.5, 1.0]))
score_paths = st.lists(outcomes, min_size=1, max_size=60)
pair_paths = st.lists(st.sampled_from([0.0, 0.5, 1.0]), min_size=1, max_size=60)


def run(threshold, side, path):
    process = MeanProcess(threshold, side)
    for outcome in path:
        process.update(outcome)
    return process


@st.composite
def bounds(draw, values=outcomes):
    """Draw the bounds of a unit, which is invalid now and then."""
    if draw(st.integers(0, 4)):
        value = draw(values)
        return value, value
    return tuple(sorted((draw(values), draw(values))))


@given(threshold=thresholds, side=sides, path=score_paths)
def test_sides_are_mirror_images(threshold, side, path):
    mirrored = run(1 - threshold, -side, [1 - outcome for outcome in path])
    assert run(threshold, side, path).log_e == pytest.approx(mirrored.log_e, rel=1e-6, abs=1e-6)


@given(threshold=thresholds, side=sides, path=score_paths, data=st.data())
def test_evidence_cannot_be_expected_to_grow_under_the_null(threshold, side, path, data):
    """Whatever came before and whatever two values come next with a mean on the null's side."""
    low, high = sorted((data.draw(st.floats(0, threshold)), data.draw(st.floats(threshold, 1))))
    if high - low < 1e-9:
        return
    at_edge = (threshold - low) / (high - low)
    further = data.draw(st.floats(0, 1))
    chance = at_edge * further if side > 0 else at_edge + (1 - at_edge) * further
    before = run(threshold, side, path).log_e
    after = [run(threshold, side, [*path, outcome]).log_e - before for outcome in (low, high)]
    assert (1 - chance) * math.exp(after[0]) + chance * math.exp(after[1]) <= 1 + 1e-9


@given(threshold=thresholds, side=sides, path=score_paths)
def test_all_units_of_a_path_agree_with_the_process(threshold, side, path):
    logs, process = log_evidence(path, [threshold], side)[0], MeanProcess(threshold, side)
    for outcome, found in zip(path, logs, strict=True):
        process.update(outcome)
        assert found == pytest.approx(process.log_e, abs=1e-7)


@settings(max_examples=60, deadline=None)
@given(threshold=thresholds, side=sides, path=score_paths)
def test_a_test_never_contradicts_its_limit_or_its_p_value(threshold, side, path):
    test = MeanTest(threshold, side, 0.05)
    for outcome in path:
        test.feed(outcome, outcome)
        assert test.crossed == (test.p_value() <= 0.05)
    limit = test.limit()
    assert 0 <= limit <= 1
    assert side * (limit - threshold) >= 0 if test.crossed else side * (limit - threshold) <= 0


CLAIMS = [mean(0, 1) >= 0.5, mean(0, 1) <= 0.3, mean(0, 1).within(0.4, 0.7)]


@settings(max_examples=60, deadline=None)
@given(
    claim=st.sampled_from(CLAIMS), margin=st.sampled_from([0, 0.05]), units=st.lists(bounds(), max_size=60)
)
def test_a_verdict_about_a_mean_never_contradicts_its_evidence(claim, margin, units):
    rule = make_mean_rule(claim, Design(alpha=0.05, beta=0.1, margin=margin, max_units=60))
    feed_within(rule, units)
    assert_verdict_agrees_with_evidence(rule, units)


@settings(max_examples=40, deadline=None)
@given(
    claim=st.sampled_from(
        [difference("a", "b") >= 0, difference("a", "b") <= 0, difference("a", "b") >= 0.1]
    ),
    margin=st.sampled_from([0, 0.05]),
    units=st.lists(bounds(st.sampled_from([0.0, 0.5, 1.0])), max_size=60),
)
def test_a_verdict_about_a_difference_never_contradicts_its_evidence(claim, margin, units):
    rule = make_difference_rule(claim, Design(alpha=0.05, beta=0.1, margin=margin, max_units=60))
    feed_within(rule, units)
    assert_verdict_agrees_with_evidence(rule, units)


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(
    claim=st.sampled_from([rate >= 0.5, rate <= 0.3, rate.within(0.4, 0.7)]),
    units=st.lists(bounds(st.sampled_from([0.0, 1.0])), max_size=60),
)
def test_a_verdict_about_a_list_never_contradicts_its_evidence(claim, units):
    rule = make_census_rule(claim, Design(census=60, alpha=0.05, beta=0.1, max_units=60))
    feed_within(rule, units)
    assert_verdict_agrees_with_evidence(rule, units)


def assert_verdict_agrees_with_evidence(rule, units):
    """A verdict agrees with its p-values, its interval and the forecasts."""
    p_support, p_refute, interval = rule.evidence_bounds()
    left = rule.max_units - rule.n
    if not units:
        assert interval is None
        return
    assert (p_support <= 0.05) == (rule.verdict is Verdict.SUPPORTED) or rule.verdict is Verdict.REFUTED
    assert (p_refute <= 0.1) == (rule.verdict is Verdict.REFUTED) or rule.verdict is Verdict.SUPPORTED
    native = rule.claim.statistic.scale.from_unit
    assert native(0.0) <= interval.low <= interval.high <= native(1.0)
    for null in rule.nulls.support if rule.verdict is Verdict.SUPPORTED else ():
        end = interval.low if null.side > 0 else interval.high
        assert null.side * (end - native(null.threshold)) >= -1e-9
    if rule.verdict is None:
        assert min(1, left) <= rule.min_more() <= rule.expected_more() <= left
        assert 0.0 <= rule.predictive_probability() <= 1.0
    else:
        assert rule.min_more() == rule.expected_more() == 0


@settings(max_examples=60, deadline=None)
@given(threshold=thresholds, side=sides, path=score_paths, ahead=score_paths)
def test_no_rejection_comes_before_the_fewest_units(threshold, side, path, ahead):
    test = MeanTest(threshold, side, 0.05)
    for outcome in path:
        test.feed(outcome, outcome)
    fewest = test.fewest(1_000_000)
    if test.crossed:
        return
    for n, outcome in enumerate(ahead, start=1):
        test.feed(outcome, outcome)
        assert not test.crossed or n >= fewest


@given(size=st.integers(1, 60), data=st.data(), side=sides)
def test_a_census_cannot_expect_evidence_to_grow_under_the_null(size, data, side):
    count = data.draw(st.integers(0, size - 1)) if side > 0 else data.draw(st.integers(1, size))
    truth = data.draw(st.integers(0, count)) if side > 0 else data.draw(st.integers(count, size))
    n = data.draw(st.integers(0, size - 1))
    ones = data.draw(st.integers(max(0, n - size + truth), min(n, truth)))
    counts = alternatives(count, side, size)
    before = log_e_census(ones, n - ones, count, counts, size)
    if abs(before) >= CERTAIN:
        assert before < 0  # the truth is never impossible
        return
    chance = (truth - ones) / (size - n)
    expected = 0.0
    for weight, more in ((chance, (1, 0)), (1 - chance, (0, 1))):
        if weight:
            after = log_e_census(ones + more[0], n - ones + more[1], count, counts, size)
            expected += weight * math.exp(after - before)
    assert expected <= 1 + 1e-9
