"""Half acquisition: weight the views of a whole turn so that plain backprojection gives the extended field of view.

With the axis near one edge of the detector, a ray at distance t from the axis is measured twice where |t| is small, at
an angle and, at -t, on the opposite side of the circle; further out it is measured once. Weights w with
w(t) + w(-t) = 1 and w = 1 where there is one measurement make each ray count once over the whole turn [Cho et al., Med.
Phys. 23, 1996, for cones; Wang, Med. Phys. 29, 2002]. Beyond the near edge there are zeros, so that the axis comes to
the middle and every engine reconstructs the result like any other scan.
"""

import math
from dataclasses import dataclass

import numpy as np

from tomodenoise.common.arrays import FloatArray


@dataclass(frozen=True)
class Widening:
    """How the sinograms of a half acquisition are widened."""

    measured: int  # columns of the detector
    columns: int  # of the widened sinogram, and pixels along the sides of a slice
    before: int  # columns of zeros ahead of the measured ones
    center: float  # of the widened sinogram, pixels; in the middle to half a pixel
    radius: float  # pixels, of the disc around the axis that is seen completely


def widened(columns: int, center: float) -> Widening:
    """Plan the widening of sinograms of `columns` with the axis at column `center`.

    The whole and half pixels stay where they are: nothing is interpolated, and opposite views meet between each other's
    pixels as the axis has it.
    """
    middle = (columns - 1) / 2
    added = math.ceil(2 * abs(middle - center))
    before = added if center < middle else 0
    return Widening(columns, columns + added, before, center + before, max(center, columns - 1 - center))


def apply(sinograms: FloatArray, wide: Widening, centers: float | FloatArray) -> FloatArray:
    """Weight and widen sinograms, for backprojection with angular weights that sum to 2π over the whole turn.

    Parameters
    ----------
    sinograms : (slice, angle, column) float32, line integrals over the whole turn.
    wide : as `widened` plans it, for all rows alike.
    centers : of all slices, or (slice,) where the axis is tilted, pixels of the detector. In the widened sinogram it is
        at `centers + wide.before`.

    Returns
    -------
    (slice, angle, wide.columns) float32. It ends in zeros on the side of the near edge, so continuing both borders
    (`pad: edge`) continues what lies beyond the far edge only, as far as the detector is wider on that side.
    """
    result = np.zeros((*sinograms.shape[:2], wide.columns), np.float32)
    here = slice(wide.before, wide.before + wide.measured)
    shares = np.stack([weights(wide.measured, center) for center in np.atleast_1d(centers)])
    np.multiply(sinograms, shares[:, None], out=result[..., here])
    return result


def weights(columns: int, center: float) -> FloatArray:
    """Share of each measurement in its ray, (column,) float32.

    sin²(π/4 (1 + t/r)) over the overlap |t| <= r, t the distance from the axis towards the far edge and r that to the
    near edge: as wide and as smooth as can be, 0 at the near edge and 1 from r on.
    """
    near = min(center, columns - 1 - center)
    t = (np.arange(columns) - center) * (1 if center <= (columns - 1) / 2 else -1)
    ramp = np.clip(t / max(near, 0.5), -1, 1)
    return np.asarray(np.sin(np.pi / 4 * (1 + ramp)) ** 2, dtype=np.float32)
