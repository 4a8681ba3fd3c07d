"""Stripes of sinograms, rings of slices: how strong they are, and three ways to remove them."""

import importlib
import importlib.util

import numpy as np

from tomodenoise.arrays import FloatArray, IntArray
from tomodenoise.errors import UserError

WINDOW = 21
"""Columns of the median that evens out sorted columns, the method's own choice."""

NARROWEST = {"none": 1, "sorting": 2 * WINDOW, "wavelet": 64, "vo": 102}
"""Columns below which a method's windows leave nothing of the sample; and projections."""

SHARP = np.array([1, 0, -4, 0, 6, 0, -4, 0, 1]) / 6
BLOCKS = 8
QUANTILE, STUDENT = 0.85, 1.617
"""Of columns, and of |t| with 7 degrees of freedom: what `strength` divides by, to be 1 for noise alone."""


def check(method: str, angles: int, columns: int) -> None:
    """Refuse what a method cannot do.

    Raises
    ------
    UserError
        For sinograms too small for it, or where algotom is missing.
    """
    if min(angles, columns) < NARROWEST[method]:
        raise UserError(
            f"correct.stripes: {method} needs {NARROWEST[method]} projections and columns, the scan has {angles} and"
            f" {columns}: set correct.stripes: none"
        )
    if method in {"wavelet", "vo"} and importlib.util.find_spec("algotom") is None:
        raise UserError(f"correct.stripes: {method} needs algotom, which is not installed: `pip install algotom`")


def remove_all(projections: FloatArray, angles: FloatArray, method: str) -> None:
    """Remove the stripes of a slab (A, rows, columns) of line integrals, row by row, in place; angles (A,) radians."""
    if method == "none":
        return
    sorted_ = order(angles)
    for row in range(projections.shape[1]):
        projections[sorted_, row] = remove(projections[sorted_, row], method)


def remove(sinogram: FloatArray, method: str) -> FloatArray:
    """Remove the stripes of one sinogram.

    Parameters
    ----------
    sinogram : (angles, columns) float32, in order of angle.
    method : `sorting` is algorithm 3 of Vo et al. (2018), for stripes along all angles; `wavelet` is that of
        Muench et al. (2009); `vo` is algorithms 6, 5 and 3 of Vo et al.: unresponsive, large and all other stripes.

    Returns
    -------
    (angles, columns) float32.

    Raises
    ------
    UserError
        If there is no noise, by which `vo` tells stripes.
    """
    if method == "sorting":
        return _sorting(sinogram)
    if np.ptp(sinogram) == 0:
        return sinogram
    removal = importlib.import_module("algotom.prep.removal")  # a second or two, as it brings numba
    if method == "wavelet":
        return np.asarray(removal.remove_stripe_based_wavelet_fft(sinogram), dtype=np.float32)
    try:
        narrow = removal.remove_large_stripe(removal.remove_dead_stripe(sinogram, residual=False))
    except ValueError as refused:
        raise UserError(f"correct.stripes: vo fails here ({refused}): set correct.stripes: sorting") from refused
    return _sorting(np.asarray(narrow, dtype=np.float32))


def order(angles: FloatArray) -> IntArray:
    """Order of projections by their direction in the full circle, radians."""
    return np.argsort(np.round(angles % (2 * np.pi), 9), kind="stable")


def strength(projections: FloatArray, angles: FloatArray, known: FloatArray | None = None) -> float | None:
    """Tell how much stronger stripes are than what noise and texture leave in the mean over all angles.

    Parameters
    ----------
    projections : (A, rows, columns) line integrals.
    angles : (A,) radians.
    known : (rows, columns) variance of the stripes that one is prepared for, such as the noise of the flats.

    Returns
    -------
    1 for noise alone, up to chance; the median over rows. None for fewer than 16 projections or 9 columns, or where
    no row varies in all its columns.

    Notes
    -----
    Eight blocks of directions are averaged each, and fourth differences of columns two apart are taken of them, which
    leave little but stripes. Student's t of the eight is large where all have the same sign, as stripes do; what
    changes with the direction, texture as well as noise, is in its denominator. The 85 % quantile of |t| over columns
    is blind to edges centred on the axis, which look alike from all sides, and to stripes in fewer than about
    3 % of the columns.
    """
    if len(angles) < 2 * BLOCKS or projections.shape[2] < len(SHARP):
        return None
    means = np.stack([_mean(projections, block) for block in np.array_split(order(angles), BLOCKS)])
    sharp = _along_columns(means, SHARP)
    variance = sharp.var(axis=0, ddof=1) / BLOCKS
    if known is not None:
        variance += _along_columns(known, SHARP**2)
    with np.errstate(divide="ignore", invalid="ignore"):
        student = np.abs(sharp.mean(axis=0)) / np.sqrt(variance)
    found = [np.quantile(row, QUANTILE) for row in student if np.isfinite(row).all()]
    return float(np.median(found)) / STUDENT if found else None


def _along_columns(values: FloatArray, weights: FloatArray) -> FloatArray:
    """Weighted sums along the last axis, as far as the weights fit in."""
    windows = np.lib.stride_tricks.sliding_window_view(values, len(weights), axis=-1)
    return np.asarray(windows @ weights)


def _mean(projections: FloatArray, numbers: IntArray) -> FloatArray:
    """Mean of some projections, without a copy of them."""
    total = np.zeros(projections.shape[1:])
    for number in numbers:
        total += projections[number]
    return total / len(numbers)


def _sorting(sinogram: FloatArray) -> FloatArray:
    """Even out the columns' sorted values along the row; the median of one flat array is ten times as fast."""
    ndimage = importlib.import_module("scipy.ndimage")  # not at hand where only the configuration is checked
    ranks = np.argsort(sinogram, axis=0)
    half = WINDOW // 2
    wide = np.pad(np.take_along_axis(sinogram, ranks, axis=0), ((0, 0), (half, half)), mode="symmetric")
    even = ndimage.median_filter(wide.ravel(), WINDOW).reshape(wide.shape)[:, half:-half]
    out = np.empty_like(sinogram)
    np.put_along_axis(out, ranks, even, axis=0)
    return out
