"""Read rows of frames, and never more than that."""

from collections.abc import Sequence

import numpy as np

from tomodenoise.arrays import FloatArray, IntArray
from tomodenoise.scans.hdf5 import opened
from tomodenoise.scans.model import Frames, runs


def read(
    frames: Frames | Sequence[Frames], rows: tuple[int, int], select: slice | IntArray | None = None
) -> FloatArray:
    """Read some rows of some frames.

    Parameters
    ----------
    frames : the frames to choose from; several parts count as one after the other.
    rows : start and stop of the detector rows, counted in the file, whatever the crop.
    select : which of the frames, as an index into all their ``indices``; ascending where there are several parts.
        Default: all.

    Returns
    -------
    (n, rows, columns) float32, in the order of ``select``.
    """
    if isinstance(frames, Frames):
        return _read(frames, rows, frames.indices if select is None else frames.indices[select])
    ends = np.cumsum([0, *(len(part.indices) for part in frames)])
    chosen = np.arange(ends[-1])[slice(None) if select is None else select]
    found = [
        _read(part, rows, part.indices[mine - first])
        for part, first, last in zip(frames, ends[:-1], ends[1:], strict=True)
        if len(mine := chosen[(chosen >= first) & (chosen < last)])
    ]
    return found[0] if len(found) == 1 else np.concatenate(found)


def _read(frames: Frames, rows: tuple[int, int], indices: IntArray) -> FloatArray:
    with opened(frames.file) as file:
        stack = file[frames.dataset]
        out = np.empty((len(indices), rows[1] - rows[0], stack.shape[2]), dtype=np.float32)
        done = 0
        for start, stop in runs(indices):
            out[done : done + stop - start] = stack[start:stop, rows[0] : rows[1]]
            done += stop - start
    return out
