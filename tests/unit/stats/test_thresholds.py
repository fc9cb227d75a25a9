import itertools
import math
import subprocess
import sys

import numpy as np
import pytest

from pytest_velo.claims import rate
from pytest_velo.errors import UsageError
from pytest_velo.stats.engine.design import Design
from pytest_velo.stats.engine.mixture import log_e_counts
from pytest_velo.stats.exact.thresholds import (
    anytime_p,
    anytime_p_values,
    calibrated_log_threshold,
    crossing_probability,
    history_error,
)
from pytest_velo.stats.rules.rate import make_rate_rule
from support.cost import steps


def brute_force(p, threshold, side, log_c, max_n, min_n):
    """Sum the probabilities of all 0/1 paths on which some look crosses; `log_c(n)` is the bar at n."""
    evidence = {
        (n, s): log_e_counts(n, s, threshold, side) for n in range(1, max_n + 1) for s in range(n + 1)
    }
    total = 0.0
    for path in itertools.product((0, 1), repeat=max_n):
        counts = enumerate(itertools.accumulate(path), start=1)
        if any(n >= min_n and evidence[n, s] >= log_c(n) for n, s in counts):
            ones = sum(path)
            total += p**ones * (1 - p) ** (max_n - ones)
    return total


@pytest.mark.parametrize(
    ("p", "threshold", "side", "log_c", "min_n"),
    [
        (0.3, 0.3, 1, 2.0, 1),
        (0.3, 0.3, -1, 0.7, 1),
        (0.7, 0.5, 1, 1.5, 4),
        (0.2, 0.5, -1, 1.0, 7),
        (0.05, 0.05, 1, 2.5, 1),
        (0.9, 0.95, 1, 0.3, 1),
        (0.5, 0.5, 1, 0.0, 1),
        (0.5, 0.5, 1, -0.5, 12),
    ],
)
def test_crossing_probability_is_that_of_all_4096_paths(p, threshold, side, log_c, min_n):
    exact = brute_force(p, threshold, side, lambda n: log_c, 12, min_n)
    assert exact > 0
    assert float(crossing_probability(p, threshold, log_c, side, 12, min_n)) == pytest.approx(
        exact, abs=1e-12
    )


def test_history_error_is_that_of_all_4096_paths():
    first, second = (calibrated_log_threshold(0.4, 1, 0.2, n) for n in (4, 12))
    exact = brute_force(0.4, 0.4, 1, lambda n: first if n <= 4 else second, 12, 1)
    assert history_error(0.4, 1, 0.2, (4, 12)) == pytest.approx(exact, abs=1e-12)
    assert history_error(0.4, 1, 0.2, (12,)) < 0.2 < exact


def test_history_error_of_one_raise_is_reported_as_in_the_design():
    assert round(100 * history_error(0.3, -1, 0.05, (200, 400)), 1) == 5.7
    assert history_error(0.3, 1, 0.05, (200,)) <= 0.05
    errors = [history_error(0.5, 1, 0.05, looks) for looks in [(100,), (100, 200), (100, 200, 400)]]
    assert errors == sorted(errors)
    assert errors[-1] < 0.10


@pytest.mark.parametrize("looks", [(), (200, 200), (400, 200)])
def test_history_error_refuses_horizons_that_do_not_rise(looks):
    with pytest.raises(UsageError, match="horizons must rise"):
        history_error(0.3, 1, 0.05, looks)


@pytest.mark.parametrize("threshold", [0.01, 0.05, 0.3, 0.5, 0.95, 0.99])
@pytest.mark.parametrize(("max_n", "min_n"), [(1, 1), (10, 1), (60, 1), (60, 20), (60, 60)])
@pytest.mark.parametrize("level", [0.001, 0.05, 0.3])
def test_calibrated_threshold_keeps_its_level_and_is_the_smallest(threshold, max_n, min_n, level):
    for side in (1, -1):
        log_c = calibrated_log_threshold(threshold, side, level, max_n, min_n)
        assert 0 < log_c <= math.log(1 / level) + 1e-6
        at, below = crossing_probability(threshold, threshold, [log_c, log_c - 1e-6], side, max_n, min_n)
        assert at <= level * (1 + 1e-12)
        assert below > level or log_c < 1e-6  # else a smaller threshold would do


def test_sides_mirror_each_other():
    for threshold in (0.25, 0.5, 0.75):
        up = calibrated_log_threshold(threshold, 1, 0.05, 150, 3)
        assert up == pytest.approx(calibrated_log_threshold(1 - threshold, -1, 0.05, 150, 3), abs=1e-7)
    rates = np.linspace(0, 1, 11)
    up = crossing_probability(rates, 0.25, 1.5, 1, 80)
    assert up == pytest.approx(crossing_probability(1 - rates, 0.75, 1.5, -1, 80), abs=1e-12)


def test_arguments_broadcast_and_members_do_not_mix():
    rates, bars = np.array([[0.2], [0.3], [0.6]]), np.array([0.5, 1.5, 2.5, 3.5])
    together = crossing_probability(rates, 0.3, bars, 1, 40, 2)
    assert together.shape == (3, 4)
    for i, j in itertools.product(range(3), range(4)):
        alone = crossing_probability(rates[i, 0], 0.3, bars[j], 1, 40, 2)
        assert together[i, j] == pytest.approx(float(alone), abs=1e-14)


def test_anytime_p_meets_the_level_exactly_at_the_threshold():
    log_c = calibrated_log_threshold(0.3, 1, 0.05, 100)
    assert anytime_p(log_c + 1e-6, 0.3, 1, 100) <= 0.05
    assert anytime_p(log_c - 1e-6, 0.3, 1, 100) > 0.05
    assert anytime_p(-math.inf, 0.3, 1, 100) == 1.0
    assert anytime_p(500.0, 0.3, 1, 100) == 0.0


def test_hazard_08_the_threshold_depends_on_every_part_of_its_key():
    base = (0.3, 1, 0.05, 200, 1)
    changed = [
        (0.31, 1, 0.05, 200, 1),
        (0.3, -1, 0.05, 200, 1),
        (0.3, 1, 0.06, 200, 1),
        (0.3, 1, 0.05, 210, 1),
    ]
    changed.append((0.3, 1, 0.05, 200, 40))
    values = [calibrated_log_threshold(*key) for key in (base, *changed)]
    assert len({round(value, 6) for value in values}) == len(values)


def test_hazard_08_each_side_is_calibrated_alone():
    def refuted_at(alpha, margin, ones):
        """After how many units, the first of them evenly mixed, and with which evidence."""
        rule = make_rate_rule(rate >= 0.3, Design(alpha=alpha, beta=0.05, margin=margin, max_units=100))
        for outcome in [0, 1] * ones + [0] * (100 - 2 * ones):
            if rule.feed(outcome, outcome):
                return rule.verdict, rule.n, rule.log_e_refute, rule.evidence_bounds()[1]
        raise AssertionError("it is refuted")

    for ones in (1, 2, 3):  # too few to support it
        assert refuted_at(0.05, 0.0, ones) == refuted_at(0.001, 0.0, ones) == refuted_at(0.05, 0.1, ones)


def test_hazard_08_nothing_is_computed_at_collection():
    script = """
import sys
from pytest_velo.claims import rate
from pytest_velo.stats import intervals
from pytest_velo.stats.engine.design import Design
from pytest_velo.designing import reach
from pytest_velo.stats.planning.reach import rate_reach
from pytest_velo.stats.rules.rate import make_rate_rule
design = Design(alpha=0.05, beta=0.05, max_units=200)
for claim in (rate >= 0.3, rate <= 0.02, rate.within(0.4, 0.6)):
    rate_reach(claim, design)
    rule = make_rate_rule(claim, design)
    rule.feed(0, 1)
    rule.min_more(), rule.expected_more()
print(sorted({"numpy", "scipy"} & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_hazard_08_calibration_takes_a_fraction_of_a_second():
    # 1 s where a step takes 20 ns; it takes about 1,300,000 (0.03 s there).
    assert steps(lambda: calibrated_log_threshold(0.299, 1, 0.05, 1000)) < 50_000_000


def test_p_values_in_one_pass_are_those_of_each():
    nulls = [(0.3, 1), (0.7, -1), (0.5, 1), (0.9, -1)]
    max_log_es = [0.4, 2.9, -math.inf, 12.0]
    each = [
        anytime_p(log_e, threshold, side, 150, 3)
        for log_e, (threshold, side) in zip(max_log_es, nulls, strict=True)
    ]
    assert anytime_p_values(max_log_es, nulls, 150, 3) == pytest.approx(each, rel=1e-12, abs=0)


@pytest.mark.parametrize("rate", [0.0, 0.02, 0.5, 1.0])
def test_units_before_the_first_look_are_binomial(rate):
    from scipy.stats import binom

    least = next(s for s in range(1001) if log_e_counts(1000, s, 0.3, 1) >= 3.0)
    only_look = float(crossing_probability(rate, 0.3, 3.0, 1, 1000, 1000))
    assert only_look == pytest.approx(binom.sf(least - 1, 1000, rate), rel=1e-9, abs=1e-300)
