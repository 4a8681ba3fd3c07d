"""X-ray optics of a sample of one material."""

import numpy as np

from tomodenoise.common.arrays import FloatArray

KEV_METRE = 1.239841984e-9
"""Planck's constant times the speed of light: divided by an energy in keV, it gives the wavelength in metres."""


def paganin(shape: tuple[int, int], length: float) -> FloatArray:
    """Divisor of an image's spectrum for phase retrieval, 1 + (2 pi l f)² [Paganin et al. 2002].

    Parameters
    ----------
    shape : (rows, columns) of the image.
    length : decay length l of the filter, pixels.

    Returns
    -------
    (rows, columns // 2 + 1) float64, for the frequencies f of `rfft2`, in cycles per pixel.
    """
    squared = np.fft.fftfreq(shape[0])[:, None] ** 2 + np.fft.rfftfreq(shape[1]) ** 2
    return np.asarray(1 + (2 * np.pi * length) ** 2 * squared)
