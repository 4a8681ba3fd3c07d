"""The Data Exchange layout of the APS [De Carlo et al. 2014, J. Synchrotron Rad. 21, 1224]."""

from pathlib import Path

import h5py
import numpy as np

from tomodenoise.common.arrays import FloatArray
from tomodenoise.common.errors import UserError
from tomodenoise.scans import hdf5, pixel_size
from tomodenoise.scans.description import Frames, Numbers
from tomodenoise.scans.header import Contents, Reader, Stack, frames, image_keys, open_stack, select_angles, used_files

USUAL = "exchange"
ITS_PARTS = ("theta", "data_white", "data_dark")
"""One of them beside `data` makes another group, or the root of the file, one of this layout."""

SIZES = ("detection_system/objective", "detector", "detection_system/detector", "detection_system")
"""Groups of an instrument that may hold the size of a pixel. An objective's resolution is that at the sample."""


def recognise(file: h5py.File, entry: str | None) -> list[str]:
    """Find the groups of this layout: the usual one, others, and the root of the file."""
    names = [USUAL, *(name for name in file if name != USUAL), ""] if entry is None else [entry]
    return [name for name in names if _is_ours(file, name)]


def _is_ours(file: h5py.File, name: str) -> bool:
    group = hdf5.child(file, name) if name else file
    if not isinstance(group, h5py.Group) or "data" not in group or _is_mixed(group):
        return False
    named = name == USUAL or any(part in group for part in ITS_PARTS)
    return named and not isinstance(hdf5.child(group, "data"), h5py.Group)


def _is_mixed(group: h5py.Group) -> bool:
    """Tell whether a key says of each frame of the one stack what it is: then the other layout reads it."""
    keys, stack = hdf5.child(group, "image_key"), hdf5.child(group, "data")
    if not isinstance(keys, h5py.Dataset) or not isinstance(stack, h5py.Dataset) or "data_white" in group:
        return False
    return keys.size in [stack.shape[axis] for axis in hdf5.frame_axes(stack.shape)[:1]]


def read(file: h5py.File, entry: str) -> Contents:
    """Read the header of a group of this layout.

    A time step for each projection, `time_step`, and its time, `time`, may stand beside the angles.

    Flats and darks are single groups at time 0: the layout does not say when they were taken.
    """
    where = f"/{entry}".rstrip("/")
    data = hdf5.dataset(file, f"{where}/data")
    theta = hdf5.dataset(file, f"{where}/theta")
    if data is None:
        raise UserError(f"{file.filename}: {where}/data is no dataset: is this the whole scan?")
    stack = open_stack(data)
    if theta is None:
        raise UserError(f"{file.filename}: {where}/theta is missing: write the angle of each projection there")
    keys = hdf5.dataset(file, f"{where}/image_key")
    whites, darks = (_stack(file, f"{where}/{part}", stack) for part in ("data_white", "data_dark"))
    every = np.arange(stack.shape[0])
    angles, doubt = _angles(theta, keys, stack)
    size, doubts = _pixel_size(file)
    return Contents(
        layout="data-exchange",
        stacks=tuple(each for each in (stack, whites, darks) if each is not None),
        projections=frames(stack, every, (len(every) - 1) / 2),
        flats=_group(whites),
        darks=_group(darks),
        angles=angles,
        rows=stack.shape[1],
        columns=stack.shape[2],
        pixel_size=size,
        stated=(hdf5.text(file[where or "/"], "kind"), hdf5.text(data, "units")),
        used=used_files([theta, keys, hdf5.child(file, f"{where}/time_step")]),
        labels=_numbers(file, f"{where}/time_step", len(every)),
        times=_numbers(file, f"{where}/time", len(every)),
        doubts=(*doubt, *doubts),
    )


def _stack(file: h5py.File, path: str, like: Stack) -> Stack | None:
    """Open the flats or darks; None where there are none."""
    data = hdf5.dataset(file, path)
    return None if data is None or data.size == 0 else open_stack(data, like)


def _group(stack: Stack | None) -> tuple[Frames, ...]:
    return () if stack is None else (frames(stack, np.arange(stack.shape[0])),)


def _angles(theta: h5py.Dataset, keys: h5py.Dataset | None, stack: Stack) -> tuple[FloatArray, tuple[str, ...]]:
    """Angles of the projections; theta may include those of flats and darks, where a key says which these are."""
    every = np.arange(stack.shape[0])
    if keys is None or keys.size == len(every) or keys.size != theta.size:
        return select_angles(theta, stack, every, [])
    chosen = np.flatnonzero(image_keys(keys, keys.size) == 0)
    return select_angles(theta, stack, chosen, [np.arange(keys.size)])


def _numbers(file: h5py.File, path: str, count: int) -> tuple[Numbers, ...]:
    """Refer to numbers beside the angles, which are looked at only when a series needs them."""
    if path not in file:
        return ()
    return (Numbers(Path(file.filename), path, count, np.arange(count)),)


def _pixel_size(file: h5py.File) -> tuple[float | None, tuple[str, ...]]:
    instrument = hdf5.child(file, "measurement/instrument")
    if not isinstance(instrument, h5py.Group):
        return None, ()
    groups = (hdf5.child(instrument, place) for place in SIZES)
    return pixel_size.choose([group for group in groups if isinstance(group, h5py.Group)], [instrument])


READER = Reader("/exchange/data", recognise, read)
