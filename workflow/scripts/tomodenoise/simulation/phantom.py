"""Foam of spheres inside a cylinder: its geometry, and the true volume on a voxel grid."""

from dataclasses import dataclass, replace

import numpy as np
from scipy.spatial import cKDTree

from tomodenoise.common.arrays import BoolArray, FloatArray
from tomodenoise.common.errors import UserError

MATRIX = 0.5
INCLUSIONS = (0.0, 0.4, 0.6, 0.7, 1.0)
CYLINDER = 0.44  # radius, relative to the detector's columns
SUPERSAMPLING = 4
PLACEMENT_ROUNDS = 5000
BATCHES = 20


@dataclass(frozen=True, eq=False)
class Foam:
    """Spheres in an infinite cylinder, without contact to each other or to its side; lengths in pixels.

    The cylinder's axis is the rotation axis. Inside a sphere its attenuation replaces the cylinder's.
    """

    cylinder: float  # radius
    matrix: float  # attenuation of the cylinder per pixel
    centers: FloatArray  # (n, 3): z from the middle of row 0; x and y from the axis, x right, y up
    radii: FloatArray  # (n,)
    attenuations: FloatArray  # (n,) per pixel

    def scaled(self, factor: float) -> "Foam":
        """Return the same geometry with all attenuations multiplied."""
        return replace(self, matrix=self.matrix * factor, attenuations=self.attenuations * factor)


def foam(
    shape: tuple[int, int],
    radii: tuple[float, float],
    fill: float,
    rng: np.random.Generator,
    cylinder: float = CYLINDER,
) -> Foam:
    """Draw a foam in relative attenuation (matrix 0.5, largest 1), by default within the field of view.

    Parameters
    ----------
    shape : (rows, columns) of the detector.
    radii : smallest and largest radius of the spheres in pixels; the others are evenly spaced between them.
    fill : volume of the spheres over the volume of the cylinder, below about 0.35.
    cylinder : its radius relative to the columns; above 0.5 the detector sees a region of interest.

    Raises
    ------
    UserError
        If `fill` is too high for random placement.
    """
    rows, columns = shape
    radius = cylinder * columns
    small, large = radii
    mean_cube = (small + large) * (small**2 + large**2) / 4
    count = round(fill * rows * radius**2 / (4 / 3 * mean_cube))
    drawn = np.linspace(large, small, count)
    centers = _place(drawn, radius, rows, rng)
    return Foam(radius, MATRIX, centers, drawn, rng.choice(INCLUSIONS, count))


def _place(radii: FloatArray, cylinder: float, rows: int, rng: np.random.Generator) -> FloatArray:
    """Find places without overlap by random sequential adsorption, largest first, in batches."""
    batch = len(radii) // BATCHES + 1
    placed = np.zeros(radii.shape, bool)
    centers = np.empty((*radii.shape, 3))
    for _ in range(PLACEMENT_ROUNDS):
        if placed.all():
            return centers
        dropped = np.flatnonzero(~placed)[:batch]
        order = np.concatenate([np.flatnonzero(placed), dropped])
        centers[dropped] = _uniform(cylinder - radii[dropped], rows, rng)
        pairs = cKDTree(centers[order]).query_pairs(2 * radii.max(), output_type="ndarray")
        first, second = order[pairs[:, 0]], order[pairs[:, 1]]
        distance = np.linalg.norm(centers[first] - centers[second], axis=1)
        placed[dropped] = True
        placed[second[distance < radii[first] + radii[second]]] = False
    raise UserError(f"no room for {len(radii)} spheres after {PLACEMENT_ROUNDS} rounds: lower the fill")


def _uniform(reach: FloatArray, rows: int, rng: np.random.Generator) -> FloatArray:
    """Draw one place (z, y, x) in each cylinder of radius `reach`."""
    polar = reach * np.sqrt(rng.random(reach.shape))
    azimuth = rng.uniform(0, 2 * np.pi, reach.shape)
    z = rng.uniform(-0.5, rows - 0.5, reach.shape)
    return np.stack([z, polar * np.sin(azimuth), polar * np.cos(azimuth)], axis=1)


def truth(foam: Foam, size: int, rows: range) -> FloatArray:
    """Sample the foam on voxels, each the mean of 4 x 4 x 4 points.

    Returns
    -------
    (len(rows), size, size) float32, attenuation per pixel; axis at index (size - 1) / 2, y up.
    """
    middle = (size - 1) / 2
    y = middle - _points(0, size)
    x = _points(0, size) - middle
    disc = _coverage(np.hypot(y[:, None], x)[None] < foam.cylinder, depth=1)
    volume = np.repeat(np.float32(foam.matrix) * disc, len(rows), axis=0)
    for center, radius, attenuation in zip(foam.centers, foam.radii, foam.attenuations, strict=True):
        z0, z1 = _span(center[0] - rows.start, radius, len(rows))
        i0, i1 = _span(middle - center[1], radius, size)
        j0, j1 = _span(middle + center[2], radius, size)
        dz = _points(z0 + rows.start, z1 + rows.start) - center[0]
        dy, dx = middle - _points(i0, i1) - center[1], _points(j0, j1) - middle - center[2]
        inside = dz[:, None, None] ** 2 + dy[:, None] ** 2 + dx**2 < radius**2
        volume[z0:z1, i0:i1, j0:j1] += np.float32(attenuation - foam.matrix) * _coverage(inside)
    return volume


def _points(start: int, stop: int) -> FloatArray:
    """Return the sample points of the voxels `start` to `stop` along one direction."""
    return (np.arange(start * SUPERSAMPLING, stop * SUPERSAMPLING) + 0.5) / SUPERSAMPLING - 0.5


def _span(center: float, radius: float, size: int) -> tuple[int, int]:
    """Return the voxels [start, stop) that a sphere touches, within the volume."""
    first = np.floor(center - radius + 0.5)
    last = np.floor(center + radius + 0.5)
    start = int(np.clip(first, 0, size))
    return start, int(np.clip(last + 1, start, size))


def _coverage(inside: BoolArray, depth: int = SUPERSAMPLING) -> FloatArray:
    """Return the share of each voxel's points that lie inside."""
    z, y, x = inside.shape
    points = inside.reshape(z // depth, depth, y // SUPERSAMPLING, SUPERSAMPLING, x // SUPERSAMPLING, SUPERSAMPLING)
    return np.asarray(points.mean(axis=(1, 3, 5), dtype=np.float32))
