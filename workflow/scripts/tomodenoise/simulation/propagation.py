"""Phase contrast: free-space propagation of the wave behind a sample of one material."""

import numpy as np
import scipy.fft

from tomodenoise.common.arrays import FloatArray
from tomodenoise.common.optics import KEV_METRE


def spread(energy: float, distance: float, pixel_size: float) -> float:
    """Return wavelength times distance divided by the pixel area; keV, metre and micrometre."""
    return KEV_METRE / energy * distance / (pixel_size * 1e-6) ** 2


def reach(fresnel: float) -> int:
    """Return the margin in pixels that diffracts into a frame; the finest waves shift by half of `fresnel`."""
    return int(np.ceil(4 * fresnel)) + 8 if fresnel else 0


def propagate(integrals: FloatArray, delta_beta: float, fresnel: float) -> FloatArray:
    """Return the intensity at some distance, relative to the beam.

    Parameters
    ----------
    integrals : (..., rows, columns) line integrals of the attenuation, in a periodically continued frame.
    delta_beta : delta / beta of the refractive index 1 - delta + i beta.
    fresnel : from `spread`; 0 is directly behind the sample.

    Notes
    -----
    The wave behind the sample is exp(-(1 + i delta / beta) integral / 2), as the attenuation is 4 pi beta / wavelength
    and the phase -2 pi delta / wavelength, each times the thickness. Free space multiplies its spectrum by
    exp(-i pi wavelength distance f²) [Paganin, Coherent X-Ray Optics, 2006, chapter 1]. Close to the sample
    this is the transport of intensity, (1 - l² Laplacian) exp(-integral) with
    l² = wavelength distance (delta / beta) / (4 pi) [Paganin et al. 2002]. The phase must change by less than
    pi from pixel to pixel.
    """
    if not fresnel:
        return np.exp(-integrals)
    rows, columns = (scipy.fft.fftfreq(size) for size in integrals.shape[-2:])
    free_space = np.exp(-1j * np.pi * fresnel * (rows[:, None] ** 2 + columns**2))
    wave = scipy.fft.ifft2(scipy.fft.fft2(np.exp(-(1 + 1j * delta_beta) / 2 * integrals)) * free_space)
    return np.asarray(np.abs(wave) ** 2)
