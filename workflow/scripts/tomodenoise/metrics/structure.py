"""Structure beyond noise in an image: agreement of two halves of the data, rings about the axis, lines along edges."""

import math
from dataclasses import dataclass

import numpy as np
from scipy.ndimage import distance_transform_edt, gaussian_filter, gaussian_gradient_magnitude, map_coordinates

from tomodenoise.common.arrays import BoolArray, FloatArray, IntArray

SMOOTH = 2.0
"""Pixels, standard deviation of the Gaussian that suppresses most noise before images are compared."""

SEEN = 0.1
"""Least variance of the sample, as a fraction of the variance of the smoothed noise."""

SECTORS = 8
"""Arcs per ring, as rings may be partial."""

INNER = 4.0
"""Pixels from the axis within which arcs are too short."""

SHORTEST = 8
"""Least number of pixels of an arc."""

STEEP = 0.05
"""Fraction of the pixels, those with the steepest gradient, that count as edges."""

REACH = 8
"""Pixels on both sides along an edge over which an image is averaged."""

POINTS = 6000
"""Largest number of edge pixels per slice that are evaluated."""

FEWEST_ARCS, FEWEST_POINTS = 100, 400
CLEAR = 1.5
"""Multiple of the energy of noise in arcs or lines above which there is more than noise."""


@dataclass(frozen=True)
class Agreement:
    """Agreement of two independent measurements after smoothing, in units of the image squared."""

    shared: float
    """Covariance within slices, which is the variance of the sample."""
    noise: float
    """Noise variance of the mean of both."""
    pixels: float
    """Number of independent pixels."""

    @property
    def holds_sample(self) -> bool:
        """True if the sample exceeds a tenth of the noise variance, and the correlation three standard errors."""
        if self.shared <= SEEN * self.noise or self.pixels <= 3:
            return False
        correlation = min(self.shared / (self.shared + 2 * self.noise), 1 - 1e-12)
        return math.atanh(correlation) > 3 / math.sqrt(self.pixels - 3)


def agreement(first: FloatArray, second: FloatArray, mask: BoolArray) -> Agreement:
    """Compare two images (z, y, x) within a mask (y, x); all values are 0 if the mask or the images are empty.

    Notes
    -----
    The inverse hyperbolic tangent of a correlation has a standard error of 1 / √(n - 3) [Fisher, Metron 1, 3 (1921)].
    Products of two smoothed images are correlated over about 2π SMOOTH² pixels, which count as one.
    """
    count = len(first) * int(mask.sum())
    if not count:
        return Agreement(0.0, 0.0, 0.0)
    shared = noise = 0.0
    for pair in zip(first, second, strict=True):
        a, b = (gaussian_filter(image, SMOOTH)[mask].astype(float) for image in pair)
        a = a - a.mean()
        b = b - b.mean()
        shared += float(a @ b) / count
        noise += float((a - b) @ (a - b)) / 4 / count
    return Agreement(shared, noise, count / (2 * np.pi * SMOOTH**2))


def rings(image: FloatArray, noise: FloatArray, shown: FloatArray, mask: BoolArray) -> float | None:
    """Return the fraction of the variance of an image in arcs about the axis, in excess of noise.

    Parameters
    ----------
    image, noise : (z, y, x) with the axis in the middle of (y, x); the latter is pure noise.
    shown : (z, y, x), of which only the flatter half counts, as structure lost at its edges is not a ring.
    mask : (y, x).

    Returns
    -------
    0 unless the fraction exceeds 1.5 times that of noise; None if there are too few arcs.
    """
    if not mask.any():
        return None
    arcs = 0
    energy = np.zeros(2)
    power = np.zeros(2)
    for plane, *both in zip(shown, image, noise, strict=True):
        gradient = gaussian_gradient_magnitude(plane, SMOOTH)
        label = np.where(gradient <= np.median(gradient[mask]), _arcs(mask), 0)
        inside = label > 0
        count = np.bincount(label[inside], minlength=1)
        long = count >= SHORTEST
        kept = long[label] & inside
        arcs += int(long.sum())
        for number, values in enumerate(both):
            sums = np.bincount(label[inside], values[inside], minlength=1)[long]
            energy[number] += np.sum(sums**2 / count[long])
            power[number] += np.sum(values[kept].astype(float) ** 2)
    return None if arcs < FEWEST_ARCS else _excess(energy, power)


def lines(image: FloatArray, noise: FloatArray, shown: FloatArray, mask: BoolArray) -> float | None:
    """Return the fraction of the variance of an image in lines along the edges of another one, in excess of noise.

    The image is averaged along the edge over 8 pixels on both sides, which suppresses noise but not a line.

    Parameters
    ----------
    image, noise : (z, y, x), as for `rings`.
    shown : (z, y, x), the image with the edges.
    mask : (y, x).

    Returns
    -------
    0 unless the fraction exceeds 1.5 times that of noise; None if there are too few edge pixels.
    """
    inside = distance_transform_edt(np.pad(mask, 1))[1:-1, 1:-1] > REACH
    if len(image) * STEEP * inside.sum() < FEWEST_POINTS:
        return None
    averages: list[list[FloatArray]] = [[], []]
    for z, plane in enumerate(shown):
        points = _along_edges(plane, inside)
        for of_image, images in zip(averages, (image, noise), strict=True):
            of_image.append(map_coordinates(images[z], points, order=1).mean(axis=1, dtype=float))
    line, line_of_noise = (np.concatenate(of_image) for of_image in averages)
    if not len(line):
        return None
    energy = np.array([np.mean(line**2), np.mean(line_of_noise**2)])
    return _excess(energy, np.array([np.mean(images[:, mask].astype(float) ** 2) for images in (image, noise)]))


def _excess(energy: FloatArray, power: FloatArray) -> float:
    """Return the fraction of energy in power in excess of noise, each (2,) of image and noise; 0 if not significant."""
    image, noise = np.divide(energy, power, out=np.zeros(2), where=power > 0)
    return float(image - noise) if image > CLEAR * noise else 0.0


def _arcs(mask: BoolArray) -> IntArray:
    """Return the label (y, x) of the arc of each pixel of the mask, one pixel wide; 0 outside."""
    y, x = (np.arange(size) - (size - 1) / 2 for size in mask.shape)
    radius = np.hypot(y[:, None], x)
    angle = np.arctan2(y[:, None], x) / (2 * np.pi) + 0.5
    label = 1 + radius.astype(int) * SECTORS + np.minimum((angle * SECTORS).astype(int), SECTORS - 1)
    return np.where(mask & (radius > INNER), label, 0)


def _along_edges(image: FloatArray, inside: BoolArray) -> FloatArray:
    """Return points (2, edge, offset) along the edges of a slice."""
    gradient = np.stack([gaussian_filter(image, SMOOTH, order=order) for order in ((1, 0), (0, 1))]).astype(float)
    size = np.hypot(*gradient)
    places = np.argwhere(inside & (size >= np.quantile(size[inside], 1 - STEEP)) & (size > 0))
    places = places[:: -(-len(places) // POINTS) or 1]
    across = gradient[:, places[:, 0], places[:, 1]] / size[places[:, 0], places[:, 1]]
    along = np.stack([-across[1], across[0]])
    return np.asarray(places.T[:, :, None] + along[:, :, None] * np.arange(-REACH, REACH + 1))
