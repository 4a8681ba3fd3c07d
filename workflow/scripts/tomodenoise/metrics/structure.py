"""Whether an image shows more than noise: what halves of the data have in common, rings about the axis, edges."""

import math
from dataclasses import dataclass

import numpy as np
from scipy.ndimage import distance_transform_edt, gaussian_filter, gaussian_gradient_magnitude, map_coordinates

from tomodenoise.common.arrays import BoolArray, FloatArray, IntArray

SMOOTH = 2.0
"""Pixels, deviation of the Gaussian that smooths images before they are compared: it takes most noise away."""

SEEN = 0.1
"""Share of the smoothed noise's variance that the sample's must exceed at least."""

SECTORS = 8
"""Arcs of a ring: rings may be partial."""

INNER = 4.0
"""Pixels from the axis within which arcs are too short."""

SHORTEST = 8
"""Pixels of an arc."""

STEEP = 0.05
"""Part of the pixels, those of the steepest gradient, that count as edges."""

REACH = 8
"""Pixels to both sides along an edge that are averaged."""

POINTS = 6000
"""Edge pixels of a slice that are looked at, at most."""

FEWEST_ARCS, FEWEST_POINTS = 100, 400
CLEAR = 1.5
"""Of the energy that noise has in arcs or lines, the multiple from which on there is more than noise."""


@dataclass(frozen=True)
class Agreement:
    """What two independent measurements of the same have in common, after smoothing; in units of the image squared."""

    shared: float
    """Covariance within slices: the variance of the sample."""
    noise: float
    """Variance of the noise of their mean."""
    pixels: float
    """Independent pixels."""

    @property
    def holds_sample(self) -> bool:
        """Whether they show more than noise: a tenth of its variance, and a correlation of three standard errors."""
        if self.shared <= SEEN * self.noise or self.pixels <= 3:
            return False
        correlation = min(self.shared / (self.shared + 2 * self.noise), 1 - 1e-12)
        return math.atanh(correlation) > 3 / math.sqrt(self.pixels - 3)


def agreement(first: FloatArray, second: FloatArray, mask: BoolArray) -> Agreement:
    """Compare two images (z, y, x) within a mask (y, x): all zero where nothing is left to compare.

    Notes
    -----
    The area hyperbolic tangent of a correlation has a standard error of 1 / √(n - 3) [Fisher, Metron 1, 3 (1921)].
    Products of two smoothed images are alike within about 2π SMOOTH² pixels, which count as one.
    """
    count = len(first) * int(mask.sum())
    if not count:
        return Agreement(0.0, 0.0, 0.0)
    shared = noise = 0.0
    for pair in zip(first, second, strict=True):
        a, b = (gaussian_filter(image, SMOOTH)[mask].astype(float) for image in pair)
        a, b = a - a.mean(), b - b.mean()
        shared += float(a @ b) / count
        noise += float((a - b) @ (a - b)) / 4 / count
    return Agreement(shared, noise, count / (2 * np.pi * SMOOTH**2))


def rings(image: FloatArray, noise: FloatArray, shown: FloatArray, mask: BoolArray) -> float | None:
    """Share of an image's variance that lies in arcs about the axis, beyond what noise has there.

    Parameters
    ----------
    image, noise : (z, y, x), the axis in the middle of (y, x); the latter is a sample of pure noise.
    shown : (z, y, x), of which only the flatter half counts: what is lost at its edges is no ring.
    mask : (y, x).

    Returns
    -------
    0 where it is no more than half as much again as noise has; None where there are too few arcs to tell.
    """
    if not mask.any():
        return None
    arcs = 0
    energy, power = np.zeros(2), np.zeros(2)
    for each, *both in zip(shown, image, noise, strict=True):
        steep = gaussian_gradient_magnitude(each, SMOOTH)
        label = np.where(steep <= np.median(steep[mask]), _arcs(mask), 0)
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
    """Share of an image's variance that lies in lines along the edges of another one, beyond what noise has there.

    Parameters
    ----------
    image, noise : (z, y, x), as for `rings`.
    shown : (z, y, x), the image whose edges are looked at.
    mask : (y, x).

    Returns
    -------
    As `rings`. An image is averaged along the edge, 8 pixels to both sides, which takes its noise away but no line.
    """
    inside = distance_transform_edt(np.pad(mask, 1))[1:-1, 1:-1] > REACH
    if len(image) * STEEP * inside.sum() < FEWEST_POINTS:
        return None
    found: list[list[FloatArray]] = [[], []]
    for z, each in enumerate(shown):
        points = _along_edges(each, inside)
        for averages, images in zip(found, (image, noise), strict=True):
            averages.append(map_coordinates(images[z], points, order=1).mean(axis=1, dtype=float))
    line, line_of_noise = (np.concatenate(averages) for averages in found)
    if not len(line):
        return None
    energy = np.array([np.mean(line**2), np.mean(line_of_noise**2)])
    return _excess(energy, np.array([np.mean(images[:, mask].astype(float) ** 2) for images in (image, noise)]))


def _excess(energy: FloatArray, power: FloatArray) -> float:
    """Share of energy in power beyond that of noise, each (2,) of the image and of noise; 0 where it is not clear."""
    share, usual = np.divide(energy, power, out=np.zeros(2), where=power > 0)
    return float(share - usual) if share > CLEAR * usual else 0.0


def _arcs(mask: BoolArray) -> IntArray:
    """Label (y, x) of the arc that a pixel of the mask lies in, one pixel wide; 0 outside of it."""
    y, x = (np.arange(size) - (size - 1) / 2 for size in mask.shape)
    radius = np.hypot(y[:, None], x)
    angle = np.arctan2(y[:, None], x) / (2 * np.pi) + 0.5
    label = 1 + radius.astype(int) * SECTORS + np.minimum((angle * SECTORS).astype(int), SECTORS - 1)
    return np.where(mask & (radius > INNER), label, 0)


def _along_edges(image: FloatArray, inside: BoolArray) -> FloatArray:
    """Points (2, edge, offset) along the edges of a slice."""
    gradient = np.stack([gaussian_filter(image, SMOOTH, order=order) for order in ((1, 0), (0, 1))]).astype(float)
    size = np.hypot(*gradient)
    places = np.argwhere(inside & (size >= np.quantile(size[inside], 1 - STEEP)) & (size > 0))
    places = places[:: -(-len(places) // POINTS) or 1]
    across = gradient[:, places[:, 0], places[:, 1]] / size[places[:, 0], places[:, 1]]
    along = np.stack([-across[1], across[0]])
    return np.asarray(places.T[:, :, None] + along[:, :, None] * np.arange(-REACH, REACH + 1))
