"""Many arms, one question: which is the best, and in which order the others come. Loaded on use."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_velo.lazy import lazily

if TYPE_CHECKING:
    from pytest_velo.stats.contest.rule import Place as Place
    from pytest_velo.stats.contest.rule import RankingRule as RankingRule
    from pytest_velo.stats.contest.rule import fewest_rounds_of as fewest_rounds_of
    from pytest_velo.stats.contest.simulation import Simulated as Simulated
    from pytest_velo.stats.contest.simulation import simulate as simulate

_HOMES = {
    "Place": "rule",
    "RankingRule": "rule",
    "Simulated": "simulation",
    "fewest_rounds_of": "rule",
    "simulate": "simulation",
}
__all__ = list(_HOMES)
__getattr__ = lazily(__name__, _HOMES)
