"""Grey values: the window that pictures are shown in at first, and the wider range that they hold."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from tomodenoise.common.arrays import BoolArray, FloatArray, IntArray
from tomodenoise.denoising.previews import Slice
from tomodenoise.geometry import field_of_view

MAIN = 0.96
"""Part of the pixels that the window is for: a few bright grains may lie beyond."""

NEAR = 0.35
"""Of the width of the main part: so much of what lies beyond is shown as well, but for the outermost half per cent."""

APART = 6
"""Standard deviations of air from which on a value is not air."""

FEW, RARE, ZERO = 0.1, 0.005, 0.03
"""A slice is nearly all air where at most a tenth of the main part is something else, which is half a per cent of the
pixels at least, and where air is closer to zero than 3 % of that."""

INSIDE = 0.95
"""Of the radius that all projections see; at its edge there may be a bright ring."""

CODES = (0, 40, 215, 255)
"""Greys of a stored picture at the ends of its range and of the window: 175 steps for the window, 40 on either side."""

OPEN = 0.25
"""Of the window's width: by so much at least the stored range is wider, on either side."""


class Scale(NamedTuple):
    """How values become 8-bit greys: linear between these points, clipped beyond them."""

    values: tuple[float, ...]
    """Ascending."""
    codes: tuple[int, ...]

    @property
    def window(self) -> tuple[float, float]:
        """The values shown black and white at first: the two in the middle."""
        middle = len(self.values) // 2
        return self.values[middle - 1], self.values[middle]

    @property
    def ramp(self) -> list[float]:
        """What is shown of each of the 256 greys in this window: 0 black, 1 white."""
        black, white = self.window
        values = np.interp(np.arange(256), self.codes, self.values)
        return [float(grey) for grey in np.clip((values - black) / (white - black), 0, 1).round(4)]

    def encode(self, image: FloatArray) -> IntArray:
        """Turn values into greys, uint8; NaN becomes 0."""
        greys = np.interp(image.astype(np.float64), self.values, self.codes)
        return np.nan_to_num(greys).round().astype(np.uint8)


def linear(low: float, high: float) -> Scale:
    """Use all greys for one range."""
    return Scale((low, high), (0, 255))


def stored(planes: Sequence[Slice], slices: Sequence[Slice], radius: float) -> Scale:
    """Choose how the pictures of a volume are stored, so that a reader can narrow and widen the window.

    Parameters
    ----------
    planes : the axial one, whose window is taken, comes first.
    slices : further axial ones, which may be averaged.
    radius : of the field of view, pixels of the volume.
    """
    axial = planes[0]
    inside = [field_of_view.mask(len(each.after), INSIDE * radius / each.factor) for each in (axial, *slices)]
    black, white = window(axial.after, inside[0])
    denoised = [each.after[mask] for each, mask in zip((axial, *slices), inside, strict=True)]
    margin = OPEN * (white - black)
    ends = [black - margin, white + margin]
    for values, share in ((np.concatenate(denoised), 1e-4), (axial.before[inside[0]], 1e-3)):
        finite = _finite(values)
        ends += [float(end) for end in np.quantile(finite, [share, 1 - share])] if finite.size else []
    return Scale((min(ends), black, white, max(ends)), CODES)


def window(image: FloatArray, mask: BoolArray) -> tuple[float, float]:
    """Find the grey window of an image: what most of its pixels need, and a tenth of that on either side.

    Parameters
    ----------
    image : any shape, any unit; best the denoised slice, whose range is not the noise's. NaN and infinity are left out.
    mask : same shape, true inside the field of view.

    Returns
    -------
    (low, high), low < high, in the unit of the image; (0, 1) where the mask holds no finite pixel.

    Notes
    -----
    The shortest range that holds 96 % of the pixels, so that a bright grain of less than 4 % does not darken the rest.
    Where that range is air alone, that of 96 % of the other pixels counts.
    """
    ordered = np.sort(_finite(image[mask]))
    if ordered.size == 0:
        return 0.0, 1.0
    low, high = _shortest(ordered, MAIN)
    sample = _beside_air(ordered, low, high)
    if sample.size:
        bottom, top = _shortest(sample, MAIN)
        low, high = min(low, bottom), max(high, top)
    (least, most), near = np.quantile(ordered, [0.005, 0.995]), NEAR * (high - low)
    low, high = max(min(low, least), low - near), min(max(high, most), high + near)
    margin = 0.1 * (high - low) or 0.5 * max(abs(high), 1.0)
    return float(low - margin), float(high + margin)


def _beside_air(ordered: FloatArray, low: float, high: float) -> FloatArray:
    """Pick what is not air where nearly all is air, the densest values, which are close to zero; else nothing."""
    first, last = _shortest(ordered, 0.25)
    air, spread = (first + last) / 2, (last - first) / 0.64  # the standard deviation of a normal distribution
    main = ordered[(ordered >= low) & (ordered <= high)]
    sample = ordered[np.abs(ordered - air) > APART * spread]
    if np.mean(np.abs(main - air) > APART * spread) > FEW or sample.size < RARE * ordered.size:
        return ordered[:0]
    value = abs(float(np.median(sample)))
    alone = abs(air) <= max(4 * spread, ZERO * value) and value > 2 * APART * spread
    return np.asarray(sample if alone else ordered[:0])


def _shortest(ordered: FloatArray, share: float) -> tuple[float, float]:
    """Find the shortest range that holds a share of ascending values."""
    count = math.ceil(share * ordered.size)
    widths = ordered[count - 1 :] - ordered[: ordered.size - count + 1]
    start = int(np.argmin(widths))
    return float(ordered[start]), float(ordered[start + count - 1])


def _finite(values: FloatArray) -> FloatArray:
    return np.asarray(values[np.isfinite(values)], dtype=np.float64)
