"""The books that a hypothesis is entered in: the log of looks at its draws, the attempts at its belief."""

from __future__ import annotations

from dataclasses import dataclass

from pytest_velo.runner.attempts import Attempts, begun
from pytest_velo.runner.hypothesis import Hypothesis
from pytest_velo.runner.looks import Looks
from pytest_velo.sampling.session import SamplingSession
from pytest_velo.scheduling.earlier import Earlier, earlier_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Books:
    """Those of one hypothesis.

    Attributes:
        looks: The looks at its draws.
        attempts: The attempts at its belief.
    """

    looks: Looks
    attempts: Attempts

    def earlier(self, hypothesis: Hypothesis, cost_usd: float | None) -> Earlier | None:
        """Return what they tell a scheduler of the hypothesis, whose trials last cost so much each."""
        return earlier_of(self.attempts.history(), hypothesis, n_known=self.looks.n_known, cost_usd=cost_usd)


def entered(
    session: SamplingSession, hypothesis: Hypothesis, *, is_look: bool = True
) -> tuple[Books, Hypothesis]:
    """Enter a hypothesis before its first draw; return its books, and the hypothesis to sample.

    Its prediction is entered, and the number of the attempt sets its alpha where it has to. `is_look` tells
    whether its verdict counts.

    Raises:
        UsageError: A history of looks that strict does not allow.
    """
    settings = session.settings
    looks = Looks(session.store, hypothesis)
    looks.check(strict=settings.strict)
    attempts, hypothesis = begun(
        session.attempts, hypothesis, profile=settings.profile, replays=settings.replays, is_look=is_look
    )
    return Books(looks=looks, attempts=attempts), hypothesis
