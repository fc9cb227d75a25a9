"""Evidence that scores rise or fall as a run goes on, by the rank of each among those before it.

If the order of n scores means nothing, the n-th has any of the n ranks among the first n with the same
chance, whatever the ranks before it were (scores that are equal are ranked by lot). So bets on the next rank
that are fair at equal chances have fortunes that are martingales, and so is their average. By Ville's
inequality the chance that it *ever* reaches 1/level is at most `level`.

That is a martingale of the ranks alone. A run stops by the scores themselves, which know more; so what it is
worth where a run stopped is no e-value, and it may not be averaged with what `exchangeability` finds. But it
has passed 1/level where a run stopped only if it ever does, in the run as it would have gone on. That is all
that is used, and the level is shared out among such tests (Boole).

Bettors expect high ranks, or low ones, by different degrees; two expect records. Sources: Ville (1939); Vovk,
Nouretdinov & Gammerman (2003), "Testing exchangeability on-line", ICML; that sequential ranks are independent
and uniform: Rényi (1962).
"""

from __future__ import annotations

import random
from bisect import bisect_left, bisect_right

_POWERS = (1, 3, 10)
"""A bettor expects a rank r among n in proportion to r to this power."""

_ON_RECORDS = 0.9
"""Share of a fortune that is staked on the next score being a record."""


_ENOUGH = 1e200
"""Evidence beyond which nothing more is bet; the next score could still not overflow it."""


class RankEvidence:
    """The evidence that scores rise or fall.

    Args:
        lots: What scores that are equal are ranked by: nothing that the scores depend on, and another one
            for another run, since the level holds over lots.

    Attributes:
        n: Scores so far.
        most: The largest evidence after any of them.
        n_higher, n_lower: Pairs in which the later score is higher, and lower.
    """

    __slots__ = ("_fortunes", "_lots", "_sorted", "_sums", "most", "n", "n_higher", "n_lower")

    def __init__(self, lots: str = "") -> None:
        self.n = 0
        self.most = 1.0
        self.n_higher = self.n_lower = 0
        self._sorted: list[float] = []
        self._lots = random.Random(f"ranks {lots}")
        self._sums = [0.0] * len(_POWERS)
        self._fortunes = [1.0] * (2 * len(_POWERS) + 2)

    def add(self, score: float) -> None:
        """Take in the next score."""
        below, up_to = bisect_left(self._sorted, score), bisect_right(self._sorted, score)
        self.n_higher += below
        self.n_lower += self.n - up_to
        self._sorted.insert(up_to, score)
        self.n += 1
        rank = 1 + (below if below == up_to else self._lots.randint(below, up_to))
        if self.most < _ENOUGH:
            gains = self._gains(rank)
            self._fortunes = [one * gain for one, gain in zip(self._fortunes, gains, strict=True)]
            self.most = max(self.most, sum(self._fortunes) / len(self._fortunes))

    def _gains(self, rank: int) -> list[float]:
        """Return what each bettor's fortune is multiplied by; the mean over all ranks is 1."""
        n, n_bets = float(self.n), len(_POWERS)
        self._sums = [total + n**power for total, power in zip(self._sums, _POWERS, strict=True)]
        from_below, from_above = float(rank), n + 1.0 - rank
        gains = [n / total for total in self._sums]
        kept = 1.0 - _ON_RECORDS
        return [
            *(gains[bet] * from_below ** _POWERS[bet] for bet in range(n_bets)),
            *(gains[bet] * from_above ** _POWERS[bet] for bet in range(n_bets)),
            kept + (_ON_RECORDS * n if from_below == n else 0.0),
            kept + (_ON_RECORDS * n if from_above == n else 0.0),
        ]

    @property
    def rises(self) -> bool:
        """More of the later scores are higher than lower."""
        return self.n_higher >= self.n_lower
