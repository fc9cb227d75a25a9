"""How many trials of a run may be launched before it is known whether they are needed."""

from __future__ import annotations

from pytest_velo.runner.evidence import Weigher
from pytest_velo.runner.hypothesis import Hypothesis

FEWEST_AHEAD = 4  # fewer in flight than this save little and cost rounds


class Reach:
    """What bounds how far launching may go, whichever trials come next.

    `n_known` is how many trials an earlier look at these draws had: nothing beyond them is launched before
    they are all in.
    """

    def __init__(self, n_known: int = 0) -> None:
        self._n_known = n_known
        self._closed = False

    def close(self) -> None:
        """Launch nothing more: a trial failed, but trials in flight may still decide before it."""
        self._closed = True

    def knows(self, n_taken: int) -> bool:
        """Whether the next trials were read by an earlier look, so that they cost nothing."""
        return n_taken < self._n_known

    def _within(self, up_to: int, n_taken: int) -> int:
        """Return as many of `up_to` trials as may be launched after `n_taken` were taken."""
        return min(up_to, self._n_known) if self.knows(n_taken) else up_to


class Ahead(Reach):
    """Decides how far launching may go beyond the trials that have finished.

    It allows every trial that no verdict can do without. Of those that are merely expected, it allows half,
    or a handful; the rest is launched as these come in, so that few calls are made beyond the stopping
    prefix, at the price of a round or two. It decides again when an eighth of the new trials are in, because
    the decision costs more than everything else in a replayed trial.
    """

    def __init__(self, hypothesis: Hypothesis, weigher: Weigher, n_known: int = 0) -> None:
        super().__init__(n_known)
        self._hypothesis = hypothesis
        self._weigher = weigher
        self._up_to = 0
        self._look_at = 0

    def up_to(self, n_taken: int) -> int:
        """Return how many trials may have been launched in all, after `n_taken` were taken."""
        if self._closed:
            return 0
        if n_taken >= self._look_at:
            self._look(n_taken)
        return self._within(self._up_to, n_taken)

    def _look(self, n_taken: int) -> None:
        """Say how many trials may be launched, and when to look again."""
        hypothesis = self._hypothesis
        waits = hypothesis.accepts is not None or hypothesis.attempt_alpha is not None
        if waits and n_taken == 0:
            self._up_to = self._look_at = 1  # the others wait until the first is accepted, and alpha is fixed
            return
        if hypothesis.to_the_end:
            least = expected = max(1, hypothesis.design.max_units - n_taken // hypothesis.frame.unit_size)
        else:
            least, expected = self._weigher.min_more(), self._weigher.expected_more()
        half = max(FEWEST_AHEAD, (expected + 1) // 2)
        ahead = max(1, least, min(expected, half)) * hypothesis.frame.unit_size
        self._up_to = n_taken + ahead
        self._look_at = n_taken + max(1, ahead // 8)
