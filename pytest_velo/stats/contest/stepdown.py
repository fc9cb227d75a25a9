"""Which of many nulls are rejected together by their e-values, with P(any wrong rejection) <= level.

The average of e-values is an e-value whatever their dependence. So by the closure principle a null is
rejected where, for every set of nulls that contains it, the average of the set's e-values is at least
1/level. The worst set with a given null and k others has the k smallest others, so one sort is enough.

At any time the average over the nulls that are true is itself a test martingale. If a true one was rejected
at any time, that average was 1/level or more at that time, which happens with probability at most `level`. So
rejections at different times may be kept, and the time of the last look may depend on everything.

Source: Vovk and Wang (2021), "E-values: calibration, combination and applications", Annals of Statistics
49:1736, algorithm 1. Loaded on use: it needs numpy.
"""

from __future__ import annotations

import numpy as np

from pytest_velo.stats.contest.wealth import MOST
from pytest_velo.stats.engine.arrays import Flags, Floats


def rejected(log_e: Floats, level: float) -> Flags:
    """Tell which nulls, along the last axis, are rejected at `level`."""
    order = np.argsort(log_e, axis=-1, kind="stable")
    values = np.exp(np.minimum(np.take_along_axis(log_e, order, axis=-1), MOST))
    before = np.cumsum(values, axis=-1) - values  # of all smaller ones
    sizes = np.arange(1, log_e.shape[-1] + 1)
    needed = np.maximum.accumulate(sizes / level - before, axis=-1)
    found = np.empty(log_e.shape, dtype=bool)
    np.put_along_axis(found, order, values >= needed, axis=-1)
    return found
