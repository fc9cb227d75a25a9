import random

import pytest

from pytest_velo.claims import difference, mean, rate
from pytest_velo.errors import UsageError, VeloError
from pytest_velo.stats import limits
from pytest_velo.stats.engine.design import Design
from pytest_velo.stats.rules.estimate import fewest_units, make_estimate


def build(statistic=rate, halfwidth=0.1, **changes):
    return make_estimate(
        statistic, halfwidth, Design(**{"alpha": 0.05, "beta": 0.05, "max_units": 400, **changes})
    )


def run(rule, draw, seed=0):
    rng = random.Random(seed)
    while rule.n < rule.max_units:
        outcome = draw(rng)
        if rule.feed(outcome, outcome):
            break
    return rule


def coin(p):
    return lambda rng: float(rng.random() < p)


@pytest.mark.parametrize(
    ("statistic", "halfwidth", "draw", "truth"),
    [
        (rate, 0.1, coin(0.5), 0.5),
        (rate, 0.1, coin(0.03), 0.03),
        (mean(0, 10), 0.5, lambda rng: rng.betavariate(6, 4), 6.0),
        (mean(1, 5), 0.1, lambda rng: rng.betavariate(60, 40), 3.4),
        (difference("a", "b"), 0.15, lambda rng: rng.choices((0.0, 0.5, 1.0), (1, 7, 2))[0], 0.1),
    ],
)
def test_it_stops_at_the_width_asked_for(statistic, halfwidth, draw, truth):
    rule = run(build(statistic, halfwidth), draw, seed=1)
    interval = rule.interval()
    assert rule.measured
    assert rule.n < 400
    assert interval.low <= truth <= interval.high
    assert interval.high - interval.low <= 2 * halfwidth + 1e-12
    assert interval.high - interval.low > 1.3 * halfwidth
    assert interval.level == pytest.approx(0.95)


def test_it_seldom_computes_the_interval(monkeypatch):
    rule = build(halfwidth=0.08, max_units=600)
    rule.few_looks = None  # the anytime-valid interval alone
    looks = []
    compute = limits.rate_limits
    monkeypatch.setattr(
        limits, "rate_limits", lambda *args, **how: looks.append(rule.n) or compute(*args, **how)
    )
    run(rule, coin(0.4))
    assert rule.measured
    assert 1 <= len(looks) <= 10


@pytest.mark.slow
def test_it_needs_not_much_more_than_a_fixed_sample():
    """1.96^2 * .25 / .08^2 = 150 units for a fixed n, .0475 / .25 of that at a rate of .05."""
    even = sum(run(build(halfwidth=0.08, max_units=600), coin(0.5), seed).n for seed in range(5)) / 5
    rare = sum(run(build(halfwidth=0.08, max_units=600), coin(0.05), seed).n for seed in range(5)) / 5
    assert 150 < even < 1.8 * 150
    assert rare < 0.6 * even


def test_invalid_trials_widen_what_can_be_known():
    rule = build(halfwidth=0.2, max_units=300)
    for place in range(300):
        rule.feed(*((0.0, 1.0) if place % 2 else (1.0, 1.0)))
    assert not rule.measured
    assert rule.interval().low < 0.5
    assert rule.interval().high == 1.0


def test_forecasts():
    rule = build(halfwidth=0.08, max_units=600)
    first = rule.expected_more()
    assert 20 < rule.min_more() < first < 200
    rng = random.Random(1)
    for _ in range(100):
        rule.feed(*[float(rng.random() < 0.5)] * 2)
    assert 20 < rule.expected_more() < 200
    run(rule, coin(0.5))
    assert (rule.min_more(), rule.expected_more()) == (0, 0)


def test_it_does_not_stop_before_min_units():
    rule = run(build(halfwidth=0.2, min_units=60), coin(0.0))
    assert rule.measured
    assert rule.n == 60


def test_out_of_units_it_is_not_measured_but_has_an_interval():
    rule = run(build(halfwidth=0.02, max_units=50), coin(0.5))
    assert not rule.measured
    assert rule.interval().high - rule.interval().low > 0.2
    with pytest.raises(VeloError, match="has ended"):
        rule.feed(1, 1)
    assert build().interval() == build(rate).interval()
    assert (build(mean(0, 10), 1).interval().low, build(mean(0, 10), 1).interval().high) == (0, 10)


def test_nothing_is_calibrated_to_a_horizon_that_may_move():
    assert build().kind == "calibrated"
    for rule in (build(extend=True), build(single=False), build(mean(0, 1)), build(difference("a", "b"))):
        assert rule.kind == "ville"


@pytest.mark.parametrize("halfwidth", [0.0, -0.1, 0.5, 2.0])
def test_a_width_out_of_range_is_refused(halfwidth):
    with pytest.raises(UsageError, match="half-width"):
        build(halfwidth=halfwidth)


def test_fewest_units_is_a_bound_that_uniform_outcomes_come_close_to():
    rule = run(build(halfwidth=0.05, max_units=50), coin(0.0))
    assert fewest_units(0.05, 0.05) <= rule.n <= 1.5 * fewest_units(0.05, 0.05)


def test_a_rate_ends_at_a_look_with_the_width_asked_for():
    rule = run(build(halfwidth=0.1), coin(0.3), seed=2)
    interval = rule.interval()
    assert rule.measured
    assert rule.n in rule.few_looks.looks
    assert interval.high - interval.low == pytest.approx(0.2)


def test_more_trials_than_the_width_needs_make_the_interval_tighter_than_asked_for():
    """`min_units` keeps it going; the design's own interval is never tighter than the half-width."""
    rule = build(halfwidth=0.2, min_units=150)
    while not rule.feed(outcome := float(rule.n % 5 > 0), outcome):
        pass
    interval = rule.interval()
    assert rule.measured
    assert interval.low < 0.8 < interval.high
    assert interval.high - interval.low < 0.28
    assert "within the one that is valid at any moment" in rule.interval_of


def test_a_rate_that_is_stopped_from_outside_has_the_anytime_valid_interval():
    rule = build(halfwidth=0.1)
    for outcome in (0.0, 1.0) * 20:
        assert not rule.feed(outcome, outcome)
    assert not rule.by_design
    wide = rule.interval()
    assert wide.high - wide.low > 0.4  # at what the design leaves of alpha
    assert wide.low < 0.5 < wide.high


def test_after_an_invalid_trial_repeated_limits_end_it():
    rule = build(halfwidth=0.1)
    rule.feed(0.0, 1.0)
    while rule.is_ready:
        assert rule.expected_more() > 54 - rule.n
        assert rule.repeated is None
        rule.feed(float(rule.n % 2), float(rule.n % 2))
    assert rule.n == 54  # half of what the design would take
    while not rule.feed(float(rule.n % 2), float(rule.n % 2)):
        assert rule.n + rule.expected_more() in rule.repeated.looks
        assert rule.n + rule.min_more() in rule.repeated.looks
    interval = rule.interval()
    assert 108 < rule.n < 180  # the design would have ended at 108, the anytime-valid interval beyond 300
    assert not rule.by_design
    assert interval.high - interval.low <= 0.2 + 1e-9
    assert "whatever the invalid trials would have been" in rule.interval_of


@pytest.mark.parametrize(("late", "at_most"), [(53, 180), (60, 180), (104, 180), (108, 450)])
def test_an_invalid_trial_that_comes_late(late, at_most):
    """One at the very end is dear: there the design has hardly anything left that it may miss."""
    rule = build(halfwidth=0.1, max_units=600)
    while not rule.measured:
        known = float(rule.n % 2)
        assert not rule.by_design
        rule.feed(*((0.0, 1.0) if rule.n + 1 == late else (known, known)))
    assert 108 < rule.n < at_most


def test_it_is_ready_but_where_limits_are_to_be_made():
    rule = build(halfwidth=0.1)
    for _ in range(60):
        rule.feed(float(rule.n % 2), float(rule.n % 2))
        assert rule.is_ready
    rule.feed(0.0, 1.0)
    assert not rule.is_ready
    rule.get_ready()
    assert rule.is_ready
    made = rule.repeated
    rule.feed(1.0, 1.0)
    assert rule.repeated is made


@pytest.mark.parametrize("n", [54, 107, 108])
def test_it_says_the_same_whether_or_not_it_was_made_ready_for_what_never_came(n):
    """A run that ends right there is read again without it."""
    live, again = build(halfwidth=0.1), build(halfwidth=0.1)
    for rule in (live, again):
        for _ in range(n - 1):
            rule.feed(float(rule.n % 2), float(rule.n % 2))
        rule.feed(0.0, 1.0)
    shown = live.interval()
    live.get_ready()
    assert live.interval() == shown == again.interval()
    assert live.interval_of == again.interval_of


def test_the_anytime_valid_interval_may_be_tight_before_their_next_look():
    """Then nobody said that trials up to that look are needed."""
    rng = random.Random(44)
    rule = build(max_units=600)
    said = 0
    while not rule.measured:
        said = max(said, rule.n + rule.min_more())
        one = float(rng.random() < 0.1)
        rule.feed(*((0.0, 1.0) if rng.random() < 0.05 else (one, one)))
    assert said <= 1.05 * rule.n


def test_what_is_reported_before_they_end_it_is_within_them():
    """At the horizon, which is a look, and between looks, where the anytime-valid interval is wide."""
    rule = build(halfwidth=0.1, max_units=150)
    rule.feed(0.0, 1.0)
    for _ in range(19):
        rule.feed(0.0, 1.0)
    while rule.n < 150:
        rule.feed(float(rule.n % 2), float(rule.n % 2))
    assert not rule.measured
    at_horizon = rule.interval()
    assert at_horizon.low >= rule.repeated.ends(150, *rule.counts())[0]
    assert 0.2 < at_horizon.high - at_horizon.low < 0.34
    rule = build(halfwidth=0.1)
    for _ in range(30):
        rule.feed(0.0, 1.0)
    while rule.repeated is None or rule.n <= (look := next(n for n in rule.repeated.looks if n > 250)):
        if rule.repeated is not None and rule.n == look:
            at_look = rule.repeated.ends(look, *rule.counts())
        rule.feed(float(rule.n % 2), float(rule.n % 2))
    between = rule.interval()
    assert "at any moment" in rule.interval_of
    assert between.high - between.low <= at_look[1] - at_look[0] + 0.01


def test_too_many_invalid_trials_leave_it_unmeasured_and_never_a_zero():
    rule = build(halfwidth=0.1)
    while rule.n < 400:
        assert not rule.feed(0.0, float(rule.n % 4 == 0))
    assert rule.interval().high > 0.25


def test_after_an_invalid_trial_a_long_design_has_limits_too():
    rule = build(halfwidth=0.045, max_units=2_500)
    assert rule.few_looks.looks[-1] > 500
    rule.feed(0.0, 1.0)
    run(rule, coin(0.3))
    interval = rule.interval()
    assert rule.measured
    assert rule.n < 750  # the design takes 450, bets that aim 1,300, calibrated limits 1,399
    assert interval.low < 0.3 < interval.high <= interval.low + 0.09 + 1e-9


def test_a_rate_at_its_horizon_has_the_interval_of_the_last_look():
    rule = run(build(halfwidth=0.1, max_units=60), coin(0.5), seed=1)
    interval = rule.interval()
    assert (rule.n, rule.measured, rule.by_design) == (60, False, True)
    assert 0.2 < interval.high - interval.low < 0.27


def test_where_only_the_anytime_valid_interval_can_be_tight_in_time_it_decides():
    rule = run(build(halfwidth=0.1, max_units=23), coin(0.0))
    assert (rule.few_looks, rule.measured, rule.n) == (None, True, 20)


def test_bets_that_may_be_extended_aim_at_no_horizon():
    """They aimed at `max_trials`, so a raised one was another interval on the same draws."""
    draws = random.Random(5)
    outcomes = [draws.random() for _ in range(150)]
    ends = set()
    for max_units in (150, 5_000):
        rule = build(mean(0, 1), halfwidth=0.03, max_units=max_units, extend=True)
        for outcome in outcomes:
            rule.feed(outcome, outcome)
        ends.add((rule.interval().low, rule.interval().high))
    assert len(ends) == 1
