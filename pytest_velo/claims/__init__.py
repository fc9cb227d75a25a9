"""What a hypothesis claims: `rate >= 0.3`, `mean(0, 10) >= 7`, `difference("a", "b") >= 0.1`."""

from pytest_velo.claims.claim import Claim, Direction, Joint
from pytest_velo.claims.statistics import Difference, Mean, Rate, Scale, Statistic, difference, mean, rate

__all__ = [
    "Claim",
    "Difference",
    "Direction",
    "Joint",
    "Mean",
    "Rate",
    "Scale",
    "Statistic",
    "difference",
    "mean",
    "rate",
]
