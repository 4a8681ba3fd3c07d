"""Strength of stripes and choice of the method that removes them.

As the sample turns, its features move from column to column, but a stripe stays, for all angles or for some. Features
centred on the axis stay as well, but equally on both sides of it; they are subtracted.
"""

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import binary_dilation, map_coordinates

from tomodenoise.common.arrays import BoolArray, FloatArray, IntArray
from tomodenoise.common.errors import UserError
from tomodenoise.correction import stripes
from tomodenoise.geometry import directions

BLOCKS = 16  # number of ranges of angles; each is averaged
WIDTHS = (1, 2)  # numbers of columns to average; the larger one detects stripes of several columns
# Fourth difference of columns two widths apart: it ignores everything smooth along the row
SHARP = np.array([1, -4, 6, -4, 1]) / 6
MOVED = 3  # minimum motion of the sample from block to block, in widths, where stripes are measured
FEWEST_COLUMNS = 10
# Number of correlated neighbours after the difference, and standard deviations of a product due to chance
ALIKE, CHANCE = 3, 2.0
EDGE = 4  # columns on each side of a centred edge that are left out with it
OUTLIER = 8.0  # standard deviations at which the strongest stripes are clipped
LIMIT = 1.6  # strength above which stripes are removed; clean foam has 1.1 to 1.35
METHODS = ("sorting", "vo")  # from mild to strong
# Largest strength a method may leave, relative to a milder one; otherwise it removes something other than stripes
GAIN = 0.75
# Largest RMS change by a method, relative to the RMS of the line integrals. The strongest stripes measured have 0.2; a
# method that changes more removes the sample, such as one that covers only a few columns.
MOST = 0.5


@dataclass(frozen=True)
class StripeChoice:
    """Method for the stripes of a scan, with the strengths before and after: 1 is noise alone, None is unknown."""

    method: str
    before: float | None = None
    after: float | None = None
    why: str = ""


def blocks(angles: FloatArray) -> IntArray:
    """Return the number of the range of angles of each projection, (A,)."""
    number = np.empty(len(angles), dtype=np.int64)
    for block, members in enumerate(np.array_split(stripes.order(angles), BLOCKS)):
        number[members] = block
    return number


def choose(sinograms: FloatArray, angles: FloatArray, axis: float, wanted: str) -> StripeChoice:
    """Choose the mildest method that removes the stripes of a scan, or measure the effect of the wanted one.

    Parameters
    ----------
    sinograms : (A, rows, columns) line integrals of some rows, stripes included. If sections have their own flats,
        the even and odd `blocks` must have their own, too: the noise of shared flats is a stripe.
    angles : (A,) radians.
    axis : column of the rotation axis.
    wanted : `auto`, or a method of `stripes.remove`.
    """
    before = strength(sinograms, angles, axis)
    if wanted != "auto":
        return StripeChoice(wanted, before, _after(sinograms, angles, axis, wanted))
    if before is None:
        return StripeChoice("none", why="too few projections or columns to distinguish stripes from the sample")
    chosen, lowest, tried = "none", before, []
    for method in METHODS:
        if lowest <= LIMIT:
            break
        after = _after(sinograms, angles, axis, method)
        tried.append(f"{method} {'not possible' if after is None else f'{after:.1f}'}")
        if after is not None and after <= GAIN * lowest:
            chosen, lowest = method, after
    why = f"{before:.1f} times the noise before" + (f"; {', '.join(tried)} after" if tried else "")
    if tried and chosen == "none":
        why += ": too little improvement, so they are kept"
    return StripeChoice(chosen, before, lowest, why)


def strength(sinograms: FloatArray, angles: FloatArray, axis: float) -> float | None:
    """Measure the strength of stripes in the mean over all angles, in units of the noise left there.

    Returns
    -------
    Median over rows of √(1 + stripes² / noise²), the larger of those for narrow and wide stripes. None for fewer than
    two projections per block, too few columns away from the axis, or constant data.

    Notes
    -----
    With S(b) the sharp part of the mean over block b, the mean product S(b) S(b + 1) measures the features that stay
    at their column, and half the mean square of S(b) - S(b + 2) those that do not. Blocks of equal parity share flats.
    """
    if len(angles) < 2 * BLOCKS:
        return None
    number = blocks(angles)
    means = np.stack([sinograms[number == block].mean(axis=0, dtype=np.float64) for block in range(BLOCKS)])
    turn = directions.FULL if directions.is_full_turn(angles) else directions.HALF
    strengths = [_strength(means, axis, width, turn) for width in WIDTHS]
    return max((value for value in strengths if value is not None), default=None)


def _after(sinograms: FloatArray, angles: FloatArray, axis: float, method: str) -> float | None:
    """Return the strength after a method; None if the method cannot be applied or removes the sample as well."""
    left = sinograms.copy()
    try:
        stripes.check(method, len(angles), left.shape[2])
        stripes.remove_all(left, angles, method)
    except UserError:
        return None
    removed, total = (
        float(np.sqrt(np.mean(np.square(part, dtype=np.float64)))) for part in (left - sinograms, sinograms)
    )
    return strength(left, angles, axis) if removed <= MOST * total else None


def _strength(means: FloatArray, axis: float, width: int, turn: float) -> float | None:
    """Return the strength of stripes of about a width, from block means (block, row, column)."""
    kernel = np.convolve(np.kron(SHARP, np.eye(1, 2 * width)[0])[: 8 * width + 1], np.full(width, 1 / width))
    if means.shape[-1] < len(kernel) + FEWEST_COLUMNS:
        return None
    sharp = np.lib.stride_tricks.sliding_window_view(means, len(kernel), axis=-1) @ kernel
    place = np.arange(sharp.shape[-1]) + (len(kernel) - 1) / 2
    both = np.zeros(len(place), dtype=bool)
    for parity in (0, 1):
        both = _subtract_centred(sharp[parity::2], 2 * axis - place - place[0])
    far = np.abs(place - axis) > MOVED * width * len(means) / turn
    if far.sum() < FEWEST_COLUMNS:
        return None
    sharp = sharp[..., far]
    weight = np.where(both[far], 2.0, 1.0)  # half of a stripe was subtracted with its mirror image
    bound = OUTLIER * 1.4826 * np.median(np.abs(sharp), axis=-1, keepdims=True)
    sharp = np.clip(sharp, -bound, bound)
    staying = (sharp[:-1] * sharp[1:] * weight).mean(axis=(0, 2)) - CHANCE * _chance(sharp)
    moving = (np.square(sharp[2:] - sharp[:-2]) / 2).mean(axis=(0, 2))
    rows = moving > 0
    if not rows.any():
        return None
    return float(np.median(np.sqrt(1 + len(means) * np.clip(staying[rows] / moving[rows], 0, None))))


def _chance(sharp: FloatArray) -> FloatArray:
    """Return the product (row,) expected by chance between blocks of either parity, given the noise of their flats."""
    even, odd = (np.square(sharp[parity::2].mean(axis=0)).mean(axis=-1) for parity in (0, 1))
    return np.asarray(np.sqrt(even * odd * ALIKE / sharp.shape[-1]))


def _subtract_centred(sharp: FloatArray, mirror: FloatArray) -> BoolArray:
    """Subtract what both sides of the axis have in common, in place; return the mask of columns with a mirror image."""
    both = (mirror >= 0) & (mirror <= sharp.shape[-1] - 1)
    for row in range(sharp.shape[1]):
        mean = sharp[:, row].mean(axis=0)
        other = map_coordinates(mean, [mirror], order=3, mode="nearest")
        common = np.where(both, (mean + other) / 2, 0)
        # Centred edges lie between pixels and leave larger residuals than any stripe, so the columns there become 0.
        edges = np.abs(common) > np.maximum(2 * np.abs(mean - common), OUTLIER * 1.4826 * np.median(np.abs(mean)))
        sharp[:, row] = np.where(binary_dilation(edges, iterations=EDGE), 0, sharp[:, row] - common)
    return np.asarray(both)
