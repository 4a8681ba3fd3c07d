"""Which slices and pixels of the scans a model is trained on, and on which it is judged."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.ndimage import binary_dilation, gaussian_filter
from skimage.filters import threshold_otsu

from tomodenoise.arrays import BoolArray, FloatArray, IntArray
from tomodenoise.errors import UserError
from tomodenoise.models import Normalisation
from tomodenoise.sections import Sections, mix

MARGIN = 4
"""Pixels around the sample that still count as sample, so that its edges are learned."""


@dataclass(frozen=True)
class Part:
    """The slices and pixels of a scan that patches may be judged on."""

    rows: IntArray
    mask: BoolArray
    """(y, x)"""


def divide(scan: Sections, mask: BoolArray, gap: int, held_out: float) -> tuple[Part, Part]:
    """Keep a part of a scan from training.

    Parameters
    ----------
    mask : (y, x) pixels that count.
    gap : slices to leave between the two parts.
    held_out : share of the slices.

    Returns
    -------
    The part to train on and the part held out. Whole blocks of slices are held out, apart from the others by the
    gap. A scan of few slices, fewer than 8 gap + 4, gives lines of all its slices instead: a band
    through the axis, with a gap.
    """
    every = np.arange(scan.depth)
    if scan.depth >= 8 * gap + 4:
        count = int(np.clip(scan.depth // 64, 1, 4))
        length = max(1, round(held_out * scan.depth / count))
        middles = (np.arange(count) + 0.5) * scan.depth / count
        kept = np.concatenate([np.arange(length) + int(middle - length / 2) for middle in middles])
        distance = np.abs(every[:, None] - kept).min(axis=1)
        return Part(every[distance > gap], mask), Part(kept, mask)
    length = max(2, round(held_out * scan.size))
    offset = np.abs(np.arange(scan.size) - (scan.size - 1) / 2)[:, None]
    between = max(2, scan.size // 64)
    outer, inner = mask & (offset > length / 2 + between), mask & (offset <= length / 2)
    if not (outer.any() and inner.any()):
        raise UserError(
            f"{scan.array}: the field of view of {2 * scan.radius:.0f} pixels has too few pixels to train on"
        )
    return Part(every, outer), Part(every, inner)


def normalisation(scans: Sequence[Sections]) -> Normalisation:
    """Mean and deviation of each channel of the full reconstruction in the field of view, from some rows of each scan.

    A channel that is constant among others that are not, such as one that was masked, keeps its scale.

    Raises
    ------
    UserError
        If a volume is constant or not finite: there is nothing to learn from it.
    """
    names = ", ".join(str(scan.array) for scan in scans)
    values = [row[:, scan.visible] for scan in scans for row in _some_rows(scan)]
    seen = np.concatenate(values, axis=1).astype(np.float64)
    mean, scale = seen.mean(axis=1), seen.std(axis=1)
    constant = scale <= 1e-6 * np.abs(mean)
    if constant.all() or not np.isfinite(scale).all():
        raise UserError(
            f"{names}: the reconstruction is constant or not finite: look at the raw frames and at center.png"
        )
    return Normalisation(tuple(mean.tolist()), tuple(np.where(constant, 1.0, scale).tolist()))


def sample(scan: Sections) -> BoolArray:
    """Pixels (y, x) of the field of view with sample in any of some rows: brighter than Otsu's threshold.

    The threshold is that of the smoothed rows, the mean of their channels [Otsu, IEEE Trans. SMC 9 (1979) 62]; edges
    are within.
    """
    rows = [gaussian_filter(row.mean(axis=0), 2.0) for row in _some_rows(scan)]
    seen = np.concatenate([row[scan.visible] for row in rows])
    threshold = float(threshold_otsu(seen))  # type: ignore[no-untyped-call]
    dense = np.any([row > threshold for row in rows], axis=0)
    return np.asarray(binary_dilation(dense, iterations=MARGIN) & scan.visible)


def _some_rows(scan: Sections, most: int = 16) -> Iterator[FloatArray]:
    """Slices (channel, y, x) of the full reconstruction, spread over the height."""
    for row in np.unique(np.linspace(0, scan.depth - 1, most).astype(int)):
        yield mix(scan.read(row, row + 1), scan.shares)[:, 0]
