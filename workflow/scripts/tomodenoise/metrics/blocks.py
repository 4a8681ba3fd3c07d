"""Standard errors of figures of merit by a jackknife over blocks of pixels, as errors of neighbours are alike."""

from collections.abc import Callable, Sequence

import numpy as np

from tomodenoise.common.arrays import BoolArray, FloatArray
from tomodenoise.metrics.support import Unsupported

EDGE = 16
"""Pixels; a block goes through all slices."""

FEWEST = 6
"""Blocks."""


def sums(quantities: Sequence[FloatArray], mask: BoolArray) -> FloatArray:
    """Sum quantities over the pixels of the mask in each block.

    Parameters
    ----------
    quantities : k images (z, y, x).
    mask : (y, x).

    Returns
    -------
    (block, 1 + k) float64: the number of pixels, and the sums; blocks without any pixel are left out.
    """
    places = np.nonzero(mask)
    label = (places[0] // EDGE) * (mask.shape[1] // EDGE + 1) + places[1] // EDGE
    pixels = np.bincount(label)
    columns = [len(quantities[0]) * pixels]
    columns += [np.bincount(label, image.sum(axis=0, dtype=np.float64)[places]) for image in quantities]
    return np.stack(columns, axis=1).astype(np.float64)[pixels > 0]


def jackknife(parts: FloatArray, statistic: Callable[[FloatArray], FloatArray]) -> tuple[float, float]:
    """Return a figure and its standard error.

    Parameters
    ----------
    parts : (block, k) sums, see `sums`.
    statistic : function of total sums (..., k), which returns (...).

    Raises
    ------
    Unsupported
        If there are fewer than 6 blocks.

    Notes
    -----
    The variance is (n - 1) / n times the sum of the squared deviations of the figures with a block left out from their
    mean [Tukey, Ann. Math. Stat. 29, 614 (1958)].
    """
    count = len(parts)
    if count < FEWEST:
        raise Unsupported(f"{count} blocks of {EDGE} pixels are too few for a standard error")
    total = parts.sum(axis=0)
    without = statistic(total - parts)
    variance = (count - 1) / count * np.sum((without - without.mean()) ** 2)
    return float(statistic(total)), float(np.sqrt(variance))
