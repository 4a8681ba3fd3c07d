"""Ellipses whose sinogram is known exactly: the truth that reconstructions are measured against."""

from dataclasses import dataclass

import numpy as np

from tomodenoise.common.arrays import BoolArray, FloatArray


@dataclass(frozen=True)
class Ellipse:
    """An ellipse of constant attenuation, in units of half the slice's width."""

    x: float
    y: float  # up
    a: float  # semi-axis along ``turn``
    b: float
    turn: float  # radians, from x towards y
    value: float  # attenuation per pixel, on top of what lies below


def disc(radius: float) -> list[Ellipse]:
    return [Ellipse(0, 0, radius, radius, 0, 1)]


def random_ellipses(seed: int, count: int = 12) -> list[Ellipse]:
    """Ellipses inside one that fills the field of view; the slice's range is about 1."""
    rng = np.random.default_rng(seed)
    ellipses = [Ellipse(0, 0, 0.85, 0.8, 0.3, 0.5)]
    for _ in range(count):
        distance, direction = rng.uniform(0, 0.6), rng.uniform(0, 2 * np.pi)
        place = distance * np.cos(direction), distance * np.sin(direction)
        size = rng.uniform(0.03, 0.22), rng.uniform(0.03, 0.22)
        ellipses.append(Ellipse(*place, *size, rng.uniform(0, np.pi), rng.uniform(-0.3, 0.4)))
    return ellipses


def sinogram(ellipses: list[Ellipse], angles: FloatArray, columns: int, center: float) -> FloatArray:
    """Line integrals, averaged over the width of a detector pixel, (angle, column) float32."""
    edges = (np.arange(columns + 1) - 0.5 - center) / (columns / 2)
    cos, sin = np.cos(angles)[:, None], np.sin(angles)[:, None]
    total = np.zeros((len(angles), columns))
    for e in ellipses:
        reach = np.hypot(e.a * np.cos(angles - e.turn), e.b * np.sin(angles - e.turn))[:, None]
        s = np.clip((edges - e.x * cos - e.y * sin) / reach, -1, 1)
        # Over t, a chord 2 a b sqrt(1 - s²) / reach with s = t / reach integrates to a b (s sqrt(1 - s²) + asin s).
        total += e.value * e.a * e.b * np.diff(s * np.sqrt(1 - s**2) + np.arcsin(s))
    return (total * (columns / 2) ** 2).astype(np.float32)


def awkward_sinograms(angles: FloatArray, columns: int) -> FloatArray:
    """Sinograms (slice, angle, column) float32 that invite a division by zero: constants, negatives, mostly zeros."""
    middle = (columns - 1) / 2
    dot = sinogram([Ellipse(0.3, 0, 0.1, 0.1, 0, 1)], angles, columns, middle)
    spike = np.zeros_like(dot)
    spike[0, columns // 2] = 1
    one = np.ones_like(dot)
    return np.stack([0 * one, one, -one, dot, -dot, 1e-9 * dot, 1e9 * dot, spike])


def truth(ellipses: list[Ellipse], columns: int, samples: int = 4) -> FloatArray:
    """Attenuation averaged over each pixel from ``samples``² points, (y, x) float32."""
    fine = ((np.arange(columns * samples) + 0.5) / samples - columns / 2) / (columns / 2)
    image = np.zeros((len(fine), len(fine)), np.float32)
    for e in ellipses:
        far = max(e.a, e.b)
        rows, cols = (slice(*np.searchsorted(fine, (middle - far, middle + far))) for middle in (-e.y, e.x))
        x, y = fine[None, cols], -fine[rows, None]
        along = (x - e.x) * np.cos(e.turn) + (y - e.y) * np.sin(e.turn)
        across = (y - e.y) * np.cos(e.turn) - (x - e.x) * np.sin(e.turn)
        image[rows, cols] += np.float32(e.value) * ((along / e.a) ** 2 + (across / e.b) ** 2 <= 1)
    return np.asarray(image.reshape(columns, samples, columns, samples).mean((1, 3)))


def within(columns: int, radius: float) -> BoolArray:
    """Mask (y, x) of the pixels nearer to the middle than ``radius``, in units of half the slice's width."""
    place = (np.arange(columns) - (columns - 1) / 2) / (columns / 2)
    return np.asarray(np.hypot(place[:, None], place[None]) < radius)


def psnr(image: FloatArray, reference: FloatArray) -> float:
    """Peak signal-to-noise ratio in dB for a data range of 1 inside 0.94 of the field of view."""
    mask = within(len(reference), 0.94)
    return float(-10 * np.log10(np.mean((image - reference)[mask] ** 2)))
