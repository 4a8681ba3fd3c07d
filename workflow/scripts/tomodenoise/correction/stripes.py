"""Removal of stripes in sinograms, which are rings in slices, by three methods."""

import importlib
import importlib.util

import numpy as np

from tomodenoise.common.arrays import FloatArray, IntArray
from tomodenoise.common.errors import UserError

WINDOW = 21  # width in columns of the median filter on sorted columns, the default of the method

# Smallest number of columns and projections for a method; with fewer, its windows leave nothing of the sample
NARROWEST = {"none": 1, "sorting": 2 * WINDOW, "wavelet": 64, "vo": 102}


def check(method: str, angles: int, columns: int) -> None:
    """Refuse a method for which the sinograms are too small, or algotom is missing."""
    if min(angles, columns) < NARROWEST[method]:
        raise UserError(
            f"correct.stripes: {method} needs {NARROWEST[method]} projections and columns, the scan has {angles} and"
            f" {columns}: set correct.stripes: none"
        )
    if method in {"wavelet", "vo"} and importlib.util.find_spec("algotom") is None:
        raise UserError(f"correct.stripes: {method} needs algotom, which is not installed: `pip install algotom`")


def remove_all(projections: FloatArray, angles: FloatArray, method: str, used: IntArray | None = None) -> None:
    """Remove the stripes of a slab of line integrals, row by row, in place.

    Parameters
    ----------
    projections : (A, rows, columns).
    angles : (A,) radians.
    used : (n,) positions of the projections with light, all by default; the others stay unchanged.
    """
    if method == "none":
        return
    used = np.arange(len(angles)) if used is None else used
    sorted_ = used[order(angles[used])]
    for row in range(projections.shape[1]):
        projections[sorted_, row] = remove(projections[sorted_, row], method)


def remove(sinogram: FloatArray, method: str) -> FloatArray:
    """Remove the stripes of one sinogram.

    Parameters
    ----------
    sinogram : (angles, columns) float32, in order of angle.
    method : `sorting`, algorithm 3 of Vo et al. (2018), for stripes along all angles; `wavelet`, the method of
        Muench et al. (2009); `vo`, algorithms 6, 5 and 3 of Vo et al.: unresponsive, large and all other stripes.

    Returns
    -------
    (angles, columns) float32.

    Raises
    ------
    UserError
        If there is no noise, which `vo` needs to detect stripes.
    """
    if method == "sorting":
        return _sorting(sinogram)
    if np.ptp(sinogram) == 0:
        return sinogram
    removal = importlib.import_module("algotom.prep.removal")  # takes a second or two, as it imports numba
    if method == "wavelet":
        return np.asarray(removal.remove_stripe_based_wavelet_fft(sinogram), dtype=np.float32)
    try:
        narrow = removal.remove_large_stripe(removal.remove_dead_stripe(sinogram, residual=False))
    except ValueError as error:
        raise UserError(f"correct.stripes: vo fails here ({error}): set correct.stripes: sorting") from error
    return _sorting(np.asarray(narrow, dtype=np.float32))


def order(angles: FloatArray) -> IntArray:
    """Return the order of projections by their angle in the full circle, radians."""
    return np.argsort(np.round(angles % (2 * np.pi), 9), kind="stable")


def _sorting(sinogram: FloatArray) -> FloatArray:
    """Median-filter the sorted values of the columns along the row; on a flat array this is ten times as fast."""
    ndimage = importlib.import_module("scipy.ndimage")  # not installed where only the configuration is checked
    ranks = np.argsort(sinogram, axis=0)
    half = WINDOW // 2
    wide = np.pad(np.take_along_axis(sinogram, ranks, axis=0), ((0, 0), (half, half)), mode="symmetric")
    even = ndimage.median_filter(wide.ravel(), WINDOW).reshape(wide.shape)[:, half:-half]
    out = np.empty_like(sinogram)
    np.put_along_axis(out, ranks, even, axis=0)
    return out
