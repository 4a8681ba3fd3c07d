"""Match views with flipped opposite views: difference curves over the center, and where they are lowest."""

import numpy as np
from scipy import fft

from tomodenoise.arrays import FloatArray


def difference(first: FloatArray, second: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Sum up the overlap of views and flipped opposites, for every center from a quarter to three quarters.

    Parameters
    ----------
    first, second : (pair, column) float32, views and their opposites, not yet flipped.

    Returns
    -------
    (pair, 2 center) float32, the products and the squares of both, their means in the overlap taken off.
    """
    columns = first.shape[-1]
    # The overlap's own means go later; taking these off now keeps float32 exact enough.
    first, second = (views - views.mean(axis=1, keepdims=True) for views in (first, second))
    twice = np.arange(columns // 2, 2 * columns - columns // 2 - 1)  # f(x) meets g(twice - x)
    low, high = np.maximum(0, twice - columns + 1), np.minimum(columns, twice + 1)
    length = fft.next_fast_len(2 * columns, real=True)
    product = fft.irfft(fft.rfft(first, length) * fft.rfft(second, length), length)[:, twice]

    def overlap(values: FloatArray) -> FloatArray:
        sums = np.cumsum(np.pad(values, ((0, 0), (1, 0))), axis=1, dtype=np.float64)
        return np.asarray(sums[:, high] - sums[:, low])

    ones, twos = overlap(first), overlap(second)
    squares = overlap(first**2 + second**2) - (ones**2 + twos**2) / (high - low)
    return (product - ones * twos / (high - low)).astype(np.float32), squares.astype(np.float32)


def lowest(products: FloatArray, squares: FloatArray, columns: int) -> tuple[float, float]:
    """Center and normalised difference (0 the same, 1 unrelated) of the best match.

    Located by the normalised difference, which neither a large overlap nor empty air can win, and refined by the mean
    square difference, which noise does not shift.
    """
    relative = 1 - 2 * products / np.maximum(squares, np.finfo(np.float32).tiny)
    best = int(np.argmin(relative))
    twice = np.arange(len(relative)) + columns // 2
    overlap = columns - np.abs(twice - columns + 1)
    low = max(0, best - 4)
    near = slice(low, best + 5)
    refined = low + vertex(((squares - 2 * products) / overlap)[near])
    return (columns // 2 + refined) / 2, float(relative[best])


def despike(views: FloatArray) -> FloatArray:
    """Median of three columns: one zinger must not decide the match."""
    left, mid, right = views[..., :-2], views[..., 1:-1], views[..., 2:]
    clean = views.copy()
    clean[..., 1:-1] = np.maximum(np.minimum(left, mid), np.minimum(np.maximum(left, mid), right))
    return clean


def vertex(curve: FloatArray) -> float:
    """Position of the minimum, by a parabola through it and its neighbours."""
    at = int(np.argmin(curve))
    if at in (0, len(curve) - 1):
        return float(at)
    left, mid, right = (float(value) for value in curve[at - 1 : at + 2])
    return at + 0.5 * (left - right) / max(left - 2 * mid + right, np.finfo(np.float64).tiny)
