r"""Confirming a finding on fresh draws, so that a search is wrong as seldom as it promises.

The k-th finding that comes to be confirmed gets the share beta / (k (k + 1)) of beta. Its case is fixed, by
draws of other streams, before the first of its own draws is made. So given all that came before, its trials
are independent with one rate, the rule of `stats/rules/rate` for the claim on this one case refutes a true
claim with probability beta / (k (k + 1)) at most, at any stopping time, and

    P(any finding is wrongly confirmed) <= sum over k of beta / (k (k + 1)) = beta,

however the search chose its cases, how many it found, and when it ended. No share depends on how many
findings there will be, so this holds for searches that are stopped, and for those that go on.
"""

from __future__ import annotations

from pytest_velo.claims import Claim, Direction
from pytest_velo.records import Invalid
from pytest_velo.stats.engine.design import Design
from pytest_velo.stats.one_sided.rate import shortest_run
from pytest_velo.stats.rules.interval import reported
from pytest_velo.stats.rules.rate import make_rate_rule
from pytest_velo.verdicts import Interval, Verdict


def share_of(beta: float, number: int) -> float:
    """Return the share of beta of the finding that is the `number`-th to be confirmed, from 1."""
    return beta / (number * (number + 1))


def fewest_trials(claim: Claim, beta: float) -> int:
    """Return the fewest trials that can confirm the first finding: all of them against the claim."""
    if claim.direction is Direction.AT_MOST:
        assert claim.high is not None  # by construction
        return shortest_run(claim.high, 1, share_of(beta, 1))
    assert claim.low is not None  # likewise
    return shortest_run(claim.low, -1, share_of(beta, 1))


class Confirmation:
    """The claim on one case, under test on fresh draws.

    Args:
        claim: What should hold on the case.
        level: Upper bound on P(refuted | it holds there); in (0, 1).
        alpha: Upper bound on P(it is taken to hold | it does not), which only ends the test early.
        most: Most trials, from 1; invalid ones count.
        invalid: How invalid trials count: never against the claim.

    Attributes:
        n, n_against, n_invalid: Trials that were fed: all, those against the claim, and invalid ones.
    """

    def __init__(self, claim: Claim, *, level: float, alpha: float, most: int, invalid: Invalid) -> None:
        self.level = level
        self.n = 0
        self.n_against = 0
        self.n_invalid = 0
        self._most = most
        self._counts_invalid = invalid is not Invalid.EXCLUDE
        self._one_is_against = claim.direction is Direction.AT_MOST
        self._rule = make_rate_rule(claim, Design(alpha=alpha, beta=level, max_units=most))

    def feed(self, against: bool | None) -> None:
        """Take in one trial: whether it is against the claim; None for an invalid one."""
        self.n += 1
        if against is None:
            self.n_invalid += 1
            if self._counts_invalid:
                self._rule.feed(0.0, 1.0)  # it holds whichever way this fell
            return
        self.n_against += against
        one = float(against == self._one_is_against)
        self._rule.feed(one, one)

    @property
    def min_more(self) -> int:
        """Trials that are needed in any case; 0 once it has ended."""
        left = self._most - self.n
        if left == 0 or self._rule.verdict is not None:
            return 0
        return max(1, min(left, self._rule.min_more()))

    @property
    def verdict(self) -> Verdict:
        """Refuted: the finding is confirmed. Supported: the claim holds on this case. Else inconclusive."""
        return self._rule.verdict or Verdict.INCONCLUSIVE

    @property
    def certified(self) -> str:
        """The inequality that the verdict certifies."""
        return self._rule.certified(self.verdict)

    @property
    def estimate(self) -> float | None:
        """The observed rate among the valid trials; None without any."""
        n_valid = self.n - self.n_invalid
        if not n_valid:
            return None
        share = self.n_against / n_valid
        return share if self._one_is_against else 1.0 - share

    def evidence(self) -> tuple[float, Interval | None]:
        """Return the p-value against the claim on this case, and the interval of the rate on it."""
        _, p_refute, running = self._rule.evidence_bounds()
        return p_refute, reported(running, self.estimate, self._rule.interval_at_stop).interval
