"""Interface of the readers of raw files, and the checks that the readers of all layouts share."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import h5py
import numpy as np

from tomodenoise.common.arrays import FloatArray, IntArray
from tomodenoise.common.errors import UserError
from tomodenoise.scans import hdf5, sources, units
from tomodenoise.scans.description import Channels, Frames, Numbers, position
from tomodenoise.scans.origins import Origin, check

EVEN = 0.2  # largest relative deviation of an angular step from the median for angles that count as evenly spaced


class Store(Protocol):
    """Frames of one type that are stored together."""

    @property
    def place(self) -> tuple[Path, str]:
        """File and dataset, as in `Frames`."""

    @property
    def name(self) -> str:
        """Name for messages."""

    @property
    def dtype(self) -> np.dtype[np.generic]:
        """Type of the numbers."""

    @property
    def origin(self) -> Origin:
        """Where the frames are stored."""


@dataclass(frozen=True)
class Stack:
    """A dataset of frames, or of sinograms."""

    data: h5py.Dataset
    # (frame, row, column) without further axes of length one; for sinograms the shape of the dataset
    shape: tuple[int, ...]
    origin: Origin  # where its frames, or for sinograms its angles, are stored

    @property
    def place(self) -> tuple[Path, str]:
        """File and path in it."""
        return Path(self.data.file.filename), self.data.name

    @property
    def dtype(self) -> np.dtype[np.generic]:
        """Type of the numbers."""
        dtype: np.dtype[np.generic] = self.data.dtype
        return dtype

    @property
    def name(self) -> str:
        """File and path in it, for messages."""
        return f"{self.data.file.filename}: {self.data.name}"


@dataclass(frozen=True)
class Contents:
    """Header of a scan. Made by the readers of the layouts, checked by `open_scan`."""

    layout: str
    stacks: tuple[Store, ...]  # the projections first, then flats and darks if they have datasets of their own
    projections: Frames
    flats: tuple[Frames, ...]
    darks: tuple[Frames, ...]
    angles: FloatArray  # (n,) radians, one per projection
    rows: int
    columns: int
    pixel_size: float | None
    stated: tuple[str, ...]  # descriptions of the stored quantity in the file; the first that is recognised counts
    used: tuple[Path, ...]  # all files that hold the angles, image keys and so on
    labels: tuple[Numbers, ...] = ()
    times: tuple[Numbers, ...] = ()
    channels: Channels | None = None
    doubts: tuple[str, ...] = ()


@dataclass(frozen=True)
class Reader:
    """A layout of raw files."""

    looks_for: str  # for the message where no reader recognises a file
    # Finds the entries of this layout, the best first: their paths in the file, the root's being empty. With a path it
    # looks at that group alone.
    recognise: Callable[[h5py.File, str | None], list[str]]
    read: Callable[[h5py.File, str], Contents]  # reads the header of one of these entries


def open_stack(data: h5py.Dataset, like: Stack | None = None) -> Stack:
    """Open a stack of frames (frame, row, column), and refuse any other dataset.

    Parameters
    ----------
    like : a stack whose frames must have the same shape.

    Raises
    ------
    UserError
        If the type, the shape or a filter of the dataset does not fit, or a file of it is missing.
    """
    name = f"{data.file.filename}: {data.name}"
    if data.dtype.kind not in "iuf":
        raise UserError(f"{name} has type {data.dtype}, which is not numeric: store integers or floats")
    if hdf5.text(data, "dim0") == "channel":
        raise UserError(
            f"{name} has shape {data.shape}, and according to its attribute dim0 the first axis is the channel: set"
            " mode: xrdct if it holds line integrals, which need neither flats nor -log"
        )
    axes = hdf5.frame_axes(data.shape)
    if len(axes) > 3:
        raise UserError(
            f"{name} has shape {data.shape}, but a stack is three-dimensional (frame, row, column): for time steps set"
            " mode: dynamic, with one file per step, or with a single stack and the step of each projection in"
            " /exchange/time_step"
        )
    if len(axes) < 3:
        raise UserError(
            f"{name} has shape {data.shape}, but a stack is three-dimensional (frame, row, column): store a single"
            " frame as (1, row, column)"
        )
    shape = tuple(data.shape[axis] for axis in axes)
    origin = sources.find(data, axes[0])
    check(origin, np.arange(0))
    if not all(shape[1:]):
        raise UserError(f"{name} has shape {data.shape}, frames without pixels: is the file complete?")
    hdf5.check_filters(data)
    if like is not None and shape[1:] != like.shape[1:]:
        raise UserError(
            f"{name} has frames of {shape[1:]} pixels, but those of {like.data.name} have {like.shape[1:]}:"
            " both must come from the same region of the detector"
        )
    return Stack(data, shape, origin)


def image_keys(keys: h5py.Dataset, count: int) -> IntArray:
    """Read the image keys of ``count`` frames, (count,) int64: 0 is a projection, 1 a flat, 2 a dark.

    Raises
    ------
    UserError
        Unless there is an integer for each frame, possibly stored as text.
    """
    name = f"{keys.file.filename}: {keys.name}"
    values = sources.values(keys).ravel()
    if values.dtype.kind in "OSU":
        values = np.array([hdf5.as_text(value) for value in values])
    try:
        numbers = values.astype(np.float64)
    except (TypeError, ValueError):
        numbers = np.full(len(values), np.nan)
    if len(numbers) != count or not np.all(np.abs(numbers - np.rint(numbers)) < 0.01):
        raise UserError(
            f"{name} has {len(values)} keys of type {keys.dtype}, but there are {count} frames: write one integer per"
            " frame, 0 for a projection, 1 for a flat, 2 for a dark"
        )
    return np.rint(numbers).astype(np.int64)


def select_angles(
    angles: h5py.Dataset, stack: Stack, chosen: IntArray, candidates: Sequence[IntArray]
) -> tuple[FloatArray, tuple[str, ...]]:
    """Return the angles of the projections, (projections,) radians, and doubts about them.

    Parameters
    ----------
    angles : one angle per projection, or per frame of a larger set.
    stack : the dataset of the projections.
    chosen : positions of the projections among all frames.
    candidates : larger sets of frames, as positions, that the angles may belong to.

    Raises
    ------
    UserError
        If there are no projections, or the number of angles fits none of these sets.
    """
    values = units.radians(angles)
    count = len(chosen)
    if count == 0:
        raise UserError(f"{stack.name} holds no projections: is the file complete?")
    for frames_of_angles in (chosen, *candidates):
        if len(values) == len(frames_of_angles):
            return values[np.isin(frames_of_angles, chosen)], ()
    name = f"{angles.file.filename}: {angles.name}"
    if len(values) == count + 1:
        steps = np.diff(values)
        usual = np.median(steps)
        if usual != 0 and np.all(np.abs(steps - usual) < EVEN * abs(usual)):
            return values[:-1], (f"{name} has one angle more than there are projections: the last angle is ignored",)
    raise UserError(
        f"{name} has {len(values)} angles, but {stack.data.name} has {count} projections: write one angle for each"
    )


def frames(stack: Stack, indices: IntArray, time: float = 0.0) -> Frames:
    """Return a reference to some frames of an open dataset."""
    return Frames(Path(stack.data.file.filename), stack.data.name, indices, time)


def groups(stack: Stack, members: IntArray, projections: IntArray) -> tuple[Frames, ...]:
    """Group flats or darks that were taken between the same two projections; positions in the stack ascend."""
    before = np.searchsorted(projections, members)
    parts = np.split(members, np.flatnonzero(np.diff(before)) + 1)
    return tuple(frames(stack, part, position(float(part.mean()), projections)) for part in parts if len(part))


def used_files(objects: Sequence[h5py.HLObject | None]) -> tuple[Path, ...]:
    """Return all files that hold the data of the given datasets; other objects are ignored."""
    groups_of_files = (sources.find(data, 0).files for data in objects if isinstance(data, h5py.Dataset))
    return tuple(dict.fromkeys(file for files in groups_of_files for file in files))
