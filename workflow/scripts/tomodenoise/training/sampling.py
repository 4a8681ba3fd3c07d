"""Selection of the slices and pixels for training and for evaluation."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.ndimage import binary_dilation, gaussian_filter

from tomodenoise.common.arrays import BoolArray, FloatArray, IntArray
from tomodenoise.common.errors import UserError
from tomodenoise.metrics import structure
from tomodenoise.networks.models import Normalisation
from tomodenoise.splitting import by_angle
from tomodenoise.storage.sections import Sections, mix

MARGIN = 4
"""Width in pixels of the margin that counts as sample, so that its edges are learned."""

EXAMINED_ROWS = 32
"""Number of rows that are examined to find the sample."""

EMPTY = 0.1
"""Largest variance of an empty row, relative to the variance of the sample in a typical row."""

FEWEST = 0.1
"""Smallest share of rows with sample for other rows to count as empty."""


@dataclass(frozen=True)
class Part:
    """Slices and pixels of a scan for training or evaluation."""

    rows: IntArray
    mask: BoolArray
    """(y, x)"""


def divide(
    scan: Sections, mask: BoolArray, gap: int, held_out: float, rows: IntArray | None = None
) -> tuple[Part, Part]:
    """Divide a scan into a part for training and a held-out part.

    Parameters
    ----------
    mask : (y, x) pixels that count.
    gap : number of slices between the two parts.
    held_out : share of the slices to hold out.
    rows : rows that may be held out, ascending; all by default. Rows of air are useless for evaluation.

    Returns
    -------
    The part to train on and the held-out part. Blocks of whole slices are held out, separated by the gap from the
    others. If fewer than 8 gap + 4 rows may be held out, a band of lines through the axis is held out in each of them,
    and training uses the lines on both sides of it, with a gap, in all rows.
    """
    every = np.arange(scan.depth)
    candidates = every if rows is None else rows
    if len(candidates) >= 8 * gap + 4:
        count = int(np.clip(len(candidates) // 64, 1, 4))
        length = max(1, round(held_out * len(candidates) / count))
        middles = (np.arange(count) + 0.5) * len(candidates) / count
        kept = candidates[np.concatenate([np.arange(length) + int(middle - length / 2) for middle in middles])]
        distance = np.abs(every[:, None] - kept).min(axis=1)
        return Part(every[distance > gap], mask), Part(kept, mask)
    outer, inner = bands(scan, mask, held_out)
    return Part(every, outer), Part(candidates, inner)


def bands(scan: Sections, mask: BoolArray, held_out: float) -> tuple[BoolArray, BoolArray]:
    """Divide the pixels of a slice (y, x) into those for training and a held-out band through the axis.

    Raises
    ------
    UserError
        If either part is empty.
    """
    length = max(2, round(held_out * scan.size))
    offset = np.abs(np.arange(scan.size) - (scan.size - 1) / 2)[:, None]
    between = max(2, scan.size // 64)
    outer = mask & (offset > length / 2 + between)
    inner = mask & (offset <= length / 2)
    if not (outer.any() and inner.any()):
        raise UserError(
            f"{scan.array}: the field of view of {2 * scan.radius:.0f} pixels has too few pixels to train on"
        )
    return outer, inner


def rows_with_sample(scan: Sections) -> IntArray | None:
    """Return the rows with sample, judged by some rows spread over the height; None if it is all rows or hardly any.

    A row is empty if two halves of the data share no more than chance, and less than a tenth of the variance that they
    share in a typical row with sample. Rings are shared, so rows of air with strong rings count as sample.
    """
    role = by_angle.halves(len(scan.split.sections))
    if len(scan.split.sections) < 2 or not (scan.holds(role.inputs) and scan.holds(role.targets)):
        return None
    sides = [scan.mixing(side) for side in (role.inputs, role.targets)]
    examined = _spread(scan.depth, EXAMINED_ROWS)
    agreements = []
    for row in examined:
        stored = np.nan_to_num(scan.read(row, row + 1).mean(axis=1))
        first, second = (mix(stored, side) for side in sides)
        agreements.append(structure.agreement(first, second, scan.visible))
    shared = np.array([agreement.shared for agreement in agreements])
    full = np.array([agreement.holds_sample for agreement in agreements])
    if full.mean() < FEWEST:
        return None
    full |= shared > EMPTY * np.median(shared[full])
    if full.all():
        return None
    # A row between two examined ones counts only if both hold sample.
    return np.flatnonzero(np.interp(np.arange(scan.depth), examined, full) == 1)


def normalisation(scans: Sequence[Sections]) -> Normalisation:
    """Return mean and standard deviation of each channel in the field of view, from some rows of full reconstructions.

    Rows with values that are not finite are skipped. A constant channel among others, such as a masked one, keeps its
    scale.

    Raises
    ------
    UserError
        If all channels are constant or not finite.
    """
    names = ", ".join(str(scan.array) for scan in scans)
    values = [row[:, scan.visible] for scan in scans for row in _some_rows(scan)]
    finite = [row for row in values if np.isfinite(row).all()]
    seen = np.concatenate(finite or [np.zeros((len(values[0]), 1))], axis=1).astype(np.float64)
    mean = seen.mean(axis=1)
    scale = seen.std(axis=1)
    constant = scale <= 1e-6 * np.abs(mean)
    if constant.all():
        raise UserError(f"{names}: the reconstruction is constant or not finite: check the raw frames and center.png")
    return Normalisation(tuple(mean.tolist()), tuple(np.where(constant, 1.0, scale).tolist()))


def sample(scan: Sections) -> BoolArray:
    """Return the mask (y, x) of pixels with sample in any of some rows: brighter than Otsu's threshold.

    The threshold is computed on the smoothed mean of the channels [Otsu, IEEE Trans. SMC 9 (1979) 62]; a margin keeps
    the edges. It is the whole field of view if the rows are constant.
    """
    from skimage.filters import threshold_otsu  # noqa: PLC0415 - seldom used

    rows = [gaussian_filter(row.mean(axis=0), 2.0) for row in _some_rows(scan) if np.isfinite(row).all()]
    seen = np.concatenate([row[scan.visible] for row in rows]) if rows else np.zeros(0)
    if not len(seen) or np.ptp(seen) == 0:
        return scan.visible
    threshold = float(threshold_otsu(seen))  # type: ignore[no-untyped-call]
    dense = np.any([row > threshold for row in rows], axis=0)
    return np.asarray(binary_dilation(dense, iterations=MARGIN) & scan.visible)


def _some_rows(scan: Sections) -> Iterator[FloatArray]:
    """Yield slices (channel, y, x) of the full reconstruction, spread over the height."""
    for row in _spread(scan.depth, 16):
        yield mix(scan.read(row, row + 1), scan.shares)[:, 0]


def _spread(depth: int, most: int) -> IntArray:
    return np.unique(np.linspace(0, depth - 1, most).astype(int))
