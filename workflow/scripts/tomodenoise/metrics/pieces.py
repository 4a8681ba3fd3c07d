"""Volume fraction and sizes of the pieces of a phase, such as pores."""

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import binary_erosion, label
from skimage.filters import threshold_otsu

from tomodenoise.common.arrays import BoolArray, FloatArray
from tomodenoise.metrics import blocks
from tomodenoise.metrics.support import Unsupported

SMALLEST = 9
"""Pixels of a piece in a slice; less is not distinguished from noise."""

FEWEST = 10
"""Pieces."""

QUANTILES = (0.1, 0.25, 0.5, 0.75, 0.9)


@dataclass(frozen=True)
class Pieces:
    """A phase in slices. Each error is a standard error for the sample, as if the slices were drawn at random."""

    volume: float
    """Fraction of the judged volume."""
    volume_error: float
    number: float
    """Pieces in all slices that do not touch the rim of the judged region."""
    number_error: float
    diameter: float
    """Mean of the diameters of circles with the areas of the pieces, pixels."""
    diameter_error: float
    quantiles: tuple[float, ...]
    """Of the diameters, at `QUANTILES`, pixels."""


def is_bright(image: FloatArray, mask: BoolArray) -> bool:
    """Return whether the phase that takes the smaller part of the volume is the bright one."""
    return bool(_bright(image, mask)[:, mask].mean() < 0.5)


def measure(image: FloatArray, mask: BoolArray, *, bright: bool) -> Pieces:
    """Measure a phase, separated from the other at Otsu's threshold.

    Parameters
    ----------
    image : (z, y, x).
    mask : (y, x).
    bright : whether the phase is the one above the threshold.

    Raises
    ------
    Unsupported
        If the image is constant, or holds fewer than 10 pieces.
    """
    phase = mask & (_bright(image, mask) == bright)
    volume = blocks.jackknife(blocks.sums([phase.astype(np.float64)], mask), lambda s: s[..., 1] / s[..., 0])
    plane = np.zeros((3, 3, 3), dtype=bool)
    plane[1] = True
    labels, _ = label(phase, plane)
    areas = np.bincount(labels.ravel())
    whole = areas >= SMALLEST
    whole[labels[:, mask & ~binary_erosion(mask)]] = False
    whole[0] = False
    diameters = np.sqrt(4 / np.pi * areas[whole])
    count = len(diameters)
    if count < FEWEST:
        raise Unsupported(f"{count} pieces of a phase are too few")
    error = float(diameters.std(ddof=1) / np.sqrt(count))
    quantiles = tuple(np.quantile(diameters, QUANTILES).tolist())
    return Pieces(*volume, count, float(np.sqrt(count)), float(diameters.mean()), error, quantiles)


def _bright(image: FloatArray, mask: BoolArray) -> BoolArray:
    values = image[:, mask]
    if not values.size or not np.ptp(values):
        raise Unsupported("the image is constant")
    return np.asarray(image > threshold_otsu(values))  # type: ignore[no-untyped-call]
