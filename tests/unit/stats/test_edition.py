"""The rules are another edition once one of them says something else of the same units.

After such a change raise `EDITION` and write what they say now: `python tests/unit/stats/test_edition.py`.
"""

import json
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from pytest_velo.claims import Claim, difference, mean, ranking, rate
from pytest_velo.stats.contest import RankingRule
from pytest_velo.stats.edition import EDITION
from pytest_velo.stats.engine.centred import Centring
from pytest_velo.stats.engine.design import Design
from pytest_velo.stats.rules.centred import CentredRule
from pytest_velo.stats.rules.choice import rule_for
from pytest_velo.stats.rules.estimate import make_estimate
from pytest_velo.stats.rules.joint import make_joint_rule

FILE = Path(__file__).parents[2] / "reference" / "edition.json"

PAIRS = difference("a", "b")
CLAIMS = {
    "rate": (rate >= 0.6, {}),
    "rate, extended": (rate <= 0.6, {"extend": True}),
    "range": (rate.within(0.3, 0.8), {}),
    "mean": (mean(0, 1) >= 0.6, {}),
    "range of a mean": (mean(0, 1).within(0.3, 0.8), {}),
    "no difference": (PAIRS >= 0, {}),
    "difference": (PAIRS >= 0.2, {}),
    "means of cases": (rate >= 0.6, {"single": False, "draws": 3}),
    "list": (rate >= 0.6, {"census": 60, "max_units": 60}),
    "covariate": (mean(0, 1) >= 0.6, {"centring": Centring(-0.5, 0.5, 0.08)}),
}
ESTIMATES = {
    "rate to a half-width": (rate, 0.12, False),
    "rate to a half-width, one trial invalid": (rate, 0.15, True),
    "rate": (rate, None, False),
    "mean to a half-width": (mean(0, 1), 0.03, False),
    "mean": (mean(0, 1), None, False),
}
UNITS = 40


def design(**changes) -> Design:
    return Design(**{"alpha": 0.05, "beta": 0.08, "max_units": 150, **changes})


def outcomes(statistic, n: int) -> Iterator[float]:
    rng = random.Random(8)
    for _ in range(n):
        coins = float(rng.random() < 0.55), float(rng.random() < 0.45)
        if statistic.arms:
            yield (coins[0] - coins[1] + 1.0) / 2.0
        else:
            yield coins[0] if statistic.binary else 0.55 * rng.random() + 0.25


def says_of_claim(claim: Claim, changes) -> list[float]:
    rule, rng = rule_for(claim, design(**changes)), random.Random(9)
    for outcome in outcomes(claim.statistic, UNITS):
        if isinstance(rule, CentredRule):
            rule.foresee(rng.uniform(-0.5, 0.5))
        if rule.feed(outcome, outcome):
            break
    p_support, p_refute, ends = rule.evidence_bounds()
    return [rule.n, rule.log_e_support, rule.log_e_refute, p_support, p_refute, ends.low, ends.high]


def says_of_estimate(statistic, halfwidth: float | None, invalid: bool) -> list[float]:
    rule = make_estimate(statistic, halfwidth, design())
    for n, outcome in enumerate(outcomes(statistic, 150)):
        rule.feed(*((0.0, 1.0) if invalid and n == 3 else (outcome, outcome)))
        if rule.measured:
            break
    ends = rule.interval()
    return [rule.n, ends.low, ends.high]


def says_of_parts() -> list[float]:
    rule = make_joint_rule((rate("a") >= 0.5) & (mean(0, 1, "b") >= 0.4), design())
    for coin, score in zip(outcomes(rate, UNITS), outcomes(mean(0, 1), UNITS), strict=True):
        if rule.feed([(coin, coin), (score, score)]):
            break
    return [rule.n, rule.log_e_support, rule.log_e_refute, *rule.evidence_bounds()[:2]]


def says_of_ranking() -> list[float]:
    rule, rng = RankingRule(ranking(), ("a", "b", "c"), design()), random.Random(10)
    for _ in range(UNITS):
        coins = [float(rng.random() < p) for p in (0.8, 0.5, 0.2)]
        if rule.feed({arm: (coin, coin) for arm, coin in enumerate(coins)}):
            break
    ends = [place.interval for place in rule.places()]
    return [rule.n, *rule.log_e_against(), *(end for each in ends for end in (each.low, each.high))]


def said() -> dict[str, list[float]]:
    return {
        **{f"claim: {name}": says_of_claim(*given) for name, given in CLAIMS.items()},
        **{f"estimate: {name}": says_of_estimate(*given) for name, given in ESTIMATES.items()},
        "parts": says_of_parts(),
        "ranking": says_of_ranking(),
    }


def test_rules_that_say_something_else_are_another_edition():
    kept = json.loads(FILE.read_text())
    assert kept["edition"] == EDITION
    assert kept["says"] == {
        name: pytest.approx(numbers, rel=1e-6, abs=1e-9) for name, numbers in said().items()
    }, "rules changed: raise EDITION, so that the look log knows, and write the file again"


if __name__ == "__main__":
    FILE.write_text(json.dumps({"edition": EDITION, "says": said()}, indent=1) + "\n")
