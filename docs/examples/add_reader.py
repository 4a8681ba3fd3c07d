"""A reader in one module: a group with `frames`, `angles` and, if they were taken, `flats` and `darks`."""

import h5py
import numpy as np

from tomodenoise.common.errors import UserError
from tomodenoise.scans import hdf5
from tomodenoise.scans.header import Contents, Reader, frames, open_stack, select_angles, used_files


def recognise(file: h5py.File, entry: str | None) -> list[str]:
    """Find the groups that hold frames; with a path look at that group alone."""
    names = list(file) if entry is None else [entry]
    return [name for name in names if hdf5.dataset(file, f"{name}/frames") is not None]


def read(file: h5py.File, entry: str) -> Contents:
    """Read the header: stacks are opened, but no frame is read."""
    frame_data = hdf5.dataset(file, f"{entry}/frames")
    angle_data = hdf5.dataset(file, f"{entry}/angles")
    if frame_data is None or angle_data is None:
        raise UserError(f"{file.filename}: {entry}/angles is missing: write the angle of each projection there")
    stack = open_stack(frame_data)
    numbers = np.arange(stack.shape[0])
    angles, doubts = select_angles(angle_data, stack, numbers, [])
    found = {name: hdf5.dataset(file, f"{entry}/{name}") for name in ("flats", "darks")}
    others = {name: open_stack(data, stack) for name, data in found.items() if data is not None}
    groups = {name: (frames(other, np.arange(other.shape[0])),) for name, other in others.items()}
    return Contents(
        layout="simple",
        stacks=(stack, *others.values()),
        projections=frames(stack, numbers, (len(numbers) - 1) / 2),
        flats=groups.get("flats", ()),
        darks=groups.get("darks", ()),
        angles=angles,
        rows=stack.shape[1],
        columns=stack.shape[2],
        pixel_size=None,
        stated=(),
        used=used_files([angle_data]),
        doubts=doubts,
    )


# The entry for `READERS` in scans/opening.py; there it is `simple.READER`, once the module lies in scans/simple.py.
READER = Reader("a group with frames and angles", recognise, read)
