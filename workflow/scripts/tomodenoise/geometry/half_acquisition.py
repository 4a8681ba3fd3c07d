"""Half acquisition: weights for the views of a full turn so that backprojection gives the extended field of view.

With the axis near one edge of the detector, a ray at a small distance t from the axis is measured twice: at an angle
and, at -t, on the opposite side of the circle; further out it is measured once. With weights w(t) + w(-t) = 1, and
w = 1 for single measurements, each ray counts once over the full turn [Cho et al., Med. Phys. 23, 1996, for cone beams;
Wang, Med. Phys. 29, 2002]. Zeros are added beyond the near edge, so that the axis is in the middle and every engine
reconstructs the result like any other scan.
"""

import math
from dataclasses import dataclass

import numpy as np

from tomodenoise.common.arrays import FloatArray


@dataclass(frozen=True)
class Widening:
    """Widths of the widened sinograms of a half acquisition."""

    columns: int  # columns of the widened sinogram, and pixels along each side of a slice
    before: int  # columns of zeros before the measured ones


def widened(columns: int, center: float) -> Widening:
    """Return the widening of sinograms of `columns` with the axis at column `center`.

    Only whole columns are added, so nothing is interpolated, and the axis keeps its subpixel position: in the middle to
    within half a pixel.
    """
    middle = (columns - 1) / 2
    added = math.ceil(2 * abs(middle - center))
    return Widening(columns + added, added if center < middle else 0)


def apply(sinograms: FloatArray, wide: Widening, centers: float | FloatArray) -> FloatArray:
    """Weight and widen sinograms, for backprojection with angular weights that sum to 2π over the full turn.

    Parameters
    ----------
    sinograms : (slice, angle, column) float32, line integrals over the full turn.
    wide : result of `widened`, the same for all rows.
    centers : column of the axis in all slices, or (slice,) for a tilted axis, in pixels of the detector. In the widened
        sinograms the axis is at `centers + wide.before`.

    Returns
    -------
    (slice, angle, wide.columns) float32. The side of the near edge ends in zeros, so that padding with the border value
    (`pad: edge`) has an effect beyond the far edge only.
    """
    result = np.zeros((*sinograms.shape[:2], wide.columns), np.float32)
    measured = sinograms.shape[-1]
    here = slice(wide.before, wide.before + measured)
    shares = np.stack([weights(measured, center) for center in np.atleast_1d(centers)])
    np.multiply(sinograms, shares[:, None], out=result[..., here])
    return result


def weights(columns: int, center: float) -> FloatArray:
    """Return the weight of each measurement of a ray, (column,) float32.

    It is sin²(π/4 (1 + t/r)) in the overlap |t| <= r, with t the distance from the axis towards the far edge and r that
    of the near edge: as smooth as possible, 0 at the near edge and 1 beyond the overlap.
    """
    near = min(center, columns - 1 - center)
    t = (np.arange(columns) - center) * (1 if center <= (columns - 1) / 2 else -1)
    ramp = np.clip(t / max(near, 0.5), -1, 1)
    return np.asarray(np.sin(np.pi / 4 * (1 + ramp)) ** 2, dtype=np.float32)
