"""What a weigher says whose claim has no evidence as a whole: an estimate, a ranking, a search."""

from __future__ import annotations

from pytest_velo.runner.evidence import WeighsAtOnce
from pytest_velo.verdicts import PartVerdict


class WithoutEvidence(WeighsAtOnce):
    """The answers of an estimate, a ranking or a search to what is asked of every claim.

    They go on to their end, for every trial may settle something: none is given up.
    """

    beside = None

    @staticmethod
    def predictive_probability() -> float:
        """Return 1: it is not given up before its trials are."""
        return 1.0

    @staticmethod
    def log_e() -> None:
        """Return None: nothing is claimed, or each arm or finding has evidence of its own."""
        return

    @staticmethod
    def boundaries() -> None:
        """Return None, likewise."""
        return

    @staticmethod
    def parts() -> tuple[PartVerdict, ...]:
        """Return nothing: it has no parts."""
        return ()


class OfSeveral(WithoutEvidence):
    """The answers of a ranking or a search, whose numbers are those of its arms or of its findings."""

    labelled = None

    @staticmethod
    def bounds() -> tuple[None, None, None]:
        """Return nothing: the intervals are those of the arms or of the findings."""
        return None, None, None

    @staticmethod
    def drifts() -> bool:
        """Return False: arms meet on the same cases, and the cases of a search are meant to differ."""
        return False
