"""Phantom of a working fuel cell: a foam with a channel that fills with liquid, and a growing bubble."""

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from tomodenoise.common.arrays import FloatArray
from tomodenoise.simulation.phantom import Foam, foam, truth
from tomodenoise.simulation.projection import project

LIQUID = 0.8  # attenuation, relative to twice the matrix
CHANNEL = (0.34, 0.12)  # half length and height, relative to the columns, as are all lengths here
CHANNEL_AT = 0.14  # y of its middle
BUBBLE = (-0.14, -0.2, 0.11)  # x, y and largest radius
GUEST = (0.2, -0.16, 0.04)  # x, y and radius of a sphere that is there in one step only
FINE = 8  # samples per pixel in the projection of a box


class Box(NamedTuple):
    """Block through all rows, in pixels from the axis, y up, with the attenuation that it adds per pixel."""

    x: tuple[float, float]
    y: tuple[float, float]
    attenuation: float


@dataclass(frozen=True)
class Cell:
    """Object at one time."""

    foam: Foam
    boxes: tuple[Box, ...]


@dataclass(frozen=True)
class Plan:
    """Structure of the object and its changes, in time steps."""

    foam: Foam  # static spheres, away from everything that changes
    columns: int
    rows: int
    quiet: float  # time before which nothing moves
    speed: float  # speed of the front, columns per step; the bubble's radius grows at half this speed
    guest: float | None = None  # the only step in which the guest sphere is there; None for no guest

    def front(self, step: float) -> float:
        """Return the position x of the end of the liquid, pixels from the axis."""
        half = CHANNEL[0] * self.columns
        return float(min(half, -0.8 * half + self.speed * max(0.0, step - self.quiet)))

    def at(self, step: float) -> Cell:
        """Return the object at a time."""
        half, height = np.multiply(CHANNEL, self.columns)
        middle = CHANNEL_AT * self.columns
        y = (middle - height / 2, middle + height / 2)
        gas = -self.foam.matrix
        liquid = LIQUID * 2 * self.foam.matrix
        boxes = (Box((-half, half), y, gas), Box((-half, self.front(step)), y, liquid))
        bx, by, largest = np.multiply(BUBBLE, self.columns)
        grown = min(largest, 0.3 * largest + self.speed / 2 * max(0.0, step - self.quiet))
        spheres = [((self.rows - 1) / 2, by, bx, grown, 0.0)]
        if self.guest is not None and self.guest <= step < self.guest + 1:
            gx, gy, radius = np.multiply(GUEST, self.columns)
            spheres.append(((self.rows - 1) / 2, gy, gx, radius, 2 * self.foam.matrix))
        return Cell(_with(self.foam, spheres), boxes)


def plan(
    columns: int,
    rows: int,
    rng: np.random.Generator,
    *,
    quiet: float,
    speed: float,
    absorption: float = 2.0,
    guest: float | None = None,
) -> Plan:
    """Draw an object at random; `absorption` is the line integral across the empty cylinder."""
    drawn = foam((rows, columns), (columns / 128 * 1.5, columns / 128 * 5.0), 0.22, rng)
    half, height = np.multiply(CHANNEL, columns)
    z, y, x = drawn.centers.T
    apart = np.abs(y - CHANNEL_AT * columns) > height / 2 + drawn.radii + 1
    apart |= np.abs(x) > half + drawn.radii + 1
    for cx, cy, radius in (np.multiply(BUBBLE, columns), np.multiply(GUEST, columns)):
        apart &= np.hypot(np.hypot(x - cx, y - cy), z - (rows - 1) / 2) > radius + drawn.radii + 1
    kept = replace(
        drawn, centers=drawn.centers[apart], radii=drawn.radii[apart], attenuations=drawn.attenuations[apart]
    )
    scale = absorption / (2 * drawn.cylinder * drawn.matrix)
    return Plan(kept.scaled(scale), columns, rows, quiet, speed, guest)


def project_cell(cell: Cell, angle: float, center: float, shape: tuple[int, int]) -> FloatArray:
    """Return the line integrals (rows, columns) at an angle in radians; exact for spheres, boxes finely sampled."""
    image = project(cell.foam, angle, center, shape)
    t = (np.arange(shape[1] * FINE) + 0.5) / FINE - 0.5 - center
    for box in cell.boxes:
        image += _shadow(box, angle, t).reshape(-1, FINE).mean(axis=1)
    return image


def true_slices(cell: Cell, size: int, rows: range) -> FloatArray:
    """Return the attenuation (len(rows), size, size) of each voxel, float32; axis at (size - 1) / 2, y up."""
    volume = truth(cell.foam, size, rows)
    edges = np.arange(size + 1) - size / 2
    for box in cell.boxes:
        x, y = (np.diff(np.clip(edges, *side)) for side in (box.x, box.y))
        volume += np.float32(box.attenuation) * np.outer(y[::-1], x).astype(np.float32)
    return volume


def _shadow(box: Box, angle: float, t: FloatArray) -> FloatArray:
    """Return the line integral through a rectangle at distances t from the axis: a trapezoid of the box's area."""
    width = box.x[1] - box.x[0]
    height = box.y[1] - box.y[0]
    middle = np.cos(angle) * sum(box.x) / 2 + np.sin(angle) * sum(box.y) / 2
    a = abs(width * np.cos(angle))
    b = abs(height * np.sin(angle))
    outer, inner = (a + b) / 2, abs(a - b) / 2
    rise = np.clip((outer - np.abs(t - middle)) / max(outer - inner, 1e-9), 0, 1)
    return np.asarray(box.attenuation * rise * width * height / max(a, b, 1e-9))


def _with(static: Foam, spheres: list[tuple[float, float, float, float, float]]) -> Foam:
    added = np.array(spheres)
    return replace(
        static,
        centers=np.concatenate([static.centers, added[:, :3]]),
        radii=np.concatenate([static.radii, added[:, 3]]),
        attenuations=np.concatenate([static.attenuations, added[:, 4]]),
    )
