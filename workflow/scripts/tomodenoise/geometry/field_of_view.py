"""The disc around the rotation axis that the projections see."""

import numpy as np

from tomodenoise.common.arrays import BoolArray


def mask(size: int, extent: float) -> BoolArray:
    """Pixels of a ``size`` x ``size`` slice that every projection has seen: the disc around the rotation axis."""
    offset = np.arange(size) - (size - 1) / 2
    return np.asarray(offset[:, None] ** 2 + offset[None, :] ** 2 <= extent**2)


def radius(columns: int, *centers: float, extended: bool = False) -> float:
    """Radius, in pixels, of the disc around the axis that a half-turn sees completely.

    Parameters
    ----------
    columns : of the detector.
    centers : the axis, pixels; more than one where it is tilted: the disc is that which all of these rows see.
    extended : for half acquisition, whose views see that disc together over a whole turn.
    """
    reach = max if extended else min
    return min(reach(center, columns - 1 - center) for center in centers)
