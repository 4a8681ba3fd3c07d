"""Error of an image, with and without ground truth."""

import numpy as np
from skimage.metrics import structural_similarity

from tomodenoise.common.arrays import BoolArray, FloatArray
from tomodenoise.metrics.support import Unsupported

SSIM_WINDOW = 11
"""Pixels."""


def psnr(image: FloatArray, truth: FloatArray, mask: BoolArray, data_range: float) -> float:
    """Return the peak signal-to-noise ratio in dB: 10 log10(data_range² / mean squared error inside the mask).

    Parameters
    ----------
    image, truth : (z, y, x) in the same unit.
    mask : (y, x), or (z, y, x) to select slices; at least one pixel.
    data_range : largest minus smallest value that the truth can take.
    """
    return decibels(split_loss(image, truth, mask), data_range)


def decibels(error: float, data_range: float) -> float:
    """Convert a mean squared error to the peak signal-to-noise ratio in dB.

    Infinite for an error of 0; NaN for a negative one, and if the range is 0, as for a channel without sample.
    """
    if data_range <= 0:
        return float("nan")
    if error <= 0:
        return float("inf") if error == 0 else float("nan")
    return float(20 * np.log10(data_range) - 10 * np.log10(error))


def split_loss(image: FloatArray, target: FloatArray, mask: BoolArray) -> float:
    """Return mean (f - b)² inside the mask: the error of f plus the noise variance of the target, a constant.

    Parameters
    ----------
    image : (z, y, x), f.
    target : (z, y, x), b; its noise has zero mean and is independent of f.
    mask : as in `psnr`.

    Notes
    -----
    Hendriksen et al., IEEE Trans. Comput. Imaging 6, 1320 (2020), eq. 9: it ranks networks, but is not an error.
    """
    inside = np.broadcast_to(mask, image.shape)
    return float(np.mean(np.square(image[inside] - target[inside], dtype=float)))


def umse(image: FloatArray, first: FloatArray, second: FloatArray, mask: BoolArray) -> float:
    """Return the mean squared error of an image inside the mask, without the truth: mean (a - f)(b - f).

    Parameters
    ----------
    image : (z, y, x), f, made from neither of the others.
    first, second : (z, y, x), a and b, noisy measurements of the same truth; their noise has zero mean and is
        independent of each other and of the image.
    mask : as in `psnr`.

    Returns
    -------
    An unbiased estimate, which may be negative if the error is small.

    Notes
    -----
    Marcos Morales et al., "Evaluating unsupervised denoising requires unsupervised metrics", ICML 2023. Whatever a and
    b share, such as streaks from too few angles or blur, counts as truth.
    """
    return umse_with_error(image, first, second, mask)[0]


def umse_with_error(image: FloatArray, first: FloatArray, second: FloatArray, mask: BoolArray) -> tuple[float, float]:
    """Return `umse` and its standard error, for errors that are independent from pixel to pixel; same parameters."""
    inside = np.broadcast_to(mask, image.shape)
    values = image[inside].astype(float)
    products = (first[inside] - values) * (second[inside] - values)
    return float(np.mean(products)), float(np.std(products) / np.sqrt(products.size))


def ssim(image: FloatArray, truth: FloatArray, mask: BoolArray, data_range: float) -> float:
    """Return the structural similarity, slice by slice, averaged inside the mask; parameters as in `psnr`.

    Raises
    ------
    Unsupported
        If slices are smaller than the window.

    Notes
    -----
    Computed with the 11 x 11 Gaussian window of 1.5 pixels and the constants 0.01 and 0.03 of Wang et al., IEEE Trans.
    Image Process. 13, 600 (2004).
    """
    if min(image.shape[1:]) < SSIM_WINDOW:
        raise Unsupported(f"slices of {min(image.shape[1:])} pixels are smaller than the window of the SSIM")
    inside = np.broadcast_to(mask, image.shape)
    slices = np.flatnonzero(inside.any(axis=(1, 2)))
    maps = [_similarity(image[z], truth[z], data_range)[inside[z]] for z in slices]
    return float(np.concatenate(maps).mean(dtype=float))


def _similarity(image: FloatArray, truth: FloatArray, data_range: float) -> FloatArray:
    """Return the map of structural similarity of one slice."""
    similarity: FloatArray = structural_similarity(  # type: ignore[no-untyped-call]
        image, truth, data_range=data_range, gaussian_weights=True, sigma=1.5, use_sample_covariance=False, full=True
    )[1]
    return similarity
