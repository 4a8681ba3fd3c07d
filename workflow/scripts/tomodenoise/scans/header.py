"""The interface of the readers of raw files, and the checks that all layouts share."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np

from tomodenoise.common.arrays import FloatArray, IntArray
from tomodenoise.common.errors import UserError
from tomodenoise.scans import hdf5, sources, units
from tomodenoise.scans.description import Channels, Frames, Numbers, position
from tomodenoise.scans.origins import Origin, check

EVEN = 0.2
"""Largest relative difference of the steps of angles that are called even."""


@dataclass(frozen=True)
class Stack:
    """A dataset of frames, or of sinograms."""

    data: h5py.Dataset
    shape: tuple[int, ...]
    """(frame, row, column), without axes of length one in front, at the end or between; of sinograms as it is."""
    origin: Origin
    """Of its frames, or of its angles."""

    @property
    def name(self) -> str:
        """File and path, for messages."""
        return f"{self.data.file.filename}: {self.data.name}"


@dataclass(frozen=True)
class Contents:
    """The header of a scan. Made by the readers of the layouts, judged by `open_scan`."""

    layout: str
    stacks: tuple[Stack, ...]
    """That of the projections first, then those of flats and darks where these have their own."""
    projections: Frames
    flats: tuple[Frames, ...]
    darks: tuple[Frames, ...]
    angles: FloatArray
    """Radians, one for each projection."""
    rows: int
    columns: int
    pixel_size: float | None
    stated: tuple[str, ...]
    """What the file says of its numbers, in words of its own; the first that is understood counts."""
    used: tuple[Path, ...]
    """Every file that the angles, keys and the like lie in."""
    labels: tuple[Numbers, ...] = ()
    times: tuple[Numbers, ...] = ()
    channels: Channels | None = None
    doubts: tuple[str, ...] = ()


@dataclass(frozen=True)
class Reader:
    """A layout of raw files."""

    looks_for: str
    """For the message where no reader recognises a file."""
    recognise: Callable[[h5py.File, str | None], list[str]]
    """Finds the entries of this layout, the best first: their paths in the file, the root's being empty.

    With a path it looks at that group alone.
    """
    read: Callable[[h5py.File, str], Contents]
    """Reads the header of one of these entries."""


def open_stack(data: h5py.Dataset, like: Stack | None = None) -> Stack:
    """Refuse what is no stack of frames (frame, row, column) of numbers, or has other frames than ``like``."""
    name = f"{data.file.filename}: {data.name}"
    if data.dtype.kind not in "iuf":
        raise UserError(f"{name} is of type {data.dtype}, which cannot be read as numbers: store integers or floats")
    if hdf5.text(data, "dim0") == "channel":
        raise UserError(
            f"{name} has shape {data.shape}, and its attribute dim0 says that the first axis is that of channels: set"
            " mode: xrdct where it holds line integrals, which need neither flats nor -log"
        )
    axes = hdf5.frame_axes(data.shape)
    if len(axes) > 3:
        raise UserError(
            f"{name} has shape {data.shape}, but frames are three-dimensional (frame, row, column): for time steps set"
            " mode: dynamic, with a file for each step, or with one stack of all and the step of each projection in"
            " /exchange/time_step"
        )
    if len(axes) < 3:
        raise UserError(
            f"{name} has shape {data.shape}, but frames are three-dimensional (frame, row, column): store a single one"
            " as (1, row, column)"
        )
    shape = tuple(data.shape[axis] for axis in axes)
    origin = sources.find(data, axes[0])
    check(origin, np.arange(0))
    if not all(shape[1:]):
        raise UserError(f"{name} has shape {data.shape}, frames without a pixel: is this the whole scan?")
    hdf5.check_filters(data)
    if like is not None and shape[1:] != like.shape[1:]:
        raise UserError(
            f"{name} has frames of {shape[1:]} pixels, but {like.data.name} of {like.shape[1:]}:"
            " both must come from the same region of the detector"
        )
    return Stack(data, shape, origin)


def image_keys(keys: h5py.Dataset, count: int) -> IntArray:
    """Read what each of ``count`` frames is, (count,): 0 for a projection, 1 for a flat, 2 for a dark.

    Raises
    ------
    UserError
        Unless there is a whole number for each, which may be written as text.
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
            f"{name} has {len(values)} keys of type {keys.dtype}, but there are {count} frames: give a whole number for"
            " each, 0 for a projection, 1 for a flat, 2 for a dark"
        )
    return np.rint(numbers).astype(np.int64)


def select_angles(
    angles: h5py.Dataset, stack: Stack, chosen: IntArray, candidates: Sequence[IntArray]
) -> tuple[FloatArray, tuple[str, ...]]:
    """Angles of the projections, (projections,) radians, and what is doubtful about them.

    Parameters
    ----------
    angles : one angle for each projection, or for each frame of a larger set.
    stack : the dataset of the projections.
    chosen : their positions among all frames.
    candidates : positions of the frames that the angles may belong to.
    """
    values, count = units.radians(angles), len(chosen)
    if count == 0:
        raise UserError(f"{stack.name} holds no projections: is this the whole scan?")
    for frames_of_angles in (chosen, *candidates):
        if len(values) == len(frames_of_angles):
            return values[np.isin(frames_of_angles, chosen)], ()
    name = f"{angles.file.filename}: {angles.name}"
    if len(values) == count + 1 and _is_even(values):
        return values[:-1], (f"{name} has one angle more than there are projections: the last one is left out",)
    raise UserError(
        f"{name} has {len(values)} angles, but {stack.data.name} has {count} projections: give one angle for each"
    )


def frames(stack: Stack, indices: IntArray, time: float = 0.0) -> Frames:
    """Refer to some frames of an open dataset."""
    return Frames(Path(stack.data.file.filename), stack.data.name, indices, time)


def groups(stack: Stack, members: IntArray, projections: IntArray) -> tuple[Frames, ...]:
    """Group flats or darks that lie between the same two projections, each group with its time.

    Parameters
    ----------
    stack : the dataset that holds all frames in the order of acquisition.
    members, projections : positions in it, ascending.
    """
    before = np.searchsorted(projections, members)
    parts = np.split(members, np.flatnonzero(np.diff(before)) + 1)
    return tuple(frames(stack, part, position(float(part.mean()), projections)) for part in parts if len(part))


def used_files(objects: Sequence[h5py.HLObject | None]) -> tuple[Path, ...]:
    """Every file that the numbers of the datasets among some objects lie in."""
    found = (sources.find(each, 0).files for each in objects if isinstance(each, h5py.Dataset))
    return tuple(dict.fromkeys(file for files in found for file in files))


def _is_even(values: FloatArray) -> bool:
    steps = np.diff(values)
    middle = np.median(steps)
    return bool(middle != 0 and np.all(np.abs(steps - middle) < EVEN * abs(middle)))
