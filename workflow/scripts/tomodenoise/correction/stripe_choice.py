"""How strong stripes are, by what stays at its column from one range of angles to the next, and what to do about them.

The sample moves from column to column as it turns; a stripe stays, for all angles or for some. What is centred on the
axis stays as well, but at both sides of it alike, and is taken off.
"""

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import binary_dilation, map_coordinates

from tomodenoise.common.arrays import BoolArray, FloatArray, IntArray
from tomodenoise.common.errors import UserError
from tomodenoise.correction import stripes
from tomodenoise.geometry import directions

BLOCKS = 16
"""Ranges of angles that are averaged each."""

WIDTHS = (1, 2)
"""Columns that are averaged; the wider one sees stripes of several columns."""

SHARP = np.array([1, -4, 6, -4, 1]) / 6
"""Fourth difference, of columns two widths apart: what is smooth along the row is no stripe."""

MOVED = 3
"""Widths that the sample moves from block to block at least, where stripes are looked for."""

FEWEST_COLUMNS = 10
ALIKE, CHANCE = 3, 2.0
"""Neighbouring columns that are alike after the difference; standard deviations of a product that may be chance."""

EDGE = 4
"""Columns at each side of a centred edge that are left out with it."""

OUTLIER = 8.0
"""Deviations that the strongest stripes count as at most."""

LIMIT = 1.6
"""Strength from which on stripes are removed; clean foam has 1.1 to 1.35."""

METHODS = ("sorting", "vo")
"""From mild to strong."""

GAIN = 0.75
"""What a method must bring the strength down to, of what a milder one leaves: else it removes something else."""


MOST = 0.5
"""Part of the line integrals, by their root mean square, that a method may change: the strongest measured stripes are
0.2. One that changes more removes the sample, as of one that only a few columns see."""


@dataclass(frozen=True)
class StripeChoice:
    """How the stripes of a scan are removed, and what was measured; 1 is noise alone, None cannot be known."""

    method: str
    before: float | None = None
    after: float | None = None
    why: str = ""


def blocks(angles: FloatArray) -> IntArray:
    """Give the number of the range of directions that each projection belongs to, (A,)."""
    number = np.empty(len(angles), dtype=np.int64)
    for block, members in enumerate(np.array_split(stripes.order(angles), BLOCKS)):
        number[members] = block
    return number


def choose(sinograms: FloatArray, angles: FloatArray, axis: float, wanted: str) -> StripeChoice:
    """Choose the mildest method that removes the stripes of a scan, or measure what the wanted one does.

    Parameters
    ----------
    sinograms : (A, rows, columns) line integrals of some rows, with their stripes. Where sections have flats of their
        own, projections of even and odd `blocks` must have, too: the noise of shared flats is a stripe.
    angles : (A,) radians.
    axis : its column.
    wanted : `auto`, or a method of `stripes.remove`.
    """
    before = strength(sinograms, angles, axis)
    if wanted != "auto":
        return StripeChoice(wanted, before, _after(sinograms, angles, axis, wanted))
    if before is None:
        return StripeChoice("none", why="too few projections or columns to tell stripes from the sample")
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
        why += ": too little is gained, so they are left"
    return StripeChoice(chosen, before, lowest, why)


def strength(sinograms: FloatArray, angles: FloatArray, axis: float) -> float | None:
    """Tell how strong stripes are in the mean over all angles, in units of what noise leaves there.

    Returns
    -------
    Median over rows of √(1 + stripes² / noise²), the larger one of narrow and of wider stripes. None for fewer than two
    projections a block, where too few columns lie away from the axis, or where nothing varies.

    Notes
    -----
    With S(b) the sharp part of the mean over block b, the mean product S(b) S(b + 1) holds what stays at its column,
    and half of the mean square of S(b) - S(b + 2) what does not. Blocks of one parity share their flats.
    """
    if len(angles) < 2 * BLOCKS:
        return None
    number = blocks(angles)
    means = np.stack([sinograms[number == block].mean(axis=0, dtype=np.float64) for block in range(BLOCKS)])
    turn = directions.FULL if directions.is_full_turn(angles) else directions.HALF
    found = [_strength(means, axis, width, turn) for width in WIDTHS]
    known = [each for each in found if each is not None]
    return max(known) if known else None


def _after(sinograms: FloatArray, angles: FloatArray, axis: float, method: str) -> float | None:
    """Strength that a method leaves; None where it cannot be applied, or takes the sample as well."""
    left = sinograms.copy()
    try:
        stripes.check(method, len(angles), left.shape[2])
        stripes.remove_all(left, angles, method)
    except UserError:
        return None
    removed, all_ = (
        float(np.sqrt(np.mean(np.square(part, dtype=np.float64)))) for part in (left - sinograms, sinograms)
    )
    return strength(left, angles, axis) if removed <= MOST * all_ else None


def _strength(means: FloatArray, axis: float, width: int, turn: float) -> float | None:
    """Strength of stripes about so wide, of block means (block, row, column)."""
    kernel = np.convolve(np.kron(SHARP, np.eye(1, 2 * width)[0])[: 8 * width + 1], np.full(width, 1 / width))
    if means.shape[-1] < len(kernel) + FEWEST_COLUMNS:
        return None
    sharp = np.lib.stride_tricks.sliding_window_view(means, len(kernel), axis=-1) @ kernel
    place = np.arange(sharp.shape[-1]) + (len(kernel) - 1) / 2
    both = np.zeros(len(place), dtype=bool)
    for parity in (0, 1):
        both = _take_off_centred(sharp[parity::2], 2 * axis - place - place[0])
    far = np.abs(place - axis) > MOVED * width * len(means) / turn
    if far.sum() < FEWEST_COLUMNS:
        return None
    sharp, weight = sharp[..., far], np.where(both[far], 2.0, 1.0)  # half of a stripe went with its mirror image
    bound = OUTLIER * 1.4826 * np.median(np.abs(sharp), axis=-1, keepdims=True)
    sharp = np.clip(sharp, -bound, bound)
    staying = (sharp[:-1] * sharp[1:] * weight).mean(axis=(0, 2)) - CHANCE * _chance(sharp)
    moving = (np.square(sharp[2:] - sharp[:-2]) / 2).mean(axis=(0, 2))
    rows = moving > 0
    if not rows.any():
        return None
    return float(np.median(np.sqrt(1 + len(means) * np.clip(staying[rows] / moving[rows], 0, None))))


def _chance(sharp: FloatArray) -> FloatArray:
    """Product (row,) that blocks of either parity, with noise of flats of their own, have by chance."""
    even, odd = (np.square(sharp[parity::2].mean(axis=0)).mean(axis=-1) for parity in (0, 1))
    return np.asarray(np.sqrt(even * odd * ALIKE / sharp.shape[-1]))


def _take_off_centred(sharp: FloatArray, mirror: FloatArray) -> BoolArray:
    """Take off what both sides of the axis have in common, in place; tell which columns have another side.

    Of edges that are centred more is left than of any stripe, as they lie between pixels: these columns become 0.
    """
    both = (mirror >= 0) & (mirror <= sharp.shape[-1] - 1)
    for row in range(sharp.shape[1]):
        mean = sharp[:, row].mean(axis=0)
        other = map_coordinates(mean, [mirror], order=3, mode="nearest")
        common = np.where(both, (mean + other) / 2, 0)
        edges = np.abs(common) > np.maximum(2 * np.abs(mean - common), OUTLIER * 1.4826 * np.median(np.abs(mean)))
        sharp[:, row] = np.where(binary_dilation(edges, iterations=EDGE), 0, sharp[:, row] - common)
    return np.asarray(both)
