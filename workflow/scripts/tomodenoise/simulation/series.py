"""Acquisition of a dynamic scan, one frame at a time: an object that changes during continuous rotation."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from itertools import chain, islice
from pathlib import Path

import h5py
import numpy as np

from tomodenoise.common.arrays import FloatArray
from tomodenoise.common.files import replacing
from tomodenoise.simulation.acquisition import DARK, FLAT, PROJECTION, Frame, record
from tomodenoise.simulation.cell import Plan, project_cell, true_slices
from tomodenoise.simulation.detector import Detector
from tomodenoise.simulation.files import write_exchange, write_quantity, write_volume


@dataclass(frozen=True, eq=False)
class Sample:
    """Object that changes in time."""

    # Time in steps and angle in radians to line integrals (row, column)
    integrals: Callable[[float, float], FloatArray]
    volume: Callable[[float], FloatArray]  # time in steps to the volume (row, y, x) float32, attenuation per pixel


# Detector at Diamond's K11: variance 1.55 times the signal above a dark level of 99 counts [measured on its flats]
K11 = Detector(conversion=1.55, offset=99.0, read_noise=2.5)


@dataclass(frozen=True)
class Turns:
    """Plan of a dynamic scan of continuous rotation, with flats before it."""

    columns: int = field(default=128, metadata={"help": "detector columns"})
    rows: int = field(default=12, metadata={"help": "detector rows"})
    steps: int = field(default=72, metadata={"help": "time steps"})
    projections: float = field(default=59.92, metadata={"help": "projections of a step; need not be a whole number"})
    span: float = field(default=180.0, metadata={"help": "degrees of a step"})
    shifts: int = field(default=1, metadata={"help": "steps after which shifted angles repeat; 1: no shifts"})
    flats: int = field(default=120, metadata={"help": "number of flats, before the scan"})
    darks: int = field(default=20, metadata={"help": "number of darks"})
    center: float = field(default=65.2, metadata={"help": "column of the axis"})
    period: float = field(default=0.1, metadata={"help": "seconds of a step"})

    @property
    def count(self) -> int:
        """Number of projections."""
        return int(np.ceil(self.steps * self.projections - 1e-6))


def angles(turns: Turns) -> FloatArray:
    """Return the angle of each projection, (count,) degrees, increasing from step to step.

    If the projections of a step are not a whole number, steps interlace by themselves. Else they may be shifted
    against each other, by multiples of the inverse golden ratio rounded to one of ``shifts`` values.
    """
    number = np.arange(turns.count) / turns.projections
    stride = max(1, round(turns.shifts * 0.618))
    while np.gcd(stride, turns.shifts) > 1:
        stride += 1
    shift = (np.floor(number + 1e-9) * stride % turns.shifts) / turns.shifts
    return np.asarray(turns.span * (number + shift / turns.projections))


def filled(plan: Plan, turns: Turns) -> Sample:
    """Return the cell as a sample for a scan of these turns."""
    shape = turns.rows, turns.columns
    return Sample(
        lambda step, angle: project_cell(plan.at(step), angle, turns.center, shape),
        lambda step: true_slices(plan.at(step), turns.columns, range(turns.rows)),
    )


def frames(sample: Sample, turns: Turns, detector: Detector, rng: np.random.Generator) -> Iterator[Frame]:
    """Yield darks, flats and projections in order of time, uint16 (rows, columns); the beam does not drift."""
    keys = np.repeat([DARK, FLAT, PROJECTION], [turns.darks, turns.flats, turns.count])
    transmissions = (
        np.exp(-sample.integrals((number + 0.5) / turns.projections, float(angle)))
        for number, angle in enumerate(np.deg2rad(angles(turns)))
    )
    return record(keys, transmissions, (turns.rows, turns.columns), replace(detector, drift=0.0), rng)


def write(path: Path, sample: Sample, turns: Turns, detector: Detector, rng: np.random.Generator, layout: str) -> None:
    """Write a dynamic scan.

    Parameters
    ----------
    path : Data Exchange file to write or replace; the files of single steps have the step number before the suffix.
    layout : `continuous`, one file; `numbered`, one file that holds the step of each projection; `files`, one file
        for each step, with all the flats and darks.
    """
    stream = frames(sample, turns, detector, rng)
    references = np.repeat([DARK, FLAT], [turns.darks, turns.flats])
    shared = list(islice(stream, len(references)))
    theta = angles(turns)
    step = np.floor((np.arange(turns.count) + 1e-6) / turns.projections).astype(int)
    time = np.arange(turns.count) * turns.period / turns.projections
    parts = [step == number for number in range(step[-1] + 1)] if layout == "files" else [step >= 0]
    for number, part in enumerate(parts):
        own = path.with_stem(f"{path.stem}{number}") if layout == "files" else path
        projections = np.full(part.sum(), PROJECTION)
        keys = np.concatenate([references, projections])
        taken = chain(shared, islice(stream, len(projections)))
        with replacing(own) as partial, h5py.File(partial, "w") as file:
            write_exchange(file, keys, taken, (turns.rows, turns.columns), theta[part], pixel_size=1.0)
            write_quantity(file, "exchange/time", time[part], "s")
            if layout == "numbered":
                file["exchange/time_step"] = step


def write_truth(path: Path, sample: Sample, turns: Turns) -> None:
    """Write the true volumes in the middle of each step, (step, row, y, x) float32, attenuation per pixel, as .npy."""
    shape = turns.steps, turns.rows, turns.columns, turns.columns
    write_volume(path, shape, (sample.volume(step + 0.5)[None] for step in range(turns.steps)))
