"""Exact line integrals of a foam, averaged over the area of each detector pixel.

A foam is never sampled on a grid, so reconstructing its projections is no inverse crime.
"""

from collections.abc import Iterator

import numpy as np

from tomodenoise.common.arrays import BoolArray, FloatArray, IntArray
from tomodenoise.simulation.phantom import Foam

BATCH = 2**17  # pixel corners processed at once, which fit the cache
PROBES = 64


def project(foam: Foam, angle: float, center: float, shape: tuple[int, int], tilt: float = 0.0) -> FloatArray:
    """Project a foam at one angle: a point (x, y) falls on the column center + x cos(angle) + y sin(angle).

    Parameters
    ----------
    foam : lengths in pixels, attenuation per pixel.
    angle : radians.
    center : column of the rotation axis, from the middle of column 0.
    shape : (rows, columns) of the detector.
    tilt : columns that the axis moves to the right per row; it turns about the middle row, where it is at `center`.

    Returns
    -------
    (rows, columns) float64, the mean line integral over each pixel; through the cylinder, that at the middle of the
    row.
    """
    middle = (shape[0] - 1) / 2
    cosine = 1 / np.hypot(1, tilt)
    axis = center + tilt * (np.arange(shape[0]) - middle)
    edges = (np.arange(shape[1] + 1) - 0.5 - axis[:, None]) * cosine
    image: FloatArray = foam.matrix * np.diff(_disc_area(edges, foam.cylinder)) / cosine
    along = foam.centers[:, 0] - middle
    across = foam.centers[:, 2] * np.cos(angle) + foam.centers[:, 1] * np.sin(angle)
    rows, columns = middle + cosine * (along - tilt * across), center + cosine * (across + tilt * along)
    _add_spheres(image, rows, columns, foam.radii, foam.attenuations - foam.matrix)
    return image


def absorb(foam: Foam, largest: float, center: float, shape: tuple[int, int]) -> Foam:
    """Scale a foam to a largest line integral, measured at 64 angles over half a turn."""
    angles = np.arange(PROBES) * np.pi / PROBES
    return foam.scaled(largest / max(project(foam, angle, center, shape).max() for angle in angles))


def _disc_area(t: FloatArray, radius: float) -> FloatArray:
    """Return the area of a disc between its centre and the chord at `t`: the antiderivative of the chord length."""
    u = np.clip(t / radius, -1, 1)
    return np.asarray(radius**2 * (u * np.sqrt(1 - u**2) + np.arcsin(u)))


def _ball_volume(t: FloatArray, z: FloatArray) -> FloatArray:
    """Return the volume of the unit ball over the rectangle from (0, 0) to (t, z), negative where t z < 0."""
    # Differentiated by t and z it is the chord 2 s. Outside of the ball's shadow s = 0, and t and z are clipped.
    t = np.clip(t, -1, 1)
    z = np.clip(z, -1, 1)
    s = np.sqrt(np.maximum(1 - t**2 - z**2, 0))
    arcs = t * (3 - t**2) * np.arctan2(z, s) + z * (3 - z**2) * np.arctan2(t, s)
    return np.asarray((2 * t * z * s + arcs - 2 * np.arctan2(t * z, s)) / 3)


def _add_spheres(image: FloatArray, z: FloatArray, t: FloatArray, radii: FloatArray, values: FloatArray) -> None:
    """Add the projections of spheres at rows `z` and columns `t` in place, only on the pixels that each touches."""
    reach = np.ceil(2 * radii).astype(int) + 1
    rows = np.floor(z - radii + 0.5).astype(int)
    columns = np.floor(t - radii + 0.5).astype(int)
    margin = int(reach.max(initial=0))
    padded = np.zeros([size + 2 * margin for size in image.shape])
    seen = (rows + reach > 0) & (rows < image.shape[0]) & (columns + reach > 0) & (columns < image.shape[1])
    for width, group in _batches(reach, seen):
        scale = radii[group, None]
        offsets = np.arange(width + 1) - 0.5
        corner_z = (rows[group, None] + offsets - z[group, None]) / scale
        corner_t = (columns[group, None] + offsets - t[group, None]) / scale
        volume = _ball_volume(corner_t[:, None, :], corner_z[:, :, None])
        shadow = np.diff(np.diff(volume, axis=1), axis=2) * (values[group] * radii[group] ** 3)[:, None, None]
        pixels = np.arange(width) + margin
        place = (rows[group, None] + pixels)[:, :, None], (columns[group, None] + pixels)[:, None, :]
        np.add.at(padded, place, shadow)
    image += padded[margin : margin + image.shape[0], margin : margin + image.shape[1]]


def _batches(reach: IntArray, seen: BoolArray) -> Iterator[tuple[int, IntArray]]:
    """Yield indices of visible spheres whose projections fit the same square of pixels, few enough for the cache."""
    for width in np.unique(reach[seen]):
        members = np.flatnonzero(seen & (reach == width))
        step = max(1, BATCH // int(width + 1) ** 2)
        for start in range(0, len(members), step):
            yield int(width), members[start : start + step]
