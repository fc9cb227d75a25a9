"""The rules of means and differences against an implementation of their own, in 40 digits.

Nothing of the engine is used for what is expected: a fault that moved the engine and its array form alike
would show here.
"""

import random
from decimal import Decimal, localcontext

import pytest

from pytest_velo.claims import difference, mean
from pytest_velo.stats.engine.design import Design
from pytest_velo.stats.rules.difference import make_difference_rule
from pytest_velo.stats.rules.mean import make_mean_rule
from support.rules import feed


def evidence(path, edge):
    """Return the evidence against "the mean is at most `edge`" after each unit, with the bets of the docs."""
    one, half = Decimal(1), Decimal("0.5")
    effects = [Decimal("0.12") * Decimal(20) ** (Decimal(j) / 6) for j in range(7)]
    fortunes = [Decimal("0.72") / 7] * 7 + [Decimal("0.28")]
    most = edge * (one - edge)
    seen, found = [], []
    for x in path:
        units = len(seen) + 2
        average = sum(seen, Decimal(0)) / units
        variance = (2 * half * most + sum((a * a for a in seen), Decimal(0))) / units - average**2
        spread = min(one, max(Decimal("1e-6"), variance / most))
        deviation = (spread * most).sqrt()
        bets = []
        for effect in effects:
            aim = effect * deviation / (one + effect * deviation / (one - edge))
            bets.append(aim / (spread * most + (one - spread) * edge * aim))
        bets.append(one / edge)
        fortunes = [fortune * (one + bet * (x - edge)) for fortune, bet in zip(fortunes, bets, strict=True)]
        found.append(sum(fortunes))
        seen.append(x - edge)
    return found


def expected(units, threshold, level=20):
    """Return verdict, units, both log evidences and both p-values at the stop, of "mean >= threshold"."""
    with localcontext() as context:
        context.prec = 40
        path, edge = [Decimal(x) for x in units], Decimal(threshold)
        above, below = evidence(path, edge), evidence([1 - x for x in path], 1 - edge)
        verdict, n = None, len(path)
        for i, (e, f) in enumerate(zip(above, below, strict=True), start=1):
            if e >= level or f >= level:
                verdict, n = "supported" if e >= level else "refuted", i
                break
        p = [float(min(Decimal(1), 1 / max(side[:n]))) for side in (above, below)]
        return verdict, n, [float(above[n - 1].ln()), float(below[n - 1].ln())], p


def scores(kind, seed):
    draw = random.Random(seed)
    shapes = {"high": (8, 2), "low": (2, 6), "level": (3, 2)}
    return [draw.betavariate(*shapes[kind]) for _ in range(60)]


def assert_rule_is_at(rule, wanted):
    verdict, n, logs, p = wanted
    assert rule.verdict == verdict
    assert rule.n == n
    assert [rule.log_e_support, rule.log_e_refute] == pytest.approx(logs, rel=1e-9, abs=1e-9)
    assert list(rule.p_values()) == pytest.approx(p, rel=1e-9)


@pytest.mark.parametrize("kind", ["high", "low", "level"])
def test_means_match_40_digit_arithmetic(kind):
    units = scores(kind, 3)
    rule = make_mean_rule(mean(0, 1) >= 0.6, Design(alpha=0.05, beta=0.05, max_units=60))

    assert_rule_is_at(feed(rule, units), expected(units, 0.6))


@pytest.mark.parametrize("kind", ["high", "low", "level"])
def test_differences_beyond_a_bound_match_40_digit_arithmetic(kind):
    units = scores(kind, 5)
    rule = make_difference_rule(
        difference("new", "old") >= 0.25, Design(alpha=0.05, beta=0.05, max_units=60, single=False)
    )

    assert_rule_is_at(feed(rule, units), expected(units, 0.625))
