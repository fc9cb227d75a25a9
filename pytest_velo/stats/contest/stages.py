"""How many rounds of a contest are planned together."""

from __future__ import annotations

import math

_TRIALS_AHEAD = 16
"""Fewer in flight than this save little and cost time."""


def stage_of(n_rounds: int, n_in_play: int) -> int:
    """Return the rounds of the next stage, whose arms are known when it begins.

    It is an eighth of the rounds so far, or enough to have a handful of trials in flight. An arm that leaves
    early in a stage is drawn to its end, so a longer one costs trials, and a shorter one time.
    """
    return max(n_rounds // 8, math.ceil(_TRIALS_AHEAD / max(1, n_in_play)))
