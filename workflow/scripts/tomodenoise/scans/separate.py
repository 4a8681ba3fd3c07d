"""Flats and darks in separate files: stacks, single mean frames, or the reduced frames of ESRF's tomoscan."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import h5py
import numpy as np

from tomodenoise.common import paths
from tomodenoise.common.arrays import IntArray
from tomodenoise.common.errors import UserError
from tomodenoise.scans import file_names, hdf5, images, links, nxtomo, sources, tiff
from tomodenoise.scans.description import Frames, position
from tomodenoise.scans.options import FramesFile
from tomodenoise.scans.origins import Origin, check

EXCHANGE = {"flats": "exchange/data_white", "darks": "exchange/data_dark"}
REDUCED = re.compile(r"\d+|\d*\.\d+r|\dr")  # number of a frame of the scan, or its relative position: 12, 0.5r
MOST = 2  # entries of `file`: frames from before the projections, and from after them


@dataclass(frozen=True)
class Separate:
    """Frames of one kind from separate files."""

    groups: tuple[Frames, ...]
    origins: Mapping[tuple[Path, str], Origin]  # of their datasets

    @property
    def files(self) -> list[Path]:
        """All files that hold them."""
        return [file for origin in self.origins.values() for file in origin.files]


@dataclass(frozen=True)
class Projections:
    """Projections of the scan that the frames belong to."""

    size: tuple[int, int]  # rows and columns
    name: str  # file and dataset, for messages
    positions: IntArray  # (n,) among all frames of the scan
    frames: int  # number of all frames of the scan


def read(kind: str, asked: FramesFile, projections: Projections) -> Separate:
    """Read the headers of files of flats or darks.

    Parameters
    ----------
    kind : `flats` or `darks`.
    asked : one file, or two: one taken before the projections and one after them.
    projections : of the scan; the frames must have the same size.

    Raises
    ------
    UserError
        With the kind and the file if it holds no such frames, or frames of another size.
    """
    named = files(kind, asked)
    times = [0.0] if len(named) == 1 else [-1.0, float(len(projections.positions))]
    try:
        parts = [_part(kind, group, asked.dataset, projections) for group in named]
    except UserError as error:
        raise UserError(f"{kind}: {error}") from None
    groups = [
        group if REDUCED.fullmatch(group.dataset.rsplit("/", 1)[-1]) else replace(group, time=time)
        for part, time in zip(parts, times, strict=True)
        for group in part.groups
    ]
    origins = {place: origin for part in parts for place, origin in part.origins.items()}
    return Separate(tuple(sorted(groups, key=lambda group: group.time)), origins)


def files(kind: str, asked: FramesFile) -> list[tuple[Path, ...]]:
    """Return the files of flats or darks in one group, or in two, from before the projections and from after them.

    A group is one HDF5 file, or TIFF files.
    """
    names = [asked.file] if isinstance(asked.file, str) else asked.file
    groups = [file_names.expand(name, f"{kind}.file") for name in names]
    files = max(len(groups), *(1 if tiff.is_tiff(group[0]) else len(group) for group in groups))
    if files > MOST or (len(groups) == 1 and files > 1):
        raise UserError(
            f"{kind}.file names {files} files: give one, or a list of two, taken before and after the projections"
        )
    return groups


def _part(kind: str, group: tuple[Path, ...], path: str | None, projections: Projections) -> Separate:
    """Read the headers of a group of files."""
    if not tiff.is_tiff(group[0]):
        return _read(kind, group[0], path, projections)
    if path is not None:
        raise UserError(f"{kind}.dataset is for HDF5 files, but {group[0]} is a TIFF file: remove it")
    stack = images.open_stack(group)
    if stack.size != projections.size:
        raise _other_size(f"{stack.name} has frames of {stack.size} pixels", projections)
    return Separate((stack.frames,), {stack.place: stack.origin})


def _read(kind: str, file: Path, path: str | None, projections: Projections) -> Separate:
    """Read the header of one file."""
    paths.check(file, f"{file}: no such file: correct {kind}.file")
    groups: list[Frames] = []
    origins: dict[tuple[Path, str], Origin] = {}
    with hdf5.opened(file) as handle:
        for data, members in _datasets(handle, kind, path, projections):
            origin = _checked(data, members, projections)
            place = links.as_given(Path(data.file.filename), file), data.name
            located = tuple(links.as_given(other, file) for other in dict.fromkeys([file, *origin.files]))
            origins[place] = replace(origin, files=located)
            groups.append(Frames(*place, members, _time(data, projections)))
    return Separate(tuple(groups), origins)


def _datasets(
    file: h5py.File, kind: str, path: str | None, projections: Projections
) -> list[tuple[h5py.Dataset, IntArray]]:
    """Find the datasets with frames of a kind, and the positions of these in them."""
    if path is not None:
        found = list(_at(file, kind, path))
        problem = f"{path} holds no {kind}" if hdf5.child(file, path) is not None else f"there is no {path}"
    else:
        ways = (_exchange, _reduced, _nxtomo, _only)
        found = next((found for way in ways if (found := list(way(file, kind, projections)))), [])
        problem = f"no {kind} were recognised"
    if found:
        return found
    raise UserError(f"{file.filename}: {problem}: set {kind}.dataset to their path; {hdf5.candidates(file, 3)}")


def _at(file: h5py.File, kind: str, path: str) -> Iterator[tuple[h5py.Dataset, IntArray]]:
    """Yield the frames at a path: a dataset, or a group of reduced frames."""
    node = hdf5.dataset(file, path)
    if node is not None:
        around = hdf5.child(file, path.rstrip("/").rpartition("/")[0] or "/")
        keyed = isinstance(around, h5py.Group) and "image_key" in around and _has_frames(node)
        yield node, nxtomo.of_kind(around, node, kind) if keyed else _all(node)
    elif isinstance(group := hdf5.child(file, path), h5py.Group):
        yield from _numbered(group)


def _exchange(file: h5py.File, kind: str, _: Projections) -> Iterator[tuple[h5py.Dataset, IntArray]]:
    """Yield the flats or darks of Data Exchange."""
    if (data := hdf5.dataset(file, EXCHANGE[kind])) is not None and data.size:
        yield data, _all(data)


def _reduced(file: h5py.File, kind: str, _: Projections) -> Iterator[tuple[h5py.Dataset, IntArray]]:
    """Yield the reduced frames of tomoscan: `ENTRY/flats/NUMBER`, a mean or median for each run of flats."""
    found = {
        name: hdf5.child(file, f"{name}/{kind}") for name in file if isinstance(hdf5.child(file, name), h5py.Group)
    }
    entries = {name: list(_numbered(group)) for name, group in found.items() if isinstance(group, h5py.Group)}
    filled = [name for name, frames in entries.items() if frames]
    if len(filled) > 1:
        raise UserError(
            f"{file.filename} holds {kind} of several scans: set {kind}.dataset to those of this one, such as"
            f" {filled[0]}/{kind}"
        )
    yield from entries[filled[0]] if filled else ()


def _nxtomo(file: h5py.File, kind: str, _: Projections) -> Iterator[tuple[h5py.Dataset, IntArray]]:
    """Yield the frames with the image key of the kind, from an NXtomo file of this or another scan."""
    found = list(nxtomo.stacks(file))
    if len(found) > 1:
        raise UserError(
            f"{file.filename} holds {len(found)} stacks with image keys: set {kind}.dataset to one, such as"
            f" {found[0][1].name}"
        )
    for group, data in found:
        if len(members := nxtomo.of_kind(group, data, kind)):
            yield data, members


def _only(file: h5py.File, kind: str, projections: Projections) -> Iterator[tuple[h5py.Dataset, IntArray]]:
    """Yield the only dataset of frames that have the size of the projections."""
    fitting = [data for data in hdf5.datasets(file) if hdf5.has_numbers(data) and _size(data) == projections.size]
    if len(fitting) == 1:
        yield fitting[0], _all(fitting[0])


def _numbered(group: h5py.Group) -> Iterator[tuple[h5py.Dataset, IntArray]]:
    names = [name for name in group if REDUCED.fullmatch(name)]
    for name in sorted(names, key=lambda name: float(name.rstrip("r"))):
        if (data := hdf5.dataset(group, name)) is not None:
            yield data, _all(data)


def _time(data: h5py.Dataset, projections: Projections) -> float:
    """Return the place of a reduced frame among the projections; 0 for other frames, as for Data Exchange."""
    name = data.name.rsplit("/", 1)[-1]
    if not REDUCED.fullmatch(name):
        return 0.0
    number = int(float(name[:-1]) * (projections.frames - 1)) if name.endswith("r") else int(name)
    return position(number, projections.positions)


def _checked(data: h5py.Dataset, members: IntArray, projections: Projections) -> Origin:
    """Refuse a dataset without frames of the size of the projections, or that lacks data; return its origin."""
    name = f"{data.file.filename}: {data.name}"
    if not hdf5.has_numbers(data):
        raise UserError(f"{name} has type {data.dtype}, which is not numeric: store integers or floats")
    if (size := _size(data)) != projections.size or not len(members):
        problem = "holds no frames" if size == projections.size else f"has shape {data.shape}"
        raise _other_size(f"{name} {problem}", projections)
    hdf5.check_filters(data)
    origin = sources.find(data, _frame_axis(data))
    check(origin, members if _has_frames(data) else None)
    return origin if _has_frames(data) else Origin(origin.name, origin.files)


def _other_size(problem: str, projections: Projections) -> UserError:
    return UserError(
        f"{problem}, but frames of {projections.size} pixels are needed, as those of {projections.name}: both must come"
        " from the same region of the detector"
    )


def _has_frames(data: h5py.Dataset) -> bool:
    """Return whether a dataset has an axis of frames; a single frame has none."""
    return len(hdf5.frame_axes(data.shape)) != 2


def _frame_axis(data: h5py.Dataset) -> int:
    return next(iter(hdf5.frame_axes(data.shape)), 0)


def _size(data: h5py.Dataset) -> tuple[int, ...]:
    """Return the rows and columns of the frames of a dataset; something else if it holds no frames."""
    return tuple(data.shape[axis] for axis in hdf5.frame_axes(data.shape)[0 if not _has_frames(data) else 1 :])


def _all(data: h5py.Dataset) -> IntArray:
    return np.arange(data.shape[_frame_axis(data)] if data.shape and _has_frames(data) else 1)
