"""Grey values of pictures: the initial window, and the wider range that they store."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from tomodenoise.common.arrays import BoolArray, FloatArray, IntArray
from tomodenoise.denoising.previews import Slice
from tomodenoise.geometry import field_of_view

MAIN = 0.96
"""Share of the pixels inside the main range; a few bright grains may lie beyond."""

NEAR = 0.35
"""Margin for values beyond the main range, as a share of its width; the outermost half per cent is left out."""

APART = 6
"""Standard deviations of air beyond which a value is not air."""

FEW, RARE, ZERO = 0.1, 0.005, 0.03
"""A slice is nearly all air if at most a tenth of the main range is something else, this makes up at least half a per
cent of the pixels, and air is closer to zero than 3 % of its value."""

INSIDE = 0.95
"""Share of the radius that all projections see; there may be a bright ring at the edge."""

CODES = (0, 40, 215, 255)
"""Greys of a stored picture at the ends of its range and of the window: 175 steps inside, 40 on either side."""

OPEN = 0.25
"""Least margin of the stored range around the window, on either side, as a share of the window's width."""


class Scale(NamedTuple):
    """Mapping of values to 8-bit greys: linear between these points, clipped beyond them."""

    values: tuple[float, ...]
    """Ascending."""
    codes: tuple[int, ...]

    @property
    def window(self) -> tuple[float, float]:
        """Values shown black and white initially: the two in the middle."""
        middle = len(self.values) // 2
        return self.values[middle - 1], self.values[middle]

    @property
    def ramp(self) -> list[float]:
        """Brightness of each of the 256 greys in this window: 0 black, 1 white."""
        black, white = self.window
        values = np.interp(np.arange(256), self.codes, self.values)
        return [float(grey) for grey in np.clip((values - black) / (white - black), 0, 1).round(4)]

    def encode(self, image: FloatArray) -> IntArray:
        """Convert values to greys, uint8; NaN becomes 0."""
        greys = np.interp(image.astype(np.float64), self.values, self.codes)
        return np.nan_to_num(greys).round().astype(np.uint8)


def linear(low: float, high: float) -> Scale:
    """Return the scale that uses all greys for one range."""
    return Scale((low, high), (0, 255))


def stored(planes: Sequence[Slice], slices: Sequence[Slice], radius: float) -> Scale:
    """Choose the scale of a volume's pictures, so that a reader can narrow and widen the window.

    Parameters
    ----------
    planes : the axial one, which determines the window, comes first.
    slices : further axial slices, possibly averaged.
    radius : of the field of view, pixels of the volume.
    """
    axial = planes[0]
    masks = [field_of_view.mask(len(part.after), INSIDE * radius / part.factor) for part in (axial, *slices)]
    black, white = window(axial.after, masks[0])
    denoised = [part.after[mask] for part, mask in zip((axial, *slices), masks, strict=True)]
    margin = OPEN * (white - black)
    ends = [black - margin, white + margin]
    for values, share in ((np.concatenate(denoised), 1e-4), (axial.before[masks[0]], 1e-3)):
        finite = _finite(values)
        ends += [float(end) for end in np.quantile(finite, [share, 1 - share])] if finite.size else []
    return Scale((min(ends), black, white, max(ends)), CODES)


def window(image: FloatArray, mask: BoolArray) -> tuple[float, float]:
    """Find the grey window of an image: the range of most of its pixels, and a tenth of that on either side.

    Parameters
    ----------
    image : any shape, any unit; preferably denoised, as noise widens the range. NaN and infinity are ignored.
    mask : same shape, True inside the field of view.

    Returns
    -------
    (low, high), low < high, in the unit of the image; (0, 1) if the mask holds no finite pixel.

    Notes
    -----
    This is the shortest range that holds 96 % of the pixels, so that a bright grain of less than 4 % does not darken
    the rest. If that range is only air, it is extended to 96 % of the other pixels.
    """
    ordered = np.sort(_finite(image[mask]))
    if ordered.size == 0:
        return 0.0, 1.0
    low, high = _shortest(ordered, MAIN)
    sample = _other_than_air(ordered, low, high)
    if sample.size:
        bottom, top = _shortest(sample, MAIN)
        low, high = min(low, bottom), max(high, top)
    least, most = np.quantile(ordered, [0.005, 0.995])
    near = NEAR * (high - low)
    low, high = max(min(low, least), low - near), min(max(high, most), high + near)
    margin = 0.1 * (high - low) or 0.5 * max(abs(high), 1.0)
    return float(low - margin), float(high + margin)


def _other_than_air(ordered: FloatArray, low: float, high: float) -> FloatArray:
    """Return the values that are not air if nearly all are air, the most frequent values, close to zero; else none."""
    first, last = _shortest(ordered, 0.25)
    air = (first + last) / 2
    spread = (last - first) / 0.64  # the standard deviation of a normal distribution
    main = ordered[(ordered >= low) & (ordered <= high)]
    sample = ordered[np.abs(ordered - air) > APART * spread]
    if np.mean(np.abs(main - air) > APART * spread) > FEW or sample.size < RARE * ordered.size:
        return ordered[:0]
    value = abs(float(np.median(sample)))
    alone = abs(air) <= max(4 * spread, ZERO * value) and value > 2 * APART * spread
    return np.asarray(sample if alone else ordered[:0])


def _shortest(ordered: FloatArray, share: float) -> tuple[float, float]:
    """Find the shortest range that holds a given share of ascending values."""
    count = math.ceil(share * ordered.size)
    widths = ordered[count - 1 :] - ordered[: ordered.size - count + 1]
    start = int(np.argmin(widths))
    return float(ordered[start]), float(ordered[start + count - 1])


def _finite(values: FloatArray) -> FloatArray:
    return np.asarray(values[np.isfinite(values)], dtype=np.float64)
