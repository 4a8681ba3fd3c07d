"""Figures of merit of an image against the truth."""

import numpy as np
from skimage.metrics import structural_similarity

from tomodenoise.arrays import BoolArray, FloatArray


def psnr(image: FloatArray, truth: FloatArray, mask: BoolArray, data_range: float) -> float:
    """Return the peak signal-to-noise ratio in dB: 10 log10(data_range² / mean squared error inside the mask).

    Parameters
    ----------
    image, truth : (z, y, x) in the same unit.
    mask : (y, x), or (z, y, x) to judge some slices only; at least one pixel.
    data_range : largest minus smallest value that the truth can take.
    """
    inside = np.broadcast_to(mask, image.shape)
    error = np.mean(np.square(image[inside] - truth[inside], dtype=float))
    return float(20 * np.log10(data_range) - 10 * np.log10(error)) if error else float("inf")


def ssim(image: FloatArray, truth: FloatArray, mask: BoolArray, data_range: float) -> float:
    """Return the structural similarity, slice by slice, averaged inside the mask; arguments as in `psnr`.

    Notes
    -----
    With the 11 x 11 Gaussian window of 1.5 pixels and the constants 0.01 and 0.03 of Wang et al.,
    IEEE Trans. Image Process. 13, 600 (2004).
    """
    inside = np.broadcast_to(mask, image.shape)
    judged = np.flatnonzero(inside.any(axis=(1, 2)))
    maps = [_similarity(image[z], truth[z], data_range)[inside[z]] for z in judged]
    return float(np.concatenate(maps).mean(dtype=float))


def _similarity(image: FloatArray, truth: FloatArray, data_range: float) -> FloatArray:
    """Return the map of structural similarity of one slice."""
    similarity: FloatArray = structural_similarity(  # type: ignore[no-untyped-call]
        image, truth, data_range=data_range, gaussian_weights=True, sigma=1.5, use_sample_covariance=False, full=True
    )[1]
    return similarity
