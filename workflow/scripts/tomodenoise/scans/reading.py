"""Reading of detector rows of frames, and of nothing else."""

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from tomodenoise.common.arrays import FloatArray, IntArray
from tomodenoise.common.errors import UserError
from tomodenoise.scans import images, sources, tiff
from tomodenoise.scans.description import Frames, Scan, runs
from tomodenoise.scans.hdf5 import dataset, frame_axes, opened
from tomodenoise.scans.origins import Origin, check

CHANGED = "the file has changed since its header was read: run the workflow again"


def read(
    frames: Frames | Sequence[Frames], rows: tuple[int, int], select: slice | IntArray | None = None
) -> FloatArray:
    """Read some rows of some frames.

    Parameters
    ----------
    frames : the frames to choose from; several parts are concatenated.
    rows : detector rows [start, stop), counted in the file and not in the crop.
    select : index into the concatenated ``indices`` of the frames; ascending if there are several parts. Default: all.

    Returns
    -------
    (n, rows, columns) float32, in the order of ``select``.

    Raises
    ------
    UserError
        If the file has changed since its header was read, or data is missing from it.
    """
    if isinstance(frames, Frames):
        return _read(frames, rows, frames.indices if select is None else frames.indices[select])
    ends = np.cumsum([0, *(len(part.indices) for part in frames)])
    chosen = np.arange(ends[-1])[slice(None) if select is None else select]
    blocks = [
        _read(part, rows, part.indices[inside - start])
        for part, start, stop in zip(frames, ends[:-1], ends[1:], strict=True)
        if len(inside := chosen[(chosen >= start) & (chosen < stop)])
    ]
    return blocks[0] if len(blocks) == 1 else np.concatenate(blocks)


def ceiling(frames: Frames) -> float | None:
    """Return the largest value of the frames' integer type, which saturated pixels have; None for floats."""
    if frames.images:
        dtype: np.dtype[Any] = tiff.layout(frames.file).dtype
    else:
        with opened(frames.file) as file:
            dtype = _stack(file, frames).dtype
    return float(np.iinfo(dtype).max) if dtype.kind in "iu" else None


def _read(frames: Frames, rows: tuple[int, int], indices: IntArray) -> FloatArray:
    if frames.images:
        return images.read(frames.images, rows, indices)
    with opened(frames.file) as file:
        stack = _stack(file, frames)
        axes = frame_axes(stack.shape)
        if stack.ndim == 2:  # a single frame, such as a mean
            return _frame(stack, frames, rows, len(indices))
        if len(axes) != 3 or (len(indices) and indices[-1] >= stack.shape[axes[0]]) or rows[1] > stack.shape[axes[1]]:
            raise UserError(f"{frames.file}: {frames.dataset} has shape {stack.shape}: {CHANGED}")
        check(_origin(frames.file, frames.dataset, frames.file.stat().st_mtime_ns), indices)
        out = np.empty((len(indices), rows[1] - rows[0], stack.shape[axes[2]]), dtype=np.float32)
        done = 0
        for start, stop in runs(indices):
            slices = dict(zip(axes, (slice(start, stop), slice(*rows), slice(None)), strict=True))
            out[done : done + stop - start] = stack[tuple(slices.get(axis, 0) for axis in range(stack.ndim))]
            done += stop - start
    return out


def _frame(stack: h5py.Dataset, frames: Frames, rows: tuple[int, int], count: int) -> FloatArray:
    """Read some rows of a dataset that is a single frame, (1, rows, columns), or none of it, (0, rows, columns)."""
    if rows[1] > stack.shape[0]:
        raise UserError(f"{frames.file}: {frames.dataset} has shape {stack.shape}: {CHANGED}")
    check(_origin(frames.file, frames.dataset, frames.file.stat().st_mtime_ns), None)
    return np.repeat(stack[slice(*rows)][None].astype(np.float32), count, axis=0)


def _stack(file: h5py.File, frames: Frames) -> h5py.Dataset:
    if (stack := dataset(file, frames.dataset)) is None:
        raise UserError(f"{frames.file}: there is no dataset {frames.dataset}: {CHANGED}")
    return stack


@lru_cache(maxsize=64)
def _origin(file: Path, path: str, modified: int) -> Origin:
    """Find the origin of a stack once per job, as its node may lack a disk; ``modified`` is part of the cache key."""
    with opened(file) as content:
        stack = content[path]
        return sources.find(stack, frame_axes(stack.shape)[0])


def read_channels(scan: Scan, rows: tuple[int, int]) -> FloatArray:
    """Read some slices of multichannel sinograms.

    Parameters
    ----------
    scan : a scan with `channels`.
    rows : slices [start, stop), counted in the volume, so 0 is the first one in use.

    Returns
    -------
    (angle, channel, slice, translation) float32, whatever the order of the axes in the file.

    Raises
    ------
    UserError
        If the dataset is no longer there.
    """
    axes = scan.channels.axes if scan.channels else "azt"
    kept = axes.replace("z", "")
    order = [(kept if "c" in kept else f"c{kept}").index(axis) for axis in "act"]
    out = np.empty((len(scan.angles), scan.channel_count, rows[1] - rows[0], scan.columns), dtype=np.float32)
    chosen = scan.projections[0].indices
    with opened(scan.projections[0].file) as file:
        stack = _stack(file, scan.projections[0])
        for number, row in enumerate(range(scan.rows[0] + rows[0], scan.rows[0] + rows[1])):
            part = stack[tuple(row if axis == "z" else slice(None) for axis in axes)]
            out[:, :, number] = (part if "c" in kept else part[None]).transpose(order)[chosen]
    return out
