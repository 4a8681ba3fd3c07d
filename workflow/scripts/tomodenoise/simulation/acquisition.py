"""Acquisition of a scan, one frame at a time: darks, flats, projections, flats again."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from tomodenoise.common.arrays import FloatArray, IntArray
from tomodenoise.common.errors import UserError
from tomodenoise.simulation.detector import Detector, dead_columns, dose, expose, flatfield, stripe_gain
from tomodenoise.simulation.phantom import Foam
from tomodenoise.simulation.projection import project
from tomodenoise.simulation.propagation import propagate, reach, spread

PROJECTION, FLAT, DARK = 0, 1, 2  # the NXtomo image keys
GOLDEN = (np.sqrt(5) - 1) / 2

Order: TypeAlias = Literal["sequential", "golden"]
Frame: TypeAlias = NDArray[np.uint16]


@dataclass(frozen=True)
class Scan:
    """Plan of a scan; half of the flats are taken before the projections and half after them."""

    columns: int = field(default=256, metadata={"help": "detector columns"})
    rows: int = field(default=24, metadata={"help": "detector rows"})
    angles: int = field(default=512, metadata={"help": "number of projections"})
    span: float = field(default=180.0, metadata={"help": "degrees"})
    order: Order = field(default="sequential", metadata={"help": "sequential or golden"})
    center: float | None = field(default=None, metadata={"help": "column of the axis; default: 3.4 in 256 off-centre"})
    tilt: float = field(default=0.0, metadata={"help": "columns that the axis moves per row, about the middle row"})
    flats: int = field(default=60, metadata={"help": "number of flats"})
    darks: int = field(default=20, metadata={"help": "number of darks"})
    pixel_size: float = field(default=1.0, metadata={"help": "micrometre"})
    distance: float = field(default=0.0, metadata={"help": "from sample to detector, metre; 0 makes no phase contrast"})
    energy: float = field(default=20.0, metadata={"help": "keV"})
    delta_beta: float = field(default=0.0, metadata={"help": "of the sample's refractive index 1 - delta + i beta"})

    @property
    def axis(self) -> float:
        """Column of the rotation axis, in pixels from the middle of column 0."""
        return (self.columns - 1) / 2 + 3.4 / 256 * self.columns if self.center is None else self.center


def rotation_angles(scan: Scan) -> FloatArray:
    """Return the angle of each projection in order of time, (angles,) float64, degrees, first 0.

    Golden angles are multiples of the span times 0.618...: any run of them covers the span nearly evenly
    [Koehler 2004].

    Raises
    ------
    UserError
        If the order is unknown.
    """
    number = np.arange(scan.angles)
    if scan.order == "golden":
        return np.asarray(scan.span * (number * GOLDEN % 1))
    if scan.order == "sequential":
        return np.asarray(scan.span * (number / scan.angles))
    raise UserError(f"order {scan.order!r} is unknown: choose sequential or golden")


def image_keys(scan: Scan) -> IntArray:
    """Return the kind of each frame in order of time: 0 projection, 1 flat, 2 dark."""
    kinds = [DARK, FLAT, PROJECTION, FLAT]
    return np.repeat(kinds, [scan.darks, scan.flats // 2, scan.angles, scan.flats - scan.flats // 2])


def acquire(sample: Foam, scan: Scan, detector: Detector, rng: np.random.Generator) -> Iterator[Frame]:
    """Yield the frames of a scan in order of time, (rows, columns) uint16 counts; kinds as in `image_keys`."""
    return record(image_keys(scan), _transmissions(sample, scan), (scan.rows, scan.columns), detector, rng)


def record(
    keys: IntArray,
    transmissions: Iterator[FloatArray],
    shape: tuple[int, int],
    detector: Detector,
    rng: np.random.Generator,
) -> Iterator[Frame]:
    """Yield frames (rows, columns) in order of time, uint16 counts; one frame is in memory at a time.

    The beam changes linearly from the first flat to the last. Each frame has its own random stream.

    Parameters
    ----------
    keys : kind of each frame, darks first, see `image_keys`.
    transmissions : of the projections, in order of time.
    """
    pattern_rng, *streams = rng.spawn(1 + len(keys))
    columns = shape[1]
    beam = detector.photons * flatfield(shape, pattern_rng)
    gain = stripe_gain(detector, columns, pattern_rng)
    dead, stuck = dead_columns(detector, columns, pattern_rng)
    darks = int((keys == DARK).sum())
    light: FloatArray = np.zeros(shape)
    for number, (key, stream) in enumerate(zip(keys, streams, strict=True)):
        drift = 1 + detector.drift * (number - darks) / max(1, len(keys) - darks - 1)
        transmission = next(transmissions) if key == PROJECTION else np.float64(key == FLAT)
        moment = drift * dose(detector, columns, stream.spawn(1)[0])
        frame, light = expose(
            detector, beam * moment * transmission, light, gain if key == PROJECTION else np.ones(1), stream
        )
        if key == PROJECTION:
            frame[:, dead] = stuck
        yield frame


def _transmissions(sample: Foam, scan: Scan) -> Iterator[FloatArray]:
    """Yield the intensity behind the sample relative to the beam for each projection, diffraction included."""
    fresnel = spread(scan.energy, scan.distance, scan.pixel_size)
    margin = reach(fresnel)
    shape = (scan.rows + 2 * margin, scan.columns + 2 * margin)
    core = slice(margin, -margin or None)
    shifted = replace(sample, centers=sample.centers + np.array([margin, 0, 0]))
    for angle in np.deg2rad(rotation_angles(scan)):
        integrals = project(shifted, angle, scan.axis + margin, shape, scan.tilt)
        yield propagate(integrals, scan.delta_beta, fresnel)[core, core]
