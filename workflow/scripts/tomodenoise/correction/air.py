"""The dose of each frame, from the air beside the sample."""

import numpy as np

from tomodenoise.common.arrays import FloatArray


def level(integrals: FloatArray, columns: int) -> None:
    """Take off the straight line between the air at the left and at the right, in place.

    Parameters
    ----------
    integrals : (..., columns of the detector) float32 line integrals.
    columns : at each side that see air in every projection.

    Notes
    -----
    A line for each row of each frame: the beam of a monochromator moves up and down, so that its rows change by
    different factors, and a row's result depends on no other row.
    """
    width = integrals.shape[-1]
    left = integrals[..., :columns].mean(axis=-1, dtype=np.float64)[..., None]
    right = integrals[..., -columns:].mean(axis=-1, dtype=np.float64)[..., None]
    share = (np.arange(width) - (columns - 1) / 2) / max(width - columns, 1)
    integrals -= (left + share * (right - left)).astype(np.float32)
