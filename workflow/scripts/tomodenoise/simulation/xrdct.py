"""Simulated XRD-CT of known samples: mixtures of materials, each with its own diffraction pattern.

Photons are counted in every channel at every point: Poisson, with the line integral of the scattering as the mean.
Nothing is absorbed, so there are neither flats nor -log.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from tomodenoise.common.arrays import FloatArray
from tomodenoise.simulation.phantom import foam, truth
from tomodenoise.simulation.projection import project

MATERIALS = 5
PEAKS = 8  # number of peaks in the pattern of each material
WIDTH = 0.006  # standard deviation of a peak, relative to the range of channels
BACKGROUND = 0.15  # background that all materials scatter equally, relative to the highest peak
LOOSE = 0.3  # density of the material between spheres
PROBES = 16


@dataclass(frozen=True, eq=False)
class Sample:
    """Distribution of the materials."""

    shape: tuple[int, int]  # (slices, columns)
    # Angle in radians to line integrals (material, slice, column) float64, in pixels
    integrals: Callable[[float], FloatArray]
    volume: Callable[[], FloatArray]  # (material, z, y, x) float32, the share of each material in each voxel


@dataclass(frozen=True, eq=False)
class Patterns:
    """Scattering patterns of the materials."""

    name: str
    unit: str
    values: FloatArray  # (channel,)
    intensities: FloatArray  # (material, channel) per pixel of material


def spheres(shape: tuple[int, int], rng: np.random.Generator, radii: tuple[float, float] = (2.0, 6.0)) -> Sample:
    """Draw a loose cylinder of one material with dense spheres of the others, radii in pixels, projected exactly."""
    drawn = foam(shape, radii, 0.3, rng)
    kinds = rng.integers(1, MATERIALS, len(drawn.radii))
    parts = [replace(drawn, matrix=LOOSE, attenuations=np.zeros(len(kinds)))]
    parts += [replace(drawn, matrix=0.0, attenuations=(kinds == kind) * 1.0) for kind in range(1, MATERIALS)]
    axis = (shape[1] - 1) / 2
    return Sample(
        shape,
        lambda angle: np.stack([project(part, angle, axis, shape) for part in parts]),
        lambda: np.stack([truth(part, shape[1], range(shape[0])) for part in parts]),
    )


def peaks(channels: int, rng: np.random.Generator) -> Patterns:
    """Draw patterns of Gaussian peaks, as a stand-in for measured ones: 2theta from 2 to 6 degrees."""
    values = np.linspace(2, 6, channels)
    places = rng.uniform(2, 6, (MATERIALS, PEAKS, 1))
    heights = rng.uniform(0.2, 1, (MATERIALS, PEAKS, 1))
    width = max(4 * WIDTH, 2 / channels)
    drawn = np.sum(heights * np.exp(-(((values - places) / width) ** 2) / 2), axis=1)
    return Patterns("2theta", "deg", values, on_background(drawn))


def on_background(patterns: FloatArray) -> FloatArray:
    """Add the smooth background of all materials, which falls along the channels."""
    falling = BACKGROUND * patterns.max() * np.linspace(1.3, 0.7, patterns.shape[1])
    return np.asarray(patterns + falling)


def scaled(patterns: Patterns, sample: Sample, counts: tuple[float, float]) -> Patterns:
    """Scale the channels to largest counts at full time from `counts[0]` to `counts[1]`, evenly in the logarithm."""
    angles = np.arange(PROBES) * np.pi / PROBES
    brightest = np.max([_mixed(patterns, sample.integrals(angle)).max(axis=(1, 2)) for angle in angles], axis=0)
    aims = np.geomspace(*counts, len(brightest))[np.argsort(np.argsort(brightest, kind="stable"))]
    return replace(patterns, intensities=patterns.intensities * aims / brightest)


def _mixed(patterns: Patterns, materials: FloatArray) -> FloatArray:
    """Mix the patterns by amounts of materials, (material, ...) to (channel, ...)."""
    return np.tensordot(patterns.intensities.T, materials, 1)


def acquire(
    sample: Sample, patterns: Patterns, angles: FloatArray, time: float, empty: float, rng: np.random.Generator
) -> Iterator[FloatArray]:
    """Count photons, one angle after the other.

    Parameters
    ----------
    patterns : in counts at full time, see `scaled`.
    angles : (angle,) radians.
    time : measuring time, relative to the full one.
    empty : counts at full time of an extra last channel with only a constant background, which is subtracted: pure
        noise. With 0 there is no such channel.

    Yields
    ------
    (channel, slice, column) float32, counts divided by time: equal at any time except for noise. Each angle has its own
    random stream.
    """
    for angle, stream in zip(angles, rng.spawn(len(angles)), strict=True):
        counted = stream.poisson(time * _mixed(patterns, sample.integrals(float(angle)))) / time
        if empty:
            noise = stream.poisson(time * empty, counted.shape[1:]) / time - empty
            counted = np.concatenate([counted, noise[None]])
        yield counted.astype(np.float32)


def volume(sample: Sample, patterns: Patterns, empty: float) -> FloatArray:
    """Return the true volume, (channel, z, y, x) float32, counts per pixel at full time; 0 for a channel of noise."""
    mixed = _mixed(patterns, sample.volume()).astype(np.float32)
    return np.concatenate([mixed, np.zeros_like(mixed[:1])]) if empty else mixed
