"""What a detector makes of line integrals: counts with their noise and faults."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from tomodenoise.arrays import FloatArray

VIGNETTING = 0.2  # loss of beam from the middle to the side of the detector
PIXEL_SPREAD = 0.02  # rms of the pixels' own gains
STRIPE_ERROR = 0.03  # largest relative error of a faulty column
ZINGER_PHOTONS = (5.0, 20.0)  # strength in units of the open beam


@dataclass(frozen=True)
class Detector:
    """Beam and detector of a simulated scan."""

    photons: float = field(default=450.0, metadata={"help": "photons per pixel in the open beam, on average"})
    conversion: float = field(default=1.0, metadata={"help": "counts per photon"})
    offset: float = field(default=100.0, metadata={"help": "counts without light"})
    read_noise: float = field(default=1.0, metadata={"help": "counts, rms"})
    drift: float = field(default=-0.02, metadata={"help": "relative change of the beam over the scan"})
    stripes: int = field(default=0, metadata={"help": "columns with a gain error that the flats do not show"})
    zingers: float = field(default=0.0, metadata={"help": "mean number of zingers per frame"})
    afterglow: float = field(default=0.0, metadata={"help": "share of the light that appears one frame later"})


def flatfield(shape: tuple[int, int], rng: np.random.Generator) -> FloatArray:
    """Draw the pattern of the open beam, (rows, columns) float64 with mean 1: vignetting times pixel gains."""
    side = np.linspace(-1, 1, shape[1])
    pattern = (1 - VIGNETTING * side**2) * (1 + PIXEL_SPREAD * rng.standard_normal(shape))
    mean: float = pattern.mean()
    return pattern / mean


def stripe_gain(detector: Detector, columns: int, rng: np.random.Generator) -> FloatArray:
    """Draw the gain of each column in projections but not in flats, (columns,) float64: 1 but for the stripes."""
    gain = np.ones(columns)
    faulty = rng.choice(columns, detector.stripes, replace=False)
    gain[faulty] += rng.uniform(-STRIPE_ERROR, STRIPE_ERROR, detector.stripes)
    return gain


def expose(
    detector: Detector, expected: FloatArray, before: FloatArray, gain: FloatArray, rng: np.random.Generator
) -> tuple[NDArray[np.uint16], FloatArray]:
    """Record one frame.

    Parameters
    ----------
    expected : (..., rows, columns) mean number of photons.
    before : the photons of the frame before, same shape; `detector.afterglow` of them appear now.
    gain : factor on the conversion, broadcast to the frame.
    rng : source of this frame's noise.

    Returns
    -------
    The frame in counts, rounded and clipped as uint16, and its photons.
    """
    photons = rng.poisson(expected).astype(float)
    light = (1 - detector.afterglow) * photons + detector.afterglow * before + _zingers(detector, expected.shape, rng)
    counts = detector.offset + detector.conversion * gain * light
    counts += detector.read_noise * rng.standard_normal(counts.shape)
    return np.clip(np.rint(counts), 0, np.iinfo(np.uint16).max).astype(np.uint16), photons


def _zingers(detector: Detector, shape: tuple[int, ...], rng: np.random.Generator) -> FloatArray:
    """Return stray light in photons: few pixels, far above the beam, in one frame only."""
    stray = np.zeros(shape)
    struck = rng.integers(stray.size, size=rng.poisson(detector.zingers))
    stray.flat[struck] = detector.photons * rng.uniform(*ZINGER_PHOTONS, struck.size)
    return stray
