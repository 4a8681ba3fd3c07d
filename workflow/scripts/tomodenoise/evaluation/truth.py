"""The true volume of a simulated scan; only its judged slices are read."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import zarr

from tomodenoise.common.arrays import FloatArray
from tomodenoise.common.errors import UserError
from tomodenoise.storage.sections import Sections

Truth: TypeAlias = Callable[[int, Sequence[tuple[int, int]]], FloatArray]
"""Function of a time step and runs of rows that returns (channel, z, y, x)."""


def read(file: Path, scan: Sections, rows: tuple[int, int]) -> Truth:
    """Open a true volume.

    Parameters
    ----------
    file : .npy or a Zarr array or image: (z, y, x), after an axis of steps or channels if the scan has several; any
        other axes in front have length 1.
    rows : reconstructed rows of the detector, [start, stop).

    Raises
    ------
    UserError
        If the file cannot be read, or its shape is neither that of the reconstruction nor that of all detector rows.
    """
    try:
        volume = np.load(file, mmap_mode="r") if file.suffix == ".npy" else _open_zarr(file)
    except (OSError, ValueError, KeyError) as error:
        raise UserError(f"truth: {file} cannot be read ({error}): name a .npy file or a Zarr volume") from None
    many = max(scan.channels, scan.split.times)
    shape = (*([many] if many > 1 else []), scan.depth, scan.size, scan.size)
    depth = volume.shape[-3]
    whole = depth >= rows[1] and depth != scan.depth
    axes = [size for size in volume.shape[:-3] if size > 1]
    if (*axes, scan.depth if whole else depth, *volume.shape[-2:]) != shape:
        raise UserError(
            f"truth: {file} has the shape {volume.shape}, but the reconstruction has {shape}: crop it to that"
        )
    first = rows[0] if whole else 0

    def slices(step: int, runs: Sequence[tuple[int, int]]) -> FloatArray:
        index = [slice(step, step + 1) if size > 1 and scan.split.times > 1 else slice(None) for size in volume.shape]
        parts = [np.asarray(volume[(*index[:-3], slice(first + start, first + stop))]) for start, stop in runs]
        joined = np.concatenate(parts, axis=-3)
        return np.asarray(joined.reshape(-1, *joined.shape[-3:]), dtype=np.float32)

    return slices


def _open_zarr(file: Path) -> Any:  # noqa: ANN401 - an array of Zarr
    return zarr.open_array(file / "0" if (file / "0" / "zarr.json").is_file() else file, mode="r")
