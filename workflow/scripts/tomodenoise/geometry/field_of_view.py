"""Field of view: the disc around the rotation axis that the projections cover."""

import numpy as np

from tomodenoise.common.arrays import BoolArray


def mask(size: int, extent: float) -> BoolArray:
    """Return the mask (size, size) of the disc of radius ``extent``, pixels, around the axis in the middle."""
    offset = np.arange(size) - (size - 1) / 2
    return np.asarray(offset[:, None] ** 2 + offset[None, :] ** 2 <= extent**2)


def radius(columns: int, *centers: float, extended: bool = False) -> float:
    """Return the radius, in pixels, of the disc around the axis that all views cover.

    Parameters
    ----------
    columns : number of detector columns.
    centers : column of the axis, pixels; several for a tilted axis, of which the smallest disc counts.
    extended : for half acquisition, return the disc that opposite views cover together over a full turn.
    """
    reach = max if extended else min
    return min(reach(center, columns - 1 - center) for center in centers)
