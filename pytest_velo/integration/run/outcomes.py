"""What pytest's own exceptions mean inside a trial."""

from __future__ import annotations

import pytest

from pytest_velo.designing.outcomes import BodyOutcomes
from pytest_velo.errors import UsageError
from pytest_velo.integration.compat import Failed
from pytest_velo.runner.hypothesis import Reading

_FAILED = pytest.fail.Exception
_SKIPPED = pytest.skip.Exception
_XFAILED = pytest.xfail.Exception
_EXIT = pytest.exit.Exception


class HypothesisRefuted(Failed):
    """The hypothesis is refuted: pytest's failure, with our text in place of a traceback.

    Other plugins tell a failure (this, or an AssertionError) from a broken test (anything else).
    """

    def __init__(self, text: str) -> None:
        super().__init__(text, pytrace=False)


class HostOutcomes(BodyOutcomes):
    """Reads the outcomes of one hypothesis's body under pytest's rules."""

    failures = (AssertionError, _FAILED)
    never = (_XFAILED,)

    def exception(self, error: BaseException) -> Reading:
        """Say what an exception raised by a body means."""
        # pytest-timeout's `Failed` never gets here: it interrupts the main thread, and bodies run elsewhere.
        if isinstance(error, _XFAILED):
            return Reading(
                error=UsageError(
                    "pytest.xfail cannot be used inside a trial",
                    fix="mark the test xfail, or call velo.invalid(why)",
                )
            )
        if isinstance(error, _SKIPPED):
            return Reading(invalid=str(error) or "skipped")
        if isinstance(error, _EXIT):
            return Reading(error=error)
        return super().exception(error)
