"""What a reader finds in a file, whatever its layout, and the checks that all layouts share."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np

from tomodenoise.arrays import FloatArray, IntArray
from tomodenoise.errors import UserError
from tomodenoise.scans import hdf5
from tomodenoise.scans.model import Channels, Frames


@dataclass(frozen=True)
class Contents:
    """The header of a scan. Made by the readers of the layouts, judged by `open_scan`."""

    layout: str
    stack: h5py.Dataset
    """The dataset of the projections."""
    projections: Frames
    flats: tuple[Frames, ...]
    darks: tuple[Frames, ...]
    angles: FloatArray
    """Radians, one for each projection."""
    pixel_size: float | None
    stated: tuple[str, ...]
    """What the file says of its numbers, in words of its own; the first that is understood counts."""
    used: tuple[Path, ...]
    """Every file that these numbers lie in."""
    steps: IntArray | None = None
    """(projections,) time step of each one, from 0 without gaps."""
    times: FloatArray | None = None
    """(projections,) seconds."""
    channels: Channels | None = None
    doubts: tuple[str, ...] = ()

    def length(self, axis: str) -> int:
        """Entries along an axis, `z` or `t`; 1 where the sinograms lack it."""
        axes = self.channels.axes if self.channels else "azt"
        return int(self.stack.shape[axes.index(axis)]) if axis in axes else 1


def check_stack(stack: h5py.Dataset, like: h5py.Dataset | None = None) -> None:
    """Refuse what is no stack of frames (frame, row, column) of numbers, or has other frames than ``like``."""
    name = f"{stack.file.filename}: {stack.name}"
    if stack.dtype.kind not in "iuf":
        raise UserError(f"{name} is of type {stack.dtype}, which cannot be read as numbers: store integers or floats")
    if stack.ndim == 4 or hdf5.text(stack, "dim0") == "channel":
        raise UserError(
            f"{name} has shape {stack.shape}: it holds several channels: set mode: xrdct, which takes"
            " numbers that need neither flats nor -log, and dataset and axes where the file does not say them"
        )
    if stack.ndim != 3:
        raise UserError(f"{name} has shape {stack.shape}, but frames are three-dimensional (frame, row, column)")
    if not all(stack.shape[1:]):
        raise UserError(f"{name} has shape {stack.shape}, frames without a pixel: is this the whole scan?")
    hdf5.check_filters(stack)
    if like is not None and stack.shape[1:] != like.shape[1:]:
        raise UserError(
            f"{name} has frames of {stack.shape[1:]} pixels, but {like.name} of {like.shape[1:]}:"
            " both must come from the same region of the detector"
        )


def select_angles(angles: h5py.Dataset, keys: IntArray | None, stack: h5py.Dataset, projections: int) -> FloatArray:
    """Angles of the projections, (projections,) radians.

    Parameters
    ----------
    angles : one angle for each projection, or for each frame where ``keys`` tell which those are.
    keys : (frames,) image keys, 0 for projections.
    stack, projections : the dataset of the projections and their number in it.
    """
    values = hdf5.radians(angles)
    if keys is not None and len(values) == len(keys):
        values = values[keys == 0]
    if projections == 0:
        raise UserError(f"{stack.file.filename}: {stack.name} holds no projections: is this the whole scan?")
    if len(values) != projections:
        raise UserError(
            f"{angles.file.filename}: {angles.name} has {len(values)} angles, but {stack.name} has {projections}"
            " projections: give one angle for each"
        )
    _check_range(values, angles)
    return values


def frames(stack: h5py.Dataset, indices: IntArray, time: float = 0.0) -> Frames:
    """Refer to some frames of an open dataset."""
    return Frames(Path(stack.file.filename), stack.name, indices, time)


def groups(stack: h5py.Dataset, members: IntArray, projections: IntArray) -> tuple[Frames, ...]:
    """Group flats or darks that lie between the same two projections, each group with its time.

    Parameters
    ----------
    stack : the dataset that holds all frames in the order of acquisition.
    members, projections : positions in it, ascending.
    """
    before = np.searchsorted(projections, members)
    parts = np.split(members, np.flatnonzero(np.diff(before)) + 1)
    return tuple(frames(stack, part, _time(part, projections)) for part in parts if len(part))


def number_steps(labels: h5py.Dataset, projections: int) -> IntArray:
    """Return the time steps numbered from 0; the file may label them by any numbers that do not descend."""
    values, name = labels[()], f"{labels.file.filename}: {labels.name}"
    if values.shape != (projections,) or values.dtype.kind not in "iuf":
        raise UserError(f"{name} has shape {values.shape}, but there are {projections} projections: give one for each")
    if np.any(np.diff(values.astype(float)) < 0):
        raise UserError(f"{name} descends: write the projections in the order of their steps")
    return np.asarray(np.unique(values, return_inverse=True)[1])


def seconds(times: h5py.Dataset, projections: int) -> FloatArray:
    """Time of each projection, seconds."""
    values, name = np.asarray(times[()], dtype=float), f"{times.file.filename}: {times.name}"
    factor = {"": 1.0, "s": 1.0, "sec": 1.0, "second": 1.0, "seconds": 1.0, "ms": 1e-3}.get(hdf5.text(times, "units"))
    if factor is None or values.shape != (projections,) or not np.all(np.diff(values) > 0):
        raise UserError(f"{name}: give one ascending time for each of the {projections} projections, in s or ms")
    return np.asarray(factor * values)


def used_files(datasets: Sequence[h5py.Dataset]) -> tuple[Path, ...]:
    """Every file that the numbers of the datasets lie in."""
    return tuple(dict.fromkeys(file for each in datasets for file in hdf5.sources(each)))


def _time(members: IntArray, projections: IntArray) -> float:
    """Mean position of ``members``, counted in projections."""
    position, first, last = float(members.mean()), int(projections[0]), int(projections[-1])
    if position < first:
        return position - first
    if position > last:
        return len(projections) - 1 + position - last
    return float(np.interp(position, projections, np.arange(len(projections))))


def _check_range(values: FloatArray, angles: h5py.Dataset) -> None:
    """Refuse a range that only the wrong units explain: one turn in radians is 6.3, read as degrees."""
    degrees = float(np.degrees(np.ptp(values)))
    name = f"{angles.file.filename}: {angles.name} spans"
    if 0 < degrees < 6.4:
        raise UserError(f"{name} only {degrees:.3g} degrees: if these are radians, set its attribute 'units' to rad")
    if degrees > 360 * len(values):
        raise UserError(f"{name} {degrees / 360:.0f} turns: if these are degrees, set its attribute 'units' to deg")
