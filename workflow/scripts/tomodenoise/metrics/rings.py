"""Slices in rings of equal spatial frequency: power, correlation of two images, and what that says of resolution."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.fft import rfft2
from scipy.ndimage import distance_transform_edt

from tomodenoise.common.arrays import BoolArray, FloatArray, IntArray
from tomodenoise.metrics.support import Unsupported

TAPER = 16
"""Pixels over which the window falls to zero at the rim of the mask, so that the rim is no edge of the image."""

STEP = 1 / 128
"""Least width of a ring, cycles per pixel: 64 rings tell as much as a thousand noisy ones."""

FEWEST_PIXELS = 32 * 32
"""Windows with fewer effective pixels than this hold no frequencies to speak of."""

FEWEST_IN_RING = 32
"""A ring of fewer independent Fourier pixels tells no resolution: the half-bit threshold is 0.4 and more there."""

VALID = 0.1
"""The cross-FRC divides by the root of the FRC of its two targets, and is noise where that is no larger."""


@dataclass(frozen=True)
class Rings:
    """Rings in the Fourier plane of windowed slices."""

    box: tuple[slice, slice]
    """Of a slice (y, x), around the mask."""
    window: FloatArray
    """(y, x) in the box."""
    label: IntArray
    """Ring of each pixel of `rfft2`, raveled; rings beyond Nyquist are cut off by ``len(frequency)``."""
    weight: FloatArray
    """2 where a pixel of `rfft2` stands for its mirror image as well, else 1; raveled."""
    frequency: FloatArray
    """(ring,) cycles per pixel, above 0 to 0.5."""
    share: float
    """Independent pixels, of those of the box: the window makes neighbours in the Fourier plane alike."""

    def counts(self, slices: int) -> FloatArray:
        """Independent Fourier pixels (ring,) in so many slices; a pixel and its mirror image are one."""
        every = np.bincount(self.label, self.weight)[: len(self.frequency)]
        return np.maximum(every / 2 * self.share * slices, 1.0)


def rings(mask: BoolArray) -> Rings:
    """Lay rings one step of frequency wide, or 1/128 cycles per pixel.

    Parameters
    ----------
    mask : (y, x) pixels that count; the window is 1 inside and falls to zero at the rim by half a cosine.

    Raises
    ------
    Unsupported
        If the mask leaves fewer than about 32 x 32 pixels.
    """
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not len(rows):
        raise Unsupported("no pixel is judged")
    box = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
    depth = distance_transform_edt(np.pad(mask[box], 1))[1:-1, 1:-1]
    window = 0.5 - 0.5 * np.cos(np.pi * np.minimum(depth / min(TAPER, depth.max()), 1))
    square, fourth = np.sum(window**2), np.sum(window**4)
    if square**2 / fourth < FEWEST_PIXELS:
        raise Unsupported(f"the judged part of a slice holds {int(mask.sum())} pixels, too few for rings of frequency")
    step = max(STEP, 1 / max(window.shape))
    y, x = np.fft.fftfreq(window.shape[0])[:, None], np.fft.rfftfreq(window.shape[1])[None]
    # The first ring would hold the mean, which is taken off: it joins those beyond Nyquist, which are cut off.
    label = np.rint(np.hypot(y, x) / step).astype(np.int64).ravel() - 1
    label[label < 0] = int(0.5 / step)
    weight = np.full((window.shape[0], x.size), 2.0)
    weight[:, 0] = 1
    if window.shape[1] % 2 == 0:
        weight[:, -1] = 1
    frequency = np.arange(1, int(0.5 / step) + 1) * step
    return Rings(box, window, label, weight.ravel(), frequency, float(square**2 / fourth / window.size))


def power(images: FloatArray, over: Rings) -> FloatArray:
    """Radial power spectral density: (ring,) mean square of a pixel's amplitude, so that white noise has its variance.

    Parameters
    ----------
    images : (z, y, x); the windowed mean of each slice is taken off.
    """
    total = np.sum([over_ring(over, np.abs(plane) ** 2) for plane in _planes(images, over)], axis=0)
    pixels = np.bincount(over.label, over.weight)[: len(over.frequency)]
    return np.asarray(total / np.maximum(pixels, 1) / len(images) / np.sum(over.window**2))


def correlation(first: FloatArray, second: FloatArray, over: Rings) -> FloatArray:
    """Fourier ring correlation of two images, over all of their slices together.

    Parameters
    ----------
    first, second : (z, y, x).

    Returns
    -------
    (ring,) in [-1, 1]; 0 where an image holds nothing. Of two images of one signal with independent noise it is
    S / (S + N), with S and N the power of signal and noise.

    Notes
    -----
    Saxton & Baumeister, J. Microsc. 127, 127 (1982). Slices are summed before the quotient, so that it is the
    correlation of planes of the Fourier shell, with the same signal-to-noise ratio.
    """
    sums = np.zeros((3, len(over.frequency)))
    for a, b in zip(_planes(first, over), _planes(second, over), strict=True):
        for line, product in enumerate(((a * b.conj()).real, np.abs(a) ** 2, np.abs(b) ** 2)):
            sums[line] += over_ring(over, product)
    norm = np.sqrt(sums[1] * sums[2])
    return np.asarray(np.divide(sums[0], norm, out=np.zeros_like(norm), where=norm > 0))


def half_bit(counts: FloatArray) -> FloatArray:
    """Threshold at which a Fourier pixel of the two halves together holds half a bit of information.

    Parameters
    ----------
    counts : (ring,) independent Fourier pixels, n.

    Notes
    -----
    (0.2071 + 1.9102 / √n) / (1.2071 + 0.9102 / √n) [van Heel & Schatz, J. Struct. Biol. 151, 250 (2005)].
    """
    root = np.sqrt(counts)
    return np.asarray((0.2071 + 1.9102 / root) / (1.2071 + 0.9102 / root))


def expected_full(halves: FloatArray) -> FloatArray:
    """Correlation of the image of all data with its noise-free self, from the FRC of two halves of the data.

    Notes
    -----
    C_ref = √(2 FRC / (1 + FRC)) [Rosenthal & Henderson, J. Mol. Biol. 333, 721 (2003)]; 0 where the FRC is below 0.
    """
    positive = np.clip(halves, 0, 1)
    return np.asarray(np.sqrt(2 * positive / (1 + positive)))


def cross(found: tuple[FloatArray, FloatArray], targets: FloatArray, counts: FloatArray) -> FloatArray:
    """Correlation of an image with the noise-free truth, from two noisy targets: ½ [FRC(f,a) + FRC(f,b)] / √FRC(a,b).

    Parameters
    ----------
    found : FRC(f, a) and FRC(f, b); the noise of a and b is independent of f and of each other.
    targets : FRC(a, b).
    counts : (ring,) independent Fourier pixels.

    Returns
    -------
    (ring,), at most 1; NaN where FRC(a, b) is no larger than 0.1, or than three of its own deviations, 1 / √(2n).

    Notes
    -----
    FRC(a, b) = S / (S + N), so its root is the correlation of a target with the truth, which FRC(f, a) holds as a
    factor. What a and b share, such as their blur, counts as truth.
    """
    valid = targets > np.maximum(VALID, 3 / np.sqrt(2 * counts))
    quotient = np.full(len(targets), np.nan)
    quotient[valid] = np.mean(found, axis=0)[valid] / np.sqrt(targets[valid])
    return np.asarray(np.minimum(quotient, 1.0))


def resolution(halves: FloatArray, threshold: FloatArray, counts: FloatArray, frequency: FloatArray) -> float | None:
    """Frequency, cycles per pixel, at which an FRC falls below a threshold and stays there for three rings.

    None where it stays above as far as there are rings, or begins below, or where there are fewer than three rings.
    """
    judged = np.flatnonzero(counts >= FEWEST_IN_RING)
    above = (halves - threshold)[judged]
    if len(above) < 3:
        return None
    below = np.convolve(above < 0, np.ones(3), mode="valid") == 3
    if not below.any() or below[0]:
        return None
    last = int(np.argmax(below))
    high, low = above[last - 1], above[last]
    step = frequency[judged]
    return float(step[last - 1] + (step[last] - step[last - 1]) * high / (high - low))


def over_ring(over: Rings, plane: FloatArray) -> FloatArray:
    """Sum of a plane of `rfft2` over each ring, mirror images included: (ring,)."""
    return np.asarray(np.bincount(over.label, over.weight * plane.ravel())[: len(over.frequency)], dtype=np.float64)


def _planes(images: FloatArray, over: Rings) -> Iterator[FloatArray]:
    for image in images:
        inside = image[over.box]
        level = np.sum(inside * over.window) / np.sum(over.window)
        yield rfft2((inside - level) * over.window)
