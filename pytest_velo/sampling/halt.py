"""The end of a body whose trial cannot go on, whatever the body catches."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytest_velo.sampling.scope import TrialScope


class Halt(BaseException):
    """Raised out of a client's call that cannot be made, past every `except Exception` on its way.

    A program retries what its client raises, sleeps in between, or falls back to something else. None of that
    can bring a draw that is not recorded, or a dollar that is spent.

    Attributes:
        reason: Why, as the trial's error.
    """

    def __init__(self, reason: Exception) -> None:
        super().__init__(str(reason))
        self.reason = reason


def halt(scope: TrialScope, reason: Exception) -> Halt:
    """Return what ends a trial, which is then an error even if something gathers all that is raised."""
    scope.fail(reason)
    return Halt(reason)
