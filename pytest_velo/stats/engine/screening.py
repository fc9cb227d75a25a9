"""Whether one case breaks a behaviour, told from few trials: Wald's test of two simple hypotheses.

The trials of a case are against the claim with some probability q. The claim allows `q <= allowed`. The test
weighs a q halfway between that and 1 against it: a trial against the claim multiplies the odds by
(1 + allowed) / (2 * allowed), every other trial halves them.

For q <= allowed the odds are a nonnegative supermartingale that starts at 1, because their mean grows with q
and is 1 at q = allowed. So by Ville's inequality P(the odds ever reach `KEEP`) <= 1/KEEP, however long one
looks. For q at the middle or above, the inverse of the odds is one, so P(they ever fall to 1/drop) <= 1/drop.

These are the errors of a search, which cost trials. What a search says rests on none of them: it is
confirmed on fresh draws.
"""

from __future__ import annotations

import math

KEEP = 20.0
"""The odds at which a case is taken to break the behaviour."""

DROP = 8.0
"""A case is taken to hold where the odds are one to this."""

DROP_AT_ONCE = 2.0
"""The same where cases are plenty: the first trial that is not against the claim ends it."""

MOST_TRIALS = 40
"""A case that is undecided after so many trials is taken to hold."""


class Screen:
    """The trials of one case so far.

    Args:
        allowed: The largest share of trials against the claim that it allows, in (0, 1).
    """

    def __init__(self, allowed: float) -> None:
        self._against = math.log((1.0 + allowed) / (2.0 * allowed))
        self._log_odds = 0.0
        self.n = 0

    def feed(self, against: bool) -> None:
        """Take in one trial."""
        self.n += 1
        self._log_odds += self._against if against else -math.log(2.0)

    def breaks(self, drop: float) -> bool | None:
        """Tell whether the case breaks the behaviour; None while that is open.

        `drop` are the odds against it that end it, above 1.
        """
        if self._log_odds >= math.log(KEEP) - _ROUNDING:
            return True
        if self._log_odds <= -math.log(drop) + _ROUNDING or self.n >= MOST_TRIALS:
            return False
        return None

    def min_more(self, drop: float) -> int:
        """Return the fewest further trials that decide it, from 1: all of them are needed in any case."""
        up = (math.log(KEEP) - self._log_odds) / self._against
        down = (math.log(drop) + self._log_odds) / math.log(2.0)
        return max(1, min(math.ceil(up - _ROUNDING), math.ceil(down - _ROUNDING), MOST_TRIALS - self.n))


_ROUNDING = 1e-9
