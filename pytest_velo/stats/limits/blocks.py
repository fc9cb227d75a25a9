"""The centres of many paths of blocks at once, as `engine.blocks` gives them one by one.

For simulations, which need numpy.
"""

from __future__ import annotations

import numpy as np

from pytest_velo.stats.engine.arrays import Floats
from pytest_velo.stats.engine.blocks import (
    LEAST_WIDTH,
    NEAREST_END,
    PRIOR_BLOCKS,
    PRIOR_MEAN,
    PRIOR_SQUARES,
    WIDTHS,
)


def centres_of(
    chosen: Floats, means: Floats, least: Floats | float = 0.0, most: Floats | float = 1.0
) -> tuple[Floats, tuple[Floats, Floats]]:
    """Return the centres of the chosen trials and their foreseen ends, shape (paths, blocks).

    Args:
        chosen: What the judge says of the labelled trial of each block, in [0, 1].
        means: The mean of what it says over the block.
        least: The smallest value of the block. 0, like 1 for the largest, is right for 0/1 outcomes: a block
            that has one of them only has no centre but 0.
        most: The largest value of the block.
    """
    n = np.arange(means.shape[1])
    total, squares = np.cumsum(means, axis=1) - means, np.cumsum(means**2, axis=1) - means**2
    mean = (total + PRIOR_BLOCKS * PRIOR_MEAN) / (n + PRIOR_BLOCKS)
    around = np.maximum(0.0, squares - total**2 / np.maximum(n, 1))
    deviation = np.sqrt((around + PRIOR_SQUARES) / (n + PRIOR_BLOCKS))
    width = np.maximum(LEAST_WIDTH, WIDTHS * deviation)
    lows = -np.maximum(NEAREST_END, np.minimum(1.0, mean + width))
    highs = np.maximum(NEAREST_END, np.minimum(1.0, 1.0 - mean + width))
    above, below = most - means, means - least
    with np.errstate(divide="ignore", invalid="ignore"):
        shares = np.minimum(
            np.where(above > highs, highs / above, 1.0), np.where(below > -lows, -lows / below, 1.0)
        )
    return np.asarray(shares * (chosen - means)), (lows, highs)
