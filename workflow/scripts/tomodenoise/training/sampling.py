"""Which slices and pixels of the scans a model is trained on, and on which it is judged."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.ndimage import binary_dilation, gaussian_filter
from skimage.filters import threshold_otsu

from tomodenoise.common.arrays import BoolArray, FloatArray, IntArray
from tomodenoise.common.errors import UserError
from tomodenoise.metrics import structure
from tomodenoise.networks.models import Normalisation
from tomodenoise.splitting import by_angle
from tomodenoise.storage.sections import Sections, mix

MARGIN = 4
"""Pixels around the sample that still count as sample, so that its edges are learned."""

LOOKED_AT = 32
"""Rows that tell where the sample is."""

EMPTY = 0.1
"""Of the variance of the sample in a usual row, what an empty row may have."""

FEWEST = 0.1
"""Of the rows, those that must hold sample for the others to count as empty."""


@dataclass(frozen=True)
class Part:
    """The slices and pixels of a scan that patches may be judged on."""

    rows: IntArray
    mask: BoolArray
    """(y, x)"""


def divide(
    scan: Sections, mask: BoolArray, gap: int, held_out: float, rows: IntArray | None = None
) -> tuple[Part, Part]:
    """Keep a part of a scan from training.

    Parameters
    ----------
    mask : (y, x) pixels that count.
    gap : slices to leave between the two parts.
    held_out : share of the slices.
    rows : ascending, those that may be held out; all by default. Rows of air would judge nothing.

    Returns
    -------
    The part to train on and the part held out. Whole blocks of slices are held out, apart from the others by the
    gap. Where fewer than 8 gap + 4 rows may be held out, it is a band of lines through the axis in each of them, and
    the lines on both sides of it, with a gap, are trained on in all rows.
    """
    every = np.arange(scan.depth)
    able = every if rows is None else rows
    if len(able) >= 8 * gap + 4:
        count = int(np.clip(len(able) // 64, 1, 4))
        length = max(1, round(held_out * len(able) / count))
        middles = (np.arange(count) + 0.5) * len(able) / count
        kept = able[np.concatenate([np.arange(length) + int(middle - length / 2) for middle in middles])]
        distance = np.abs(every[:, None] - kept).min(axis=1)
        return Part(every[distance > gap], mask), Part(kept, mask)
    outer, inner = bands(scan, mask, held_out)
    return Part(every, outer), Part(able, inner)


def bands(scan: Sections, mask: BoolArray, held_out: float) -> tuple[BoolArray, BoolArray]:
    """Part the pixels of a slice (y, x) into those to train on and a band through the axis that is held out."""
    length = max(2, round(held_out * scan.size))
    offset = np.abs(np.arange(scan.size) - (scan.size - 1) / 2)[:, None]
    between = max(2, scan.size // 64)
    outer, inner = mask & (offset > length / 2 + between), mask & (offset <= length / 2)
    if not (outer.any() and inner.any()):
        raise UserError(
            f"{scan.array}: the field of view of {2 * scan.radius:.0f} pixels has too few pixels to train on"
        )
    return outer, inner


def rows_with_sample(scan: Sections) -> IntArray | None:
    """Rows that show more than noise, judged by some rows spread over the height; None where all do, or hardly any.

    A row is empty where two halves of the data have no more in common than noise, and less than a tenth of what they
    have in common in a usual row with sample. Rings are in common, so a row of air with strong ones counts.
    """
    role = by_angle.halves(len(scan.split.sections))
    if len(scan.split.sections) < 2 or not (scan.holds(role.inputs) and scan.holds(role.targets)):
        return None
    sides, looked_at = [scan.mixing(side) for side in (role.inputs, role.targets)], _spread(scan.depth, LOOKED_AT)
    found = []
    for row in looked_at:
        stored = np.nan_to_num(scan.read(row, row + 1).mean(axis=1))
        first, second = (mix(stored, side) for side in sides)
        found.append(structure.agreement(first, second, scan.visible))
    shared = np.array([agreement.shared for agreement in found])
    full = np.array([agreement.holds_sample for agreement in found])
    if full.mean() < FEWEST:
        return None
    full |= shared > EMPTY * np.median(shared[full])
    if full.all():
        return None
    # Between two rows that were looked at, both must hold sample.
    return np.flatnonzero(np.interp(np.arange(scan.depth), looked_at, full) == 1)


def normalisation(scans: Sequence[Sections]) -> Normalisation:
    """Mean and deviation of each channel of the full reconstruction in the field of view, from some rows of each scan.

    Rows with values that are not finite do not count. A channel that is constant among others that are not, such as
    one that was masked, keeps its scale.

    Raises
    ------
    UserError
        If all is constant or not finite: there is nothing to learn from it.
    """
    names = ", ".join(str(scan.array) for scan in scans)
    values = [row[:, scan.visible] for scan in scans for row in _some_rows(scan)]
    finite = [row for row in values if np.isfinite(row).all()]
    seen = np.concatenate(finite or [np.zeros((len(values[0]), 1))], axis=1).astype(np.float64)
    mean, scale = seen.mean(axis=1), seen.std(axis=1)
    constant = scale <= 1e-6 * np.abs(mean)
    if constant.all():
        raise UserError(
            f"{names}: the reconstruction is constant or not finite: look at the raw frames and at center.png"
        )
    return Normalisation(tuple(mean.tolist()), tuple(np.where(constant, 1.0, scale).tolist()))


def sample(scan: Sections) -> BoolArray:
    """Pixels (y, x) of the field of view with sample in any of some rows: brighter than Otsu's threshold.

    The threshold is that of the smoothed rows, the mean of their channels [Otsu, IEEE Trans. SMC 9 (1979) 62]; edges
    are within. The whole field of view where nothing is brighter than the rest.
    """
    rows = [gaussian_filter(row.mean(axis=0), 2.0) for row in _some_rows(scan) if np.isfinite(row).all()]
    seen = np.concatenate([row[scan.visible] for row in rows]) if rows else np.zeros(0)
    if not len(seen) or np.ptp(seen) == 0:
        return scan.visible
    threshold = float(threshold_otsu(seen))  # type: ignore[no-untyped-call]
    dense = np.any([row > threshold for row in rows], axis=0)
    return np.asarray(binary_dilation(dense, iterations=MARGIN) & scan.visible)


def _some_rows(scan: Sections) -> Iterator[FloatArray]:
    """Slices (channel, y, x) of the full reconstruction, spread over the height."""
    for row in _spread(scan.depth, 16):
        yield mix(scan.read(row, row + 1), scan.shares)[:, 0]


def _spread(depth: int, most: int) -> IntArray:
    return np.unique(np.linspace(0, depth - 1, most).astype(int))
