"""Matching of views with flipped opposite views, first roughly and then to a fraction of a pixel."""

import numpy as np
from numpy.typing import NDArray
from scipy import fft, ndimage

from tomodenoise.common.arrays import FloatArray, IntArray

Spectrum = NDArray[np.complexfloating]

FINE = 4  # samples of a curve per half column
SMOOTH = 3.0  # independent frequencies over which a coherence is averaged: with too few it is 1 everywhere


def difference(first: FloatArray, second: FloatArray, least: int) -> tuple[FloatArray, FloatArray]:
    """Correlate views with their flipped opposites, for every center that leaves `least` columns of overlap.

    Parameters
    ----------
    first, second : (pair, column) float32, views and their opposites, not yet flipped.

    Returns
    -------
    Sums over all pairs and the overlap, (2 center,) float64 from `least` - 1 on: the products of both sides, and the
    mean of their squares, with the means of the overlap subtracted.
    """
    columns = first.shape[-1]
    # The means of each overlap are subtracted later; subtracting these now preserves the precision of float32.
    first, second = (views - views.mean(axis=1, keepdims=True) for views in (first, second))
    twice = np.arange(least - 1, 2 * columns - least)  # f(x) meets g(twice - x)
    low = np.maximum(0, twice - columns + 1)
    high = np.minimum(columns, twice + 1)
    length = fft.next_fast_len(2 * columns, real=True)
    product = fft.irfft(np.sum(fft.rfft(first, length) * fft.rfft(second, length), axis=0), length)[twice]

    def overlap(values: FloatArray) -> FloatArray:
        sums = np.cumsum(np.pad(values, ((0, 0), (1, 0))), axis=1, dtype=np.float64)
        return np.asarray(sums[:, high] - sums[:, low])

    a = overlap(first)
    b = overlap(second)
    squares = overlap((first**2 + second**2).sum(0, keepdims=True))[0] - (a**2 + b**2).sum(0) / (high - low)
    return product - (a * b).sum(0) / (high - low), squares / 2


def likelihood(cross: Spectrum, power: FloatArray, twice: float, half: float) -> FloatArray:
    """Return the weight of each frequency in a cross spectrum, large for coherent signal and small for noise.

    Parameters
    ----------
    cross : (frequency,) sum of the products of opposite views' spectra, of a real FFT.
    power : (frequency,) sum of the mean of both sides' squared spectra.
    twice : 2 center, approximately: the shift at which both agree.
    half : columns on either side of the center that the spectra cover.

    Returns
    -------
    (frequency,) float64, c / (1 - c²) / power with c the coherence: the maximum likelihood weight for the delay of two
    noisy copies of a signal [Knapp & Carter, IEEE Trans. ASSP 24, 1976, eq. 34], as a factor on the cross spectrum,
    which itself is c times the power.
    """
    count = len(cross)
    turned = np.real(cross * np.exp(1j * np.pi / (count - 1) * np.arange(count) * twice))
    width = SMOOTH * count / half  # frequencies closer than count / half are not independent
    smooth = ndimage.gaussian_filter1d(power, width) + np.finfo(np.float32).tiny
    gamma = np.clip(ndimage.gaussian_filter1d(turned, width) / smooth, 1e-3, 0.99)
    return np.asarray(gamma / (1 - gamma**2) / smooth)


def curves(cross: Spectrum, columns: int) -> FloatArray:
    """Return the agreement (…, 2 `FINE` center) of cross spectra (…, frequency) for every center of the detector."""
    count = cross.shape[-1]
    spectrum = np.zeros((*cross.shape[:-1], FINE * (count - 1) + 1), np.complex128)
    spectrum[..., :count] = cross
    return np.asarray(fft.irfft(spectrum)[..., : FINE * (2 * columns - 2) + 1])


def peak(curve: FloatArray, near: float, reach: float) -> float:
    """Return the center within `reach` columns of `near` where `curve` is highest, by a parabola through 3 points."""
    low, high = (int(np.clip(round(2 * FINE * c), 0, len(curve) - 1)) for c in (near - reach, near + reach))
    return (low + vertex(np.arange(high - low + 1), -curve[low : high + 1])) / (2 * FINE)


def window(columns: int, center: float) -> FloatArray:
    """Return a window (column,) float32 about `center`, as wide as the detector allows, with cosine edges."""
    half = min(center, columns - 1 - center) + 1
    depth = (half - np.abs(np.arange(columns) - center)) / (0.15 * half)
    return np.asarray((0.5 - 0.5 * np.cos(np.pi * np.clip(depth, 0, 1))).astype(np.float32))


def vertex(places: FloatArray | IntArray, curve: FloatArray) -> float:
    """Return the place of the minimum, by a parabola through it and its neighbours; places are evenly spaced."""
    at = int(np.argmin(curve))
    if at in (0, len(curve) - 1):
        return float(places[at])
    left, mid, right = (float(value) for value in curve[at - 1 : at + 2])
    bend = max(left - 2 * mid + right, np.finfo(np.float64).tiny)
    return float(places[at] + (places[1] - places[0]) * 0.5 * (left - right) / bend)
