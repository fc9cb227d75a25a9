"""Evidence that the order of outcomes matters, at whatever outcome one stops looking.

Let Q be a law of 0/1 sequences in which the order matters. For a law P in which it does not, Q(x1..xt) /
P(x1..xt) is a non-negative martingale under P that starts at 1 (a supermartingale where P can be 0). What is
known of P only bounds it from above:

- Independent outcomes with one unknown rate: P is at most its maximum over the rate, that at k/t.
- Outcomes drawn without replacement, or any others that are exchangeable: the comb(t, k) orders of k ones
  have the same probability, so P is at most 1 / comb(t, k).

Dividing Q by the bound gives evidence that is never more than the martingale of the true P, whichever it is:
an e-process. The chance that it ever reaches 1/alpha is at most alpha (Ville), also if a run stopped by its
outcomes. Source: Ramdas, Ruf, Larsson & Koolen (2022), "Testing exchangeability: fork-convexity,
supermartingales and e-processes", IJAR 141, for the first bound and the Markov chains.

What a run stops by may be more than these outcomes: those of another arm, or scores of which they only say on
which side of a cut they lie. That changes nothing. Independent outcomes do not depend on anything earlier.
Without replacement, given all units that there are, the next one is a 1 with the share of ones among those
left, whatever else is known of the earlier ones. So the martingale is one of all that is known. The same
holds for a part of the sequence that is chosen by each unit alone, such as the pairs that differ.
"""

from __future__ import annotations

import math

_LOG_HALF = math.log(0.5)


class OrderEvidence:
    """The evidence that outcomes of 0 or 1 depend on their order.

    It is the mean of two: of Markov chains, in which an outcome follows the one before it, and of a rate that
    changes once, at one of the positions 4, 6, 8, 12, 16, ... Each has Jeffreys' prior on its rates.

    Attributes:
        n: Outcomes so far.
        n_ones: Those that are 1.
        n_same, n_changed: How often an outcome was that before it, and how often it was not.
    """

    __slots__ = ("_last", "_marks", "_moves", "_next_mark", "n", "n_ones")

    def __init__(self) -> None:
        self.n = 0
        self.n_ones = 0
        self._last: bool | None = None
        self._moves = [0, 0, 0, 0]
        self._marks: list[tuple[int, int]] = []
        self._next_mark = 4

    def add(self, outcome: bool) -> None:
        """Take in the next outcome."""
        if self.n == self._next_mark:
            self._marks.append((self.n, self.n_ones))
            self._next_mark = _after(self.n)
        if self._last is not None:
            self._moves[2 * self._last + outcome] += 1
        self._last = outcome
        self.n_ones += outcome
        self.n += 1

    @property
    def n_same(self) -> int:
        """Outcomes that are that before them."""
        return self._moves[0] + self._moves[3]

    @property
    def n_same_expected(self) -> float:
        """Those that would be if their order did not matter, in the mean."""
        if self.n < 2:
            return 0.0
        zeros = self.n - self.n_ones
        return (self.n_ones * (self.n_ones - 1) + zeros * (zeros - 1)) / self.n

    @property
    def alternates(self) -> bool:
        """Outcomes differ from that before them, more often than they would in any order."""
        return self.follows and self.n_same < self.n_same_expected

    @property
    def n_changed(self) -> int:
        """Outcomes that are not."""
        return self._moves[1] + self._moves[2]

    def log_e(self, *, exchangeable: bool) -> float:
        """Return the log e-value now.

        Args:
            exchangeable: Only that is known, as of units in random order that are each drawn once; else the
                outcomes are independent and have one rate, and the evidence is larger.
        """
        if not self.n:
            return 0.0
        bound = _log_any_order(self.n_ones, self.n) if exchangeable else _log_best_rate(self.n_ones, self.n)
        return _log_mean(self._log_chain(), self._log_change()) - bound

    def _log_chain(self) -> float:
        after_0, to_1_after_0, to_0_after_1, after_1 = self._moves
        return _LOG_HALF + _log_jeffreys(after_0, to_1_after_0) + _log_jeffreys(to_0_after_1, after_1)

    def _log_change(self) -> float:
        """Return the log probability of a rate that changes; position j of J so far has 1 / (j (j + 1))."""
        zeros = self.n - self.n_ones
        unchanged = _log_jeffreys(zeros, self.n_ones) - math.log(len(self._marks) + 1)
        logs = [unchanged]
        for j, (at, ones) in enumerate(self._marks, start=1):
            before = _log_jeffreys(at - ones, ones)
            after = _log_jeffreys(zeros - (at - ones), self.n_ones - ones)
            logs.append(before + after - math.log(j * (j + 1)))
        top = max(logs)
        return top + math.log(math.fsum(math.exp(each - top) for each in logs))

    @property
    def change(self) -> tuple[int, int, int]:
        """The likeliest position of a change of the rate, the ones before it, and those from it on."""
        if not self._marks:
            return 0, 0, self.n_ones

        def log_likelihood(mark: tuple[int, int]) -> float:
            at, ones = mark
            return _log_best_rate(ones, at) + _log_best_rate(self.n_ones - ones, self.n - at)

        at, ones = max(self._marks, key=log_likelihood)
        return at, ones, self.n_ones - ones

    @property
    def follows(self) -> bool:
        """That outcomes follow the one before explains more than that their rate changes once."""
        return self._log_chain() >= self._log_change()


def _after(position: int) -> int:
    """Return the next position of 4, 6, 8, 12, 16, 24, ..."""
    is_power_of_2 = position & (position - 1) == 0
    return position * 3 // 2 if is_power_of_2 else position * 4 // 3


def _log_jeffreys(zeros: int, ones: int) -> float:
    """Return the log probability of a sequence whose rate has Jeffreys' prior, Beta(1/2, 1/2)."""
    return (
        math.lgamma(zeros + 0.5) + math.lgamma(ones + 0.5) - math.lgamma(zeros + ones + 1) - math.log(math.pi)
    )


def _log_best_rate(ones: int, n: int) -> float:
    """Return the log probability of a sequence at the rate that makes it the largest."""
    return sum(each * math.log(each / n) for each in (ones, n - ones) if each)


def _log_any_order(ones: int, n: int) -> float:
    """Return the log of the largest probability that an exchangeable law can give a sequence."""
    return math.lgamma(ones + 1) + math.lgamma(n - ones + 1) - math.lgamma(n + 1)


def _log_mean(one: float, other: float) -> float:
    top = max(one, other)
    return top + math.log((math.exp(one - top) + math.exp(other - top)) / 2)
