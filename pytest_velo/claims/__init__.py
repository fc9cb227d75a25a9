"""What a hypothesis claims: `rate >= 0.3`, `mean(0, 10) >= 7`, `difference("a", "b") >= 0.1`."""

from pytest_velo.claims.claim import Claim, Direction, Joint, Statistic
from pytest_velo.claims.questions import AnyClaim, EachCase, Estimation, Ranking
from pytest_velo.claims.scale import Scale
from pytest_velo.claims.statistics import Change, Difference, Mean, Rate
from pytest_velo.claims.stored import Baseline, Guards, baseline
from pytest_velo.claims.words import difference, each_case, estimate, mean, ranking, rate

__all__ = [
    "AnyClaim",
    "Baseline",
    "Change",
    "Claim",
    "Difference",
    "Direction",
    "EachCase",
    "Estimation",
    "Guards",
    "Joint",
    "Mean",
    "Ranking",
    "Rate",
    "Scale",
    "Statistic",
    "baseline",
    "difference",
    "each_case",
    "estimate",
    "mean",
    "ranking",
    "rate",
]
