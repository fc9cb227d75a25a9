"""Invalid trials that depend on the outcome: error rates under `bound`, exactly and by simulation."""

import random

import numpy as np
import pytest

from pytest_velo.claims import rate
from pytest_velo.stats.engine.design import Design
from pytest_velo.stats.engine.mixture import log_e_counts
from pytest_velo.stats.engine.nulls import nulls_of
from pytest_velo.stats.one_sided.rate import OneSided
from pytest_velo.stats.planning.operating import operating_characteristics
from pytest_velo.stats.rules.rate import make_rate_rule
from pytest_velo.verdicts import Verdict

N = 150
ALPHA, BETA = 0.05, 0.08
ROUNDING = 1e-12
PATTERNS = {
    "none": (0.0, 0.0),
    "half of the zeros": (0.0, 0.5),
    "half of the ones": (0.5, 0.0),
    "half of everything": (0.5, 0.5),
    "every zero": (0.0, 1.0),
    "every one": (1.0, 0.0),
    "a tenth of the ones, most zeros": (0.1, 0.9),
}


def for_and_against(rule):
    """Return the two tests of a rule of one side, made anew."""
    nulls = nulls_of(rule.claim)
    [support, refute] = [
        OneSided(*null, level, max_n=N, min_n=1, calibrated=rule.kind == "calibrated")
        for [null], level in ((nulls.support, ALPHA), (nulls.refute, BETA))
    ]
    return support, refute


def crossing_counts(test):
    """Return, for n = 1..N, which counts of ones a one-sided test rejects at."""
    table = np.zeros((N + 1, N + 1), dtype=bool)
    for n in range(1, N + 1):
        for ones in range(n + 1):
            table[n, ones] = log_e_counts(n, ones, test.threshold, test.side) >= test.log_threshold
    return table


def law_under_bounds(rule, p, invalid_ones, invalid_zeros):
    """Return P(supported), P(refuted) by a forward pass over (sum of low bounds, sum of high bounds).

    The shares of ones and of zeros that are invalid are numbers, or what gives them after so many units: an
    array over both sums.
    """
    support, refute = for_and_against(rule)
    tables = {test: crossing_counts(test) for test in (support, refute)}
    mass = np.zeros((N + 1, N + 1))
    mass[0, 0] = 1.0
    totals = {support: 0.0, refute: 0.0}
    for n in range(1, N + 1):
        hidden = [share(n - 1) if callable(share) else share for share in (invalid_ones, invalid_zeros)]
        one, zero = mass * p * (1 - hidden[0]), mass * (1 - p) * (1 - hidden[1])
        unknown = mass - one - zero
        mass = zero
        mass[1:, 1:] += one[:-1, :-1]
        mass[:, 1:] += unknown[:, :-1]
        for test, table in tables.items():
            low_axis = test.side > 0
            where = table[n][:, None] if low_axis else table[n][None, :]
            totals[test] += float((mass * where).sum())
            mass = np.where(where, 0.0, mass)
    return totals[support], totals[refute]


@pytest.fixture(scope="module", params=[rate >= 0.3, rate >= 0.8, rate <= 0.1, rate <= 0.5], ids=str)
def rule(request):
    return make_rate_rule(request.param, Design(alpha=ALPHA, beta=BETA, max_units=N))


@pytest.mark.parametrize("pattern", PATTERNS)
def test_outcome_dependent_invalid_trials_cause_no_wrong_verdict(rule, pattern):
    edge = rule.claim.threshold
    supported, refuted = law_under_bounds(rule, edge, *PATTERNS[pattern])
    assert supported <= ALPHA + ROUNDING
    assert refuted <= BETA + ROUNDING
    if pattern == "none":
        assert supported > ALPHA / 4
        assert refuted > BETA / 4


def test_one_sided_invalid_trials_leave_the_other_side_to_run_alone(rule):
    """Why each side is calibrated alone: here one side never stops the other, which spends its level."""
    edge = rule.claim.threshold
    at_least = rule.claim.low is not None
    with_both, _ = law_under_bounds(rule, edge, 0.0, 0.0)
    hides_against = PATTERNS["every zero" if at_least else "every one"]
    alone, refuted = law_under_bounds(rule, edge, *hides_against)
    assert refuted == 0.0
    assert with_both <= alone <= ALPHA + ROUNDING


def test_dropping_invalid_trials_instead_fails_the_same_check():
    """Counted "among valid replies" only, half of the zeros gone makes a false claim look true."""
    p, hidden = 0.3, 0.5
    among_valid = p / (p + (1 - p) * (1 - hidden))
    rule = make_rate_rule(rate >= p, Design(alpha=ALPHA, beta=BETA, max_units=N))
    supported, _ = law_under_bounds(rule, among_valid, 0.0, 0.0)
    assert supported > 0.5


BOLD = 1.0
"""Log evidence for the claim beyond which the adversary lets nothing pass that would lower it."""


def adversary(rule):
    """Hide what hurts the wrong verdict, when it hurts most: invalid units chosen with hindsight.

    Returns:
        The shares of ones and of zeros that are invalid, as `law_under_bounds` takes them.
    """
    support, _ = for_and_against(rule)
    up = support.side > 0

    def hides(n):
        log_e = np.array([log_e_counts(n, ones, support.threshold, support.side) for ones in range(n + 1)])
        known = np.full(N + 1, 0.3)
        known[: n + 1] = np.where(log_e > BOLD, 1.0, 0.3)
        return known[:, None] if up else known[None, :]

    return (0.0, hides) if up else (hides, 0.0)


@pytest.mark.parametrize("claim", [rate >= 0.3, rate <= 0.3], ids=str)
@pytest.mark.parametrize("extend", [False, True])
def test_an_adaptive_adversary_gains_nothing(claim, extend):
    rule = make_rate_rule(claim, Design(alpha=ALPHA, beta=BETA, max_units=N, extend=extend))
    supported, refuted = law_under_bounds(rule, 0.3, *adversary(rule))
    assert ALPHA / 20 < supported <= ALPHA + ROUNDING
    assert refuted <= BETA + ROUNDING


@pytest.mark.parametrize("claim", [rate >= 0.3, rate <= 0.3], ids=str)
def test_the_rule_itself_does_what_its_law_says_under_the_adversary(claim):
    """2,000 runs of the rule, unit by unit, and the exact law: within four standard errors."""
    runs, rng, found = 2_000, random.Random(str(claim)), {Verdict.SUPPORTED: 0, Verdict.REFUTED: 0, None: 0}
    for _ in range(runs):
        rule = make_rate_rule(claim, Design(alpha=ALPHA, beta=BETA, max_units=N))
        while rule.verdict is None and rule.n < N:
            outcome = float(rng.random() < 0.3)
            hurts = (outcome == 1.0) != (claim.low is not None)
            hidden = hurts and (rule.log_e_support > BOLD or rng.random() < 0.3)
            rule.feed(*((0.0, 1.0) if hidden else (outcome, outcome)))
        found[rule.verdict] += 1
    law = law_under_bounds(
        make_rate_rule(claim, Design(alpha=ALPHA, beta=BETA, max_units=N)), 0.3, *adversary(rule)
    )
    for verdict, exact in zip((Verdict.SUPPORTED, Verdict.REFUTED), law, strict=True):
        assert found[verdict] / runs == pytest.approx(
            exact, abs=4 * (exact * (1 - exact) / runs) ** 0.5 + 1e-9
        )


WITHIN = rate.within(0.3, 0.6)


@pytest.fixture(scope="module")
def two_ended():
    """Return, for n = 1..N, where each end of `within` is rejected and where the claim is refuted."""
    rule = make_rate_rule(WITHIN, Design(alpha=ALPHA, beta=BETA, max_units=N))
    assert rule.kind == "calibrated"
    ends = [crossing_counts(test) for test in rule._support]
    against = [np.full((N + 1, N + 1), -np.inf) for _ in range(2)]
    for null, table in zip(nulls_of(WITHIN).refute, against, strict=True):
        for n in range(1, N + 1):
            table[n, : n + 1] = [log_e_counts(n, ones, *null) for ones in range(n + 1)]
    return ends, against


def law_of_within(tables, p, invalid_ones, invalid_zeros):
    """Return P(supported) and P(refuted) as `law_under_bounds` does; what is both counts as both."""
    (low_end, high_end), (below, above) = tables
    mass = np.zeros((2, 2, N + 1, N + 1))  # whether the lower and the upper end is rejected; the two sums
    mass[0, 0, 0, 0] = 1.0
    supported = refuted = 0.0
    for n in range(1, N + 1):
        one, zero = mass * p * (1 - invalid_ones), mass * (1 - p) * (1 - invalid_zeros)
        unknown = mass - one - zero
        mass = zero
        mass[:, :, 1:, 1:] += one[:, :, :-1, :-1]
        mass[:, :, :, 1:] += unknown[:, :, :, :-1]
        first, second = low_end[n], high_end[n]  # by the sum of the low bounds, and of the high ones
        mass[1][:, first] += mass[0][:, first]
        mass[0][:, first] = 0.0
        mass[:, 1, :, second] += mass[:, 0, :, second]
        mass[:, 0, :, second] = 0.0
        against = np.logaddexp(below[n][None, :], above[n][:, None]) - np.log(2.0) >= np.log(1.0 / BETA)
        supported += float(mass[1, 1].sum())
        refuted += float(mass[:, :, against].sum())
        mass[1, 1] = 0.0
        mass[:, :, against] = 0.0
    return supported, refuted


@pytest.mark.parametrize("pattern", PATTERNS)
@pytest.mark.parametrize("edge", [WITHIN.low, WITHIN.high])
def test_invalid_trials_cause_no_wrong_verdict_about_two_ends(two_ended, edge, pattern):
    supported, refuted = law_of_within(two_ended, edge, *PATTERNS[pattern])
    assert supported <= ALPHA + ROUNDING
    assert refuted <= BETA + ROUNDING
    if pattern == "none":
        assert supported > ALPHA / 2
        [exact] = operating_characteristics(
            make_rate_rule(WITHIN, Design(alpha=ALPHA, beta=BETA, max_units=N)), [edge]
        )
        assert (supported, refuted) == pytest.approx((exact.supported, exact.refuted), abs=1e-9)


def test_dropping_invalid_trials_supports_a_false_claim_with_two_ends(two_ended):
    """Half of the zeros gone: 0.25 looks like 0.4, which is inside."""
    supported, _ = law_of_within(two_ended, 0.25 / (0.25 + 0.75 * 0.5), 0.0, 0.0)
    assert supported > 2 * ALPHA
