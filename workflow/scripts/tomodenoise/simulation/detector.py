"""Detector model: from expected photons to counts with noise and faults."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from tomodenoise.common.arrays import FloatArray, IntArray

VIGNETTING = 0.2  # loss of beam from the middle to the side of the detector
PIXEL_SPREAD = 0.02  # rms variation of the pixel gains
STRIPE_ERROR = 0.03  # largest relative error of a faulty column
ZINGER_PHOTONS = (5.0, 20.0)  # strength in units of the open beam
ZINGER_EDGE = 3  # largest extent in pixels, in either direction
STUCK_AT = (0.3, 0.9)  # level of a dead column in units of the open beam


@dataclass(frozen=True)
class Detector:
    """Beam and detector of a simulated scan."""

    photons: float = field(default=450.0, metadata={"help": "photons per pixel in the open beam, on average"})
    conversion: float = field(default=1.0, metadata={"help": "counts per photon"})
    offset: float = field(default=100.0, metadata={"help": "counts without light"})
    read_noise: float = field(default=1.0, metadata={"help": "counts, rms"})
    drift: float = field(default=-0.02, metadata={"help": "relative change of the beam over the scan"})
    flicker: float = field(default=0.0, metadata={"help": "change of the beam from frame to frame, relative, rms"})
    sway: float = field(default=0.0, metadata={"help": "the same for its slope, at the detector's sides"})
    stripes: int = field(default=0, metadata={"help": "columns with a gain error that the flats do not show"})
    dead: int = field(default=0, metadata={"help": "columns stuck at one value in projections, but not in flats"})
    zingers: float = field(default=0.0, metadata={"help": "mean number of zingers per frame, of 1 to 3 x 3 pixels"})
    afterglow: float = field(default=0.0, metadata={"help": "share of the light that appears one frame later"})


def flatfield(shape: tuple[int, int], rng: np.random.Generator) -> FloatArray:
    """Draw the pattern of the open beam, (rows, columns) float64 with mean 1: vignetting times pixel gains."""
    side = np.linspace(-1, 1, shape[1])
    pattern = (1 - VIGNETTING * side**2) * (1 + PIXEL_SPREAD * rng.standard_normal(shape))
    return np.asarray(pattern / pattern.mean())


def stripe_gain(detector: Detector, columns: int, rng: np.random.Generator) -> FloatArray:
    """Draw the gain of each column in projections but not in flats, (columns,) float64: 1 except for stripes."""
    gain = np.ones(columns)
    faulty = rng.choice(columns, detector.stripes, replace=False)
    gain[faulty] += rng.uniform(-STRIPE_ERROR, STRIPE_ERROR, detector.stripes)
    return gain


def dead_columns(detector: Detector, columns: int, rng: np.random.Generator) -> tuple[IntArray, NDArray[np.uint16]]:
    """Draw the columns that do not respond in projections, and the counts at which each is stuck."""
    dead = rng.choice(columns, detector.dead, replace=False)
    level = detector.offset + detector.conversion * detector.photons * rng.uniform(*STUCK_AT, detector.dead)
    return dead, _counts(level)


def dose(detector: Detector, columns: int, rng: np.random.Generator) -> FloatArray:
    """Draw the beam of one frame relative to the mean beam, (columns,) float64; its logarithm is a straight line."""
    level, slope = rng.standard_normal(2)
    return np.asarray(np.exp(detector.flicker * level + detector.sway * slope * np.linspace(-1, 1, columns)))


def expose(
    detector: Detector, expected: FloatArray, before: FloatArray, gain: FloatArray, rng: np.random.Generator
) -> tuple[NDArray[np.uint16], FloatArray]:
    """Record one frame.

    Parameters
    ----------
    expected : (..., rows, columns) mean number of photons.
    before : photons of the previous frame, same shape; the share `detector.afterglow` of them appears now.
    gain : factor on the conversion, broadcast to the frame.

    Returns
    -------
    The frame in counts, rounded and clipped as uint16, and its photons.
    """
    photons = rng.poisson(expected).astype(float)
    light = (1 - detector.afterglow) * photons + detector.afterglow * before + _zingers(detector, expected.shape, rng)
    counts = detector.offset + detector.conversion * gain * light
    counts += detector.read_noise * rng.standard_normal(counts.shape)
    return _counts(counts), photons


def _counts(values: FloatArray) -> NDArray[np.uint16]:
    """Round and clip to the range of uint16."""
    return np.clip(np.rint(values), 0, np.iinfo(np.uint16).max).astype(np.uint16)


def _zingers(detector: Detector, shape: tuple[int, ...], rng: np.random.Generator) -> FloatArray:
    """Return stray light in photons: spots of a few pixels, far above the beam, in one frame only."""
    stray = np.zeros(shape)
    struck = rng.integers(stray.size, size=rng.poisson(detector.zingers))
    strength = detector.photons * rng.uniform(*ZINGER_PHOTONS, struck.size)
    edges = rng.integers(1, ZINGER_EDGE + 1, (struck.size, 2))
    for place, light, (tall, wide) in zip(struck, strength, edges, strict=True):
        *frame, row, column = np.unravel_index(place, shape)
        stray[(*frame, slice(row, row + tall), slice(column, column + wide))] = light
    return stray
