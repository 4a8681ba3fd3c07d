"""Dose correction of each frame from the air on both sides of the sample."""

import numpy as np

from tomodenoise.common.arrays import FloatArray


def level(integrals: FloatArray, columns: int) -> None:
    """Subtract the straight line between the air on the left and on the right, in place.

    Parameters
    ----------
    integrals : (..., columns of the detector) float32 line integrals.
    columns : number of columns on each side that see air in every projection.

    Notes
    -----
    One line for each row of each frame: a monochromatic beam moves up and down, so its rows change by different
    factors. A row's result depends on no other row.
    """
    width = integrals.shape[-1]
    left = integrals[..., :columns].mean(axis=-1, dtype=np.float64)[..., None]
    right = integrals[..., -columns:].mean(axis=-1, dtype=np.float64)[..., None]
    share = (np.arange(width) - (columns - 1) / 2) / max(width - columns, 1)
    integrals -= (left + share * (right - left)).astype(np.float32)
