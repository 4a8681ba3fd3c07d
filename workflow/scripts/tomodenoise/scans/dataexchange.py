"""The Data Exchange layout of the APS [De Carlo et al. 2014, J. Synchrotron Rad. 21, 1224]."""

import h5py
import numpy as np

from tomodenoise.errors import UserError
from tomodenoise.scans import hdf5
from tomodenoise.scans.contents import (
    Contents,
    check_stack,
    frames,
    number_steps,
    seconds,
    select_angles,
    used_files,
)
from tomodenoise.scans.model import Frames

LOOKED_FOR = "/exchange/data"

PIXEL_SIZES = (
    # At the sample, behind the lens; the others are the camera's own where nobody corrected them.
    "measurement/instrument/detection_system/objective/resolution",
    "measurement/instrument/detector/x_pixel_size",
    "measurement/instrument/detector/pixel_size_x",
    "measurement/instrument/detector/pixel_size",
)


def find(file: h5py.File) -> Contents | None:
    """Read the header of a Data Exchange file; None if it is not one.

    A time step for each projection, `time_step`, and its time, `time`, may stand beside the angles.

    Flats and darks are single groups at time 0: the layout does not say when they were taken.
    """
    stack = hdf5.dataset(file, "exchange/data")
    if stack is None:
        return None
    check_stack(stack)
    theta = hdf5.dataset(file, "exchange/theta")
    if theta is None:
        raise UserError(f"{file.filename}: /exchange/theta is missing: write the angle of each projection there")
    keys = hdf5.dataset(file, "exchange/image_key")
    whites, darks = (_stack(file, name, stack) for name in ("data_white", "data_dark"))
    count = stack.shape[0]
    steps, times = (hdf5.dataset(file, f"exchange/{name}") for name in ("time_step", "time"))
    return Contents(
        layout="data-exchange",
        stack=stack,
        projections=frames(stack, np.arange(count), (count - 1) / 2),
        flats=_group(whites),
        darks=_group(darks),
        angles=select_angles(theta, None if keys is None else keys[()], stack, count),
        pixel_size=hdf5.first_length(file, PIXEL_SIZES),
        stated=(hdf5.text(file["exchange"], "kind"), hdf5.text(stack, "units")),
        used=used_files([each for each in (stack, theta, whites, darks, steps, times) if each is not None]),
        steps=None if steps is None else number_steps(steps, count),
        times=None if times is None else seconds(times, count),
    )


def _stack(file: h5py.File, name: str, like: h5py.Dataset) -> h5py.Dataset | None:
    """Open the flats or darks; None where there are none."""
    stack = hdf5.dataset(file, f"exchange/{name}")
    if stack is None or stack.size == 0:
        return None
    check_stack(stack, like)
    return stack


def _group(stack: h5py.Dataset | None) -> tuple[Frames, ...]:
    return () if stack is None else (frames(stack, np.arange(stack.shape[0])),)
