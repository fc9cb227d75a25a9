"""Properties of the statistics, against enumeration of every path where that can be done."""

import itertools
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_velo.claims import rate
from pytest_velo.stats.engine.design import Design
from pytest_velo.stats.engine.mixture import EProcess, log_e_counts
from pytest_velo.stats.engine.nulls import nulls_of
from pytest_velo.stats.exact.thresholds import anytime_p, calibrated_log_threshold, crossing_probability
from pytest_velo.stats.one_sided.rate import EitherSide, OneSided
from pytest_velo.stats.planning.operating import operating_characteristics
from pytest_velo.stats.rules.composed import verdict_of
from pytest_velo.stats.rules.rate import make_rate_rule
from pytest_velo.verdicts import Verdict
from support.rules import feed_within

sides = st.sampled_from([1, -1])
thresholds = st.integers(2, 98).map(lambda percent: percent / 100)
rates = st.integers(0, 100).map(lambda percent: percent / 100)
levels = st.sampled_from([0.01, 0.05, 0.2])


@st.composite
def paths(draw, min_size=0, max_size=60):
    """Draw a 0/1 path: long as often as short, and of any rate."""
    size, hits = draw(st.integers(min_size, max_size)), draw(st.integers(0, 20))
    return [float(draw(st.integers(0, 19)) < hits) for _ in range(size)]


@st.composite
def unit_paths(draw, max_size=60):
    """Draw a path of outcome bounds, with any share of invalid units."""
    invalid = draw(st.sampled_from([0, 0, 1, 5, 20]))
    return [
        (0.0, 1.0) if draw(st.integers(0, 19)) < invalid else (outcome, outcome)
        for outcome in draw(paths(max_size=max_size))
    ]


@st.composite
def claims(draw):
    low, high = sorted(draw(st.sets(st.integers(10, 90), min_size=2, max_size=2)))
    return draw(st.sampled_from([rate >= low / 100, rate <= high / 100, rate.within(low / 100, high / 100)]))


@st.composite
def designs(draw, max_units=60):
    units = draw(st.integers(1, max_units))
    return {
        "alpha": draw(levels),
        "beta": draw(levels),
        "margin": draw(st.sampled_from([0.0, 0.02, 0.09])),
        "max_units": units,
        "min_units": draw(st.one_of(st.just(1), st.integers(1, units))),
        "extend": draw(st.booleans()),
    }


def remade(claim, design):
    """Return the tests of a rule, made anew: those for the claim, which must all reject, and that against."""
    kind, margin = make_rate_rule(claim, Design(**design)).kind, design["margin"]
    looks = {"min_n": design["min_units"]}
    for_claim, against = nulls_of(claim, margin)

    def test(null, level):
        return OneSided(*null, level, max_n=design["max_units"], calibrated=kind == "calibrated", **looks)

    support = [test(null, design["alpha"]) for null in for_claim]
    beta = design["beta"]
    return support, test(*against, beta) if len(against) == 1 else EitherSide(against, beta, **looks)


def fed(claim, design, path):
    """Return the tests of a rule after a path, those for the claim first."""
    support, refute = remade(claim, design)
    for test in (*support, refute):
        for low, high in path:
            test.feed(low, high)
    return support, refute


@given(threshold=thresholds, side=sides, path=st.lists(st.floats(0, 1), max_size=40))
def test_sides_are_mirror_images(threshold, side, path):
    process, mirror = EProcess(threshold, side), EProcess(1 - threshold, -side)
    for outcome in path:
        process.update(outcome)
        mirror.update(1 - outcome)
        assert process.log_e == pytest.approx(mirror.log_e, rel=1e-6, abs=1e-6)


@given(threshold=thresholds, side=sides, path=paths())
def test_counts_are_all_that_matters(threshold, side, path):
    process = EProcess(threshold, side)
    for outcome in path:
        process.update(outcome)
    assert process.log_e == pytest.approx(log_e_counts(len(path), int(sum(path)), threshold, side), abs=1e-9)


@given(threshold=thresholds, side=sides, path=st.lists(st.floats(0, 1), max_size=30), data=st.data())
def test_no_bettor_gains_in_expectation_at_the_edge(threshold, side, path, data):
    """The engine's only assumption: E[x | past] on the null's side makes E a supermartingale."""
    process = EProcess(threshold, side)
    for outcome in path:
        process.update(outcome)
    offset = data.draw(st.floats(0, 1))
    mean = threshold * (1 - offset) if side > 0 else threshold + (1 - threshold) * offset
    expected = mean * math.exp(process.ahead(1, 0)) + (1 - mean) * math.exp(process.ahead(0, 1))
    assert expected <= math.exp(process.log_e) * (1 + 1e-9)


@settings(max_examples=20, deadline=None)
@given(
    p=rates, threshold=thresholds, side=sides, min_n=st.integers(1, 12), bar=st.floats(-1, 4, allow_nan=False)
)
def test_dynamic_programming_is_the_sum_over_all_4096_paths(p, threshold, side, min_n, bar):
    evidence = {(n, s): log_e_counts(n, s, threshold, side) for n in range(1, 13) for s in range(n + 1)}
    if any(abs(value - bar) < 1e-9 for value in evidence.values()):
        return  # a tie is decided by the last digit
    total = 0.0
    for path in itertools.product((0, 1), repeat=12):
        counts = enumerate(itertools.accumulate(path), start=1)
        if any(n >= min_n and evidence[n, s] >= bar for n, s in counts):
            total += p ** sum(path) * (1 - p) ** (12 - sum(path))
    assert float(crossing_probability(p, threshold, bar, side, 12, min_n)) == pytest.approx(total, abs=1e-12)


@settings(max_examples=80, deadline=None)
@given(threshold=thresholds, side=sides, max_n=st.integers(1, 60), data=st.data())
def test_crossing_is_monotone_in_rate_bar_and_horizon(threshold, side, max_n, data):
    min_n = data.draw(st.integers(1, max_n))
    bar = data.draw(st.floats(0, 4))
    grid = [i / 20 for i in range(21)]
    up = crossing_probability(grid, threshold, bar, side, max_n, min_n)[::side]
    assert (up[1:] >= up[:-1] - 1e-12).all()
    bars = crossing_probability(threshold, threshold, [bar, bar + 0.1, bar + 1.0], side, max_n, min_n)
    assert (bars[1:] <= bars[:-1] + 1e-12).all()
    longer = crossing_probability(threshold, threshold, bar, side, max_n + 5, min_n)
    assert longer >= bars[0] - 1e-12


@settings(max_examples=80, deadline=None)
@given(threshold=thresholds, side=sides, level=levels, path=paths(min_size=1), data=st.data())
def test_p_value_rejects_exactly_when_the_threshold_is_reached(threshold, side, level, path, data):
    max_n = data.draw(st.integers(len(path), 60))
    process = EProcess(threshold, side)
    for outcome in path:
        process.update(outcome)
    log_c = calibrated_log_threshold(threshold, side, level, max_n)
    p = anytime_p(process.max_log_e, threshold, side, max_n)
    assert (process.max_log_e >= log_c) == (p <= level)


@settings(max_examples=25, deadline=None)
@given(claim=claims(), design=designs(max_units=9), truth=rates)
def test_exact_law_is_that_of_every_path_through_the_rule(claim, design, truth):
    supported = refuted = mean = 0.0
    for path in itertools.product((0, 1), repeat=design["max_units"]):
        rule = feed_within(make_rate_rule(claim, Design(**design)), [(outcome, outcome) for outcome in path])
        weight = truth ** sum(path) * (1 - truth) ** (len(path) - sum(path))
        supported += weight * (rule.verdict is Verdict.SUPPORTED)
        refuted += weight * (rule.verdict is Verdict.REFUTED)
        mean += weight * rule.n
    [law] = operating_characteristics(make_rate_rule(claim, Design(**design)), [truth])
    assert (law.supported, law.refuted, law.mean_n) == pytest.approx((supported, refuted, mean), abs=1e-12)


@settings(max_examples=25, deadline=None)
@given(claim=claims(), design=designs(max_units=14), start=st.lists(st.booleans(), min_size=5, max_size=8))
def test_predictive_probability_is_that_of_every_continuation(claim, design, start):
    path = [(float(one), float(one)) for one in start]
    rule = feed_within(make_rate_rule(claim, Design(**design)), path)
    left = rule.max_units - rule.n
    if rule.verdict is not None or left > 9:
        return
    ones, n = sum(low for low, _ in path[: rule.n]), rule.n
    total = 0.0
    for further in itertools.product((0, 1), repeat=left):
        whole = path[: rule.n] + [(x, x) for x in further]
        again = feed_within(make_rate_rule(claim, Design(**design)), whole)
        if again.verdict is not None:
            hits = sum(further)
            log_beta = math.lgamma(ones + 0.5 + hits) + math.lgamma(n - ones + 0.5 + left - hits)
            log_beta -= math.lgamma(n + 1.0 + left)
            log_prior = math.lgamma(ones + 0.5) + math.lgamma(n - ones + 0.5) - math.lgamma(n + 1.0)
            total += math.exp(log_beta - log_prior)
    assert rule.predictive_probability() == pytest.approx(total, abs=1e-9)


@pytest.mark.slow
@settings(max_examples=150, deadline=None)
@given(claim=claims(), design=designs(), path=unit_paths())
def test_verdict_never_contradicts_its_interval(claim, design, path):
    rule = feed_within(make_rate_rule(claim, Design(**design)), path)
    p_support, p_refute, interval = rule.evidence_bounds()
    if not path:
        assert interval is None
        return
    assert 0 <= interval.low <= interval.high <= 1
    support, refute = fed(claim, design, path[: rule.n])
    for test in support:
        end = interval.low if test.side > 0 else 1 - interval.high
        null = test.threshold if test.side > 0 else 1 - test.threshold
        if test.crossed and rule.verdict is Verdict.SUPPORTED:
            assert end >= null - 1e-9
        elif not test.crossed and rule.verdict is None:
            assert end <= null + 1e-9
    if rule.verdict is Verdict.SUPPORTED:
        assert p_support <= design["alpha"]
    if rule.verdict is Verdict.REFUTED:
        assert p_refute <= design["beta"]
        if len(support) == 1:
            end = interval.low if refute.side > 0 else 1 - interval.high
            null = refute.threshold if refute.side > 0 else 1 - refute.threshold
            assert end >= null - 1e-9
    if rule.verdict is None:
        assert p_support > design["alpha"]
        assert p_refute > design["beta"]


@settings(max_examples=150, deadline=None)
@given(claim=claims(), design=designs(), path=st.lists(st.floats(0, 1), min_size=1, max_size=60))
def test_verdict_never_contradicts_its_interval_for_means(claim, design, path):
    path = [(outcome, outcome) for outcome in path]
    rule = feed_within(make_rate_rule(claim, Design(**design, single=False)), path)
    interval = rule.evidence_bounds()[2]
    support, _ = fed(claim, {**design, "extend": True}, path[: rule.n])
    if rule.verdict is None:
        for test in support:
            assert test.crossed or interval.low <= test.threshold + 1e-9 or test.side < 0
            assert test.crossed or interval.high >= test.threshold - 1e-9 or test.side > 0
    elif rule.verdict is Verdict.SUPPORTED:
        for test in support:
            inside = interval.low >= test.threshold - 1e-9 if test.side > 0 else None
            assert inside or interval.high <= test.threshold + 1e-9


@settings(max_examples=150, deadline=None)
@given(claim=claims(), design=designs(max_units=40), path=unit_paths(max_size=40), data=st.data())
def test_no_verdict_comes_before_min_more(claim, design, path, data):
    rule = feed_within(make_rate_rule(claim, Design(**design)), path)
    fewest, expected = rule.min_more(), rule.expected_more()
    left = rule.max_units - rule.n
    if rule.verdict is not None:
        assert fewest == expected == 0
        return
    assert min(left, 1) <= fewest <= expected <= left
    ahead = data.draw(
        st.one_of(st.just([(1.0, 1.0)] * left), st.just([(0.0, 0.0)] * left), unit_paths(max_size=left))
    )
    fed = rule.n
    feed_within(rule, ahead)
    assert rule.verdict is None or rule.n - fed >= fewest


@pytest.mark.slow
@settings(max_examples=150, deadline=None)
@given(claim=claims(), design=designs(), path=unit_paths(), data=st.data())
def test_a_verdict_holds_whichever_way_the_invalid_units_fell(claim, design, path, data):
    """With bounds, each test sees a path no better for it than any truth behind the invalid units."""
    rule = feed_within(make_rate_rule(claim, Design(**design)), path)
    truth = [(x, x) for x in (data.draw(st.sampled_from(sorted({low, high}))) for low, high in path)]
    bounds, known = (fed(claim, design, units[: rule.n]) for units in (path, truth))
    for ours, theirs in zip([*bounds[0], bounds[1]], [*known[0], known[1]], strict=True):
        assert theirs.crossed or not ours.crossed


@pytest.mark.slow
@settings(max_examples=150, deadline=None)
@given(claim=claims(), design=designs(), path=unit_paths())
def test_raising_the_evidence_lazily_changes_no_verdict(claim, design, path):
    """Thresholds are computed only when their bounds leave the question open."""
    lazy = feed_within(make_rate_rule(claim, Design(**design)), path)
    support, refute = remade(claim, design)
    for test in (*support, refute):
        assert test.log_threshold > 0
    verdicts = []
    for low, high in path[: lazy.n]:
        for test in (*support, refute):
            test.feed(low, high)
        verdicts.append(verdict_of(support, refute))
    assert verdicts == [None] * (lazy.n - 1) + [lazy.verdict] * (lazy.n > 0)
