"""Acquisition of a scan, one frame at a time: darks, flats, projections, flats again."""

from collections.abc import Callable, Iterator
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

Order: TypeAlias = Literal["sequential", "interlaced", "golden"]
Phantom: TypeAlias = Callable[[float], Foam]  # of the time: 0 at the first projection, 1 at the last
Frame: TypeAlias = NDArray[np.uint16]


@dataclass(frozen=True)
class Scan:
    """Plan of a scan; half of the flats are taken before the projections and half after them."""

    columns: int = field(default=256, metadata={"help": "detector columns"})
    rows: int = field(default=24, metadata={"help": "detector rows"})
    angles: int = field(default=512, metadata={"help": "number of projections"})
    span: float = field(default=180.0, metadata={"help": "degrees of one turn"})
    order: Order = field(default="sequential", metadata={"help": "sequential, interlaced or golden"})
    turns: int = field(default=1, metadata={"help": "turns that share the angles, each a time step"})
    center: float | None = field(default=None, metadata={"help": "column of the axis; default: 3.4 in 256 off-centre"})
    tilt: float = field(default=0.0, metadata={"help": "columns that the axis moves per row, about the middle row"})
    flats: int = field(default=60, metadata={"help": "number of flats"})
    darks: int = field(default=20, metadata={"help": "number of darks"})
    channels: tuple[float, ...] = field(default=(), metadata={"help": "attenuation of each channel, relative"})
    pixel_size: float = field(default=1.0, metadata={"help": "micrometre"})
    distance: float = field(default=0.0, metadata={"help": "from sample to detector, metre; 0 makes no phase contrast"})
    energy: float = field(default=20.0, metadata={"help": "keV"})
    delta_beta: float = field(default=0.0, metadata={"help": "of the sample's refractive index 1 - delta + i beta"})

    @property
    def axis(self) -> float:
        """Column of the rotation axis, in pixels from the middle of column 0."""
        return (self.columns - 1) / 2 + 3.4 / 256 * self.columns if self.center is None else self.center

    @property
    def frame_shape(self) -> tuple[int, ...]:
        """Return (rows, columns), after the number of channels where there are any."""
        return (*((len(self.channels),) if self.channels else ()), self.rows, self.columns)


def rotation_angles(scan: Scan) -> FloatArray:
    """Return the angle of each projection in order of time, (angles,) float64, degrees, first 0.

    Sequential turns repeat the same angles. Interlaced turns are shifted against each other so that together they
    cover the span evenly, consecutive ones as far apart as can be (bit-reversed order). Golden angles are
    multiples of the span times 0.618...: any run of them covers the span nearly evenly [Koehler 2004].

    Raises
    ------
    UserError
        If the angles do not divide evenly into turns, or the order is unknown.
    """
    if scan.angles % scan.turns:
        raise UserError(f"{scan.angles} angles do not divide evenly into {scan.turns} turns: change one of the two")
    number = np.arange(scan.angles)
    per_turn = scan.angles // scan.turns
    turn, position = np.divmod(number, per_turn)
    match scan.order:
        case "golden":
            turns = number * GOLDEN % 1
        case "sequential":
            turns = turn + position / per_turn
        case "interlaced":
            turns = turn + (position + _bit_reversed(scan.turns)[turn] / scan.turns) / per_turn
        case _:
            raise UserError(f"order {scan.order!r} is unknown: choose sequential, interlaced or golden")
    return np.asarray(scan.span * turns)


def _bit_reversed(count: int) -> IntArray:
    """Return 0 ... count - 1 ordered by their reversed binary digits."""
    bits = max(1, (count - 1).bit_length())
    return np.array(sorted(range(count), key=lambda number: f"{number:0{bits}b}"[::-1]))


def image_keys(scan: Scan) -> IntArray:
    """Return the kind of each frame in order of time: 0 projection, 1 flat, 2 dark."""
    kinds = [DARK, FLAT, PROJECTION, FLAT]
    return np.repeat(kinds, [scan.darks, scan.flats // 2, scan.angles, scan.flats - scan.flats // 2])


def acquire(phantom: Phantom, scan: Scan, detector: Detector, rng: np.random.Generator) -> Iterator[Frame]:
    """Yield the frames of a scan in order of time, `scan.frame_shape`, uint16 counts; kinds as in `image_keys`."""
    return record(image_keys(scan), _transmissions(phantom, scan), scan.frame_shape, detector, rng)


def record(
    keys: IntArray,
    transmissions: Iterator[FloatArray],
    shape: tuple[int, ...],
    detector: Detector,
    rng: np.random.Generator,
) -> Iterator[Frame]:
    """Yield frames (..., rows, columns) in order of time, uint16 counts; one frame is in memory at a time.

    The beam changes linearly from the first flat to the last. Each frame has its own random stream.

    Parameters
    ----------
    keys : kind of each frame, darks first, see `image_keys`.
    transmissions : of the projections, in order of time.
    """
    pattern_rng, *streams = rng.spawn(1 + len(keys))
    columns = shape[-1]
    beam = detector.photons * flatfield((shape[-2], columns), pattern_rng)
    gain = stripe_gain(detector, columns, pattern_rng)
    dead, stuck = dead_columns(detector, columns, pattern_rng)
    darks = int((keys == DARK).sum())
    light: FloatArray = np.zeros(shape)
    for number, (key, stream) in enumerate(zip(keys, streams, strict=True)):
        drift = 1 + detector.drift * (number - darks) / max(1, len(keys) - darks - 1)
        transmission = next(transmissions) if key == PROJECTION else np.float64(key == FLAT)
        moment = drift * dose(detector, columns, stream.spawn(1)[0])
        expected = np.broadcast_to(beam * moment * transmission, shape)
        frame, light = expose(detector, expected, light, gain if key == PROJECTION else np.ones(1), stream)
        if key == PROJECTION:
            frame[..., dead] = stuck
        yield frame


def _transmissions(phantom: Phantom, scan: Scan) -> Iterator[FloatArray]:
    """Yield the intensity behind the sample relative to the beam for each projection, diffraction included."""
    contrast = np.reshape(scan.channels or 1.0, (-1, 1, 1) if scan.channels else ())
    fresnel = spread(scan.energy, scan.distance, scan.pixel_size)
    margin = reach(fresnel)
    shape = (scan.rows + 2 * margin, scan.columns + 2 * margin)
    core = slice(margin, -margin or None)
    for number, angle in enumerate(np.deg2rad(rotation_angles(scan))):
        foam = phantom(number / max(1, scan.angles - 1))
        shifted = replace(foam, centers=foam.centers + np.array([margin, 0, 0]))
        integrals = contrast * project(shifted, angle, scan.axis + margin, shape, scan.tilt)
        yield propagate(integrals, scan.delta_beta, fresnel)[..., core, core]
