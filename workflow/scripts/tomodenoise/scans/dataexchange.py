"""Reader of the Data Exchange layout of the APS [De Carlo et al. 2014, J. Synchrotron Rad. 21, 1224]."""

from pathlib import Path

import h5py
import numpy as np

from tomodenoise.common.arrays import FloatArray
from tomodenoise.common.errors import UserError
from tomodenoise.scans import hdf5, pixel_size
from tomodenoise.scans.description import Frames, Numbers
from tomodenoise.scans.header import Contents, Reader, Stack, frames, image_keys, open_stack, select_angles, used_files

STANDARD_GROUP = "exchange"
# Datasets next to `data` by which another group, or the root of the file, is recognised as this layout
MARKERS = ("theta", "data_white", "data_dark")
# Groups of an instrument that may hold the pixel size. The resolution of an objective applies at the sample.
SIZES = ("detection_system/objective", "detector", "detection_system/detector", "detection_system")


def recognise(file: h5py.File, entry: str | None) -> list[str]:
    """Find the groups of this layout: the standard one, others, and the root of the file."""
    names = [STANDARD_GROUP, *(name for name in file if name != STANDARD_GROUP), ""] if entry is None else [entry]
    return [name for name in names if _has_layout(file, name)]


def _has_layout(file: h5py.File, name: str) -> bool:
    group = hdf5.child(file, name) if name else file
    if not isinstance(group, h5py.Group) or "data" not in group or _is_mixed(group):
        return False
    marked = name == STANDARD_GROUP or any(part in group for part in MARKERS)
    return marked and not isinstance(hdf5.child(group, "data"), h5py.Group)


def _is_mixed(group: h5py.Group) -> bool:
    """Return whether `data` mixes projections, flats and darks, one image key per frame: such a group is NXtomo."""
    keys = hdf5.child(group, "image_key")
    stack = hdf5.child(group, "data")
    if not isinstance(keys, h5py.Dataset) or not isinstance(stack, h5py.Dataset) or "data_white" in group:
        return False
    return keys.size in [stack.shape[axis] for axis in hdf5.frame_axes(stack.shape)[:1]]


def read(file: h5py.File, entry: str) -> Contents:
    """Read the header of a group of this layout.

    Next to the angles there may be the time step (`time_step`) and the time (`time`) of each projection. Flats and
    darks form one group each, at time 0, as the layout does not record when they were taken.
    """
    where = f"/{entry}".rstrip("/")
    data = hdf5.dataset(file, f"{where}/data")
    theta = hdf5.dataset(file, f"{where}/theta")
    if data is None:
        raise UserError(f"{file.filename}: {where}/data is not a dataset: is the file complete?")
    stack = open_stack(data)
    if theta is None:
        raise UserError(f"{file.filename}: {where}/theta is missing: write the angle of each projection there")
    keys = hdf5.dataset(file, f"{where}/image_key")
    whites, darks = (_stack(file, f"{where}/{part}", stack) for part in ("data_white", "data_dark"))
    positions = np.arange(stack.shape[0])
    angles, angle_doubts = _angles(theta, keys, stack)
    size, size_doubts = _pixel_size(file)
    return Contents(
        layout="data-exchange",
        stacks=tuple(part for part in (stack, whites, darks) if part is not None),
        projections=frames(stack, positions, (len(positions) - 1) / 2),
        flats=_group(whites),
        darks=_group(darks),
        angles=angles,
        rows=stack.shape[1],
        columns=stack.shape[2],
        pixel_size=size,
        stated=(hdf5.text(file[where or "/"], "kind"), hdf5.text(data, "units")),
        used=used_files([theta, keys, hdf5.child(file, f"{where}/time_step")]),
        labels=_numbers(file, f"{where}/time_step", len(positions)),
        times=_numbers(file, f"{where}/time", len(positions)),
        doubts=(*angle_doubts, *size_doubts),
    )


def _stack(file: h5py.File, path: str, like: Stack) -> Stack | None:
    """Open the flats or darks; return None if there are none."""
    data = hdf5.dataset(file, path)
    return None if data is None or data.size == 0 else open_stack(data, like)


def _group(stack: Stack | None) -> tuple[Frames, ...]:
    return () if stack is None else (frames(stack, np.arange(stack.shape[0])),)


def _angles(theta: h5py.Dataset, keys: h5py.Dataset | None, stack: Stack) -> tuple[FloatArray, tuple[str, ...]]:
    """Return the angles of the projections; theta may include flats and darks if image keys identify them."""
    positions = np.arange(stack.shape[0])
    if keys is None or keys.size == len(positions) or keys.size != theta.size:
        return select_angles(theta, stack, positions, [])
    chosen = np.flatnonzero(image_keys(keys, keys.size) == 0)
    return select_angles(theta, stack, chosen, [np.arange(keys.size)])


def _numbers(file: h5py.File, path: str, count: int) -> tuple[Numbers, ...]:
    """Refer to a dataset with one number per projection, which is read only when a series needs it."""
    if path not in file:
        return ()
    return (Numbers(Path(file.filename), path, count, np.arange(count)),)


def _pixel_size(file: h5py.File) -> tuple[float | None, tuple[str, ...]]:
    instrument = hdf5.child(file, "measurement/instrument")
    if not isinstance(instrument, h5py.Group):
        return None, ()
    groups = (hdf5.child(instrument, path) for path in SIZES)
    return pixel_size.choose([group for group in groups if isinstance(group, h5py.Group)], [instrument])


READER = Reader("/exchange/data", recognise, read)
