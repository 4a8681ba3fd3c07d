"""Rings of equal spatial frequency: power spectrum, Fourier ring correlation and resolution of slices."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from scipy.fft import rfft2
from scipy.ndimage import distance_transform_edt

from tomodenoise.common.arrays import BoolArray, FloatArray, IntArray
from tomodenoise.metrics.support import Unsupported

TAPER = 16
"""Pixels over which the window falls to zero at the rim of the mask, so that the rim is not an edge of the image."""

STEP = 1 / 128
"""Least width of a ring, cycles per pixel: 64 rings are as informative as a thousand noisy ones."""

FEWEST_PIXELS = 32 * 32
"""Least effective number of pixels of a window."""

FEWEST_IN_RING = 32
"""Least independent Fourier pixels of a ring for a resolution: with fewer, the half-bit threshold is above 0.4."""

VALID = 0.1
"""Least FRC of the two targets by whose root the cross-FRC is divided: below it the quotient is noise."""

HALF = 0.5
"""Correlation with the truth up to which an image shows it."""


@dataclass(frozen=True)
class Rings:
    """Rings in the Fourier plane of windowed slices."""

    box: tuple[slice, slice]
    """Bounding box of the mask, (y, x)."""
    window: FloatArray
    """(y, x) within the box."""
    label: IntArray
    """Ring of each pixel of `rfft2`, raveled; ``len(frequency)`` and above are outside of all rings."""
    weight: FloatArray
    """2 for a pixel of `rfft2` that also represents its mirror image, else 1; raveled."""
    frequency: FloatArray
    """(ring,) cycles per pixel, from above 0 to 0.5."""
    share: float
    """Fraction of independent pixels in the box, as the window correlates neighbours in the Fourier plane."""

    def counts(self, slices: int) -> FloatArray:
        """Return the independent Fourier pixels (ring,) in that many slices; a pixel and its mirror image are one."""
        pixels = np.bincount(self.label, self.weight)[: len(self.frequency)]
        return np.maximum(pixels / 2 * self.share * slices, 1.0)


def rings(mask: BoolArray) -> Rings:
    """Return rings that are one frequency step of the window wide, but at least 1/128 cycles per pixel.

    Parameters
    ----------
    mask : (y, x) pixels that count; the window is 1 inside and falls to zero at the rim as half a cosine.

    Raises
    ------
    Unsupported
        If the mask leaves fewer than about 32 x 32 pixels.
    """
    rows = np.flatnonzero(mask.any(axis=1))
    columns = np.flatnonzero(mask.any(axis=0))
    if not len(rows):
        raise Unsupported("the mask is empty")
    box = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
    depth = distance_transform_edt(np.pad(mask[box], 1))[1:-1, 1:-1]
    window = 0.5 - 0.5 * np.cos(np.pi * np.minimum(depth / min(TAPER, depth.max()), 1))
    square = np.sum(window**2)
    fourth = np.sum(window**4)
    if square**2 / fourth < FEWEST_PIXELS:
        raise Unsupported(f"{int(mask.sum())} judged pixels are too few for rings of spatial frequency")
    step = max(STEP, 1 / max(window.shape))
    y = np.fft.fftfreq(window.shape[0])[:, None]
    x = np.fft.rfftfreq(window.shape[1])[None]
    # The first ring would hold the mean, which is subtracted: it is discarded like the rings beyond Nyquist.
    label = np.rint(np.hypot(y, x) / step).astype(np.int64).ravel() - 1
    label[label < 0] = int(0.5 / step)
    weight = np.full((window.shape[0], x.size), 2.0)
    weight[:, 0] = 1
    if window.shape[1] % 2 == 0:
        weight[:, -1] = 1
    frequency = np.arange(1, int(0.5 / step) + 1) * step
    return Rings(box, window, label, weight.ravel(), frequency, float(square**2 / fourth / window.size))


def power(images: FloatArray, over: Rings) -> FloatArray:
    """Return the radial power spectral density, (ring,) float64, normalised so that white noise has its variance.

    Parameters
    ----------
    images : (z, y, x); the windowed mean of each slice is subtracted.
    """
    total = np.sum([over_ring(over, np.abs(plane) ** 2) for plane in _planes(images, over)], axis=0)
    pixels = np.bincount(over.label, over.weight)[: len(over.frequency)]
    return np.asarray(total / np.maximum(pixels, 1) / len(images) / np.sum(over.window**2))


def correlation(first: FloatArray, second: FloatArray, over: Rings) -> FloatArray:
    """Return the Fourier ring correlation (FRC) of two images, over all slices together.

    Parameters
    ----------
    first, second : (z, y, x).

    Returns
    -------
    (ring,) float64 in [-1, 1]; 0 if an image has no power in a ring. For two images of one signal with independent
    noise it is S / (S + N), with S and N the power of signal and noise.

    Notes
    -----
    Saxton & Baumeister, J. Microsc. 127, 127 (1982). The slices are summed before the quotient is formed.
    """
    return correlations((first, second), over)[0]


def correlations(images: Sequence[FloatArray], over: Rings) -> list[FloatArray]:
    """Return the `correlation` of each pair of some images: first and second, first and third, ..., last two."""
    pairs = list(combinations(range(len(images)), 2))
    powers = np.zeros((len(images), len(over.frequency)))
    common = np.zeros((len(pairs), len(over.frequency)))
    for planes in zip(*(_planes(image, over) for image in images), strict=True):
        for number, plane in enumerate(planes):
            powers[number] += over_ring(over, np.abs(plane) ** 2)
        for number, (a, b) in enumerate(pairs):
            common[number] += over_ring(over, (planes[a] * planes[b].conj()).real)
    norms = [np.sqrt(powers[a] * powers[b]) for a, b in pairs]
    return [
        np.asarray(np.divide(each, norm, out=np.zeros_like(norm), where=norm > 0))
        for each, norm in zip(common, norms, strict=True)
    ]


def half_bit(counts: FloatArray) -> FloatArray:
    """Return the half-bit threshold: half a bit of information per Fourier pixel of both halves together.

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
    """Return the correlation of the image from all data with the noise-free image, from the FRC of two halves.

    Notes
    -----
    C_ref = √(2 FRC / (1 + FRC)) [Rosenthal & Henderson, J. Mol. Biol. 333, 721 (2003)]; 0 for a negative FRC.
    """
    positive = np.clip(halves, 0, 1)
    return np.asarray(np.sqrt(2 * positive / (1 + positive)))


@dataclass(frozen=True)
class Cross:
    """Correlation of an image with the noise-free truth, see `cross`."""

    curve: FloatArray
    """(ring,)"""
    targets: FloatArray
    """(ring,) FRC of the two targets."""
    half: float | None
    """Cycles per pixel at which the curve falls below one half; None if it does not up to `valid_to`."""
    valid_to: float | None
    """Highest frequency, cycles per pixel, at which the targets correlate enough; None if they nowhere do."""


def cross(image: FloatArray, first: FloatArray, second: FloatArray, over: Rings) -> Cross:
    """Correlate an image f with the noise-free truth, of which there are two noisy measurements a and b.

    Parameters
    ----------
    image, first, second : (z, y, x); the noise of a and b is independent of f and of each other.

    Returns
    -------
    The curve is ½ [FRC(f, a) + FRC(f, b)] / √FRC(a, b), at most 1; NaN unless FRC(a, b) exceeds 0.1 and three of its
    standard deviations, 1 / √(2n), n being the independent Fourier pixels of a ring.

    Notes
    -----
    FRC(a, b) = S / (S + N), so its root is the correlation of a target with the truth, which is a factor of FRC(f, a).
    Whatever a and b share, such as blur, counts as truth.
    """
    *each, targets = correlations((image, first, second), over)
    valid = targets > np.maximum(VALID, 3 / np.sqrt(2 * over.counts(len(image))))
    curve = np.full(len(targets), np.nan)
    curve[valid] = np.minimum(np.mean(each, axis=0)[valid] / np.sqrt(targets[valid]), 1)
    low = over.frequency[curve < HALF]
    known = over.frequency[valid]
    return Cross(curve, targets, float(low[0]) if len(low) else None, float(known[-1]) if len(known) else None)


def resolution(halves: FloatArray, threshold: FloatArray, counts: FloatArray, frequency: FloatArray) -> float | None:
    """Return the frequency, cycles per pixel, at which an FRC falls below a threshold for three rings.

    Parameters
    ----------
    halves, threshold, counts, frequency : (ring,) FRC, threshold, independent Fourier pixels and cycles per pixel.

    Returns
    -------
    None if the FRC stays above the threshold or starts below it, or if there are fewer than three usable rings.
    """
    usable = np.flatnonzero(counts >= FEWEST_IN_RING)
    above = (halves - threshold)[usable]
    if len(above) < 3:
        return None
    below = np.convolve(above < 0, np.ones(3), mode="valid") == 3
    if not below.any() or below[0]:
        return None
    last = int(np.argmax(below))
    high, low = above[last - 1 : last + 1]
    start, stop = frequency[usable][last - 1 : last + 1]
    return float(start + (stop - start) * high / (high - low))


def over_ring(over: Rings, plane: FloatArray) -> FloatArray:
    """Sum a plane of `rfft2` over each ring, including mirror images, (ring,) float64."""
    return np.asarray(np.bincount(over.label, over.weight * plane.ravel())[: len(over.frequency)], dtype=np.float64)


def _planes(images: FloatArray, over: Rings) -> Iterator[FloatArray]:
    for image in images:
        inside = image[over.box]
        level = np.sum(inside * over.window) / np.sum(over.window)
        yield rfft2((inside - level) * over.window)
