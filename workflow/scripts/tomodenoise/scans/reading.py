"""Read rows of frames, and never more than that."""

import numpy as np

from tomodenoise.arrays import FloatArray, IntArray
from tomodenoise.scans.hdf5 import opened
from tomodenoise.scans.model import Frames, runs


def read(frames: Frames, rows: tuple[int, int], select: slice | IntArray | None = None) -> FloatArray:
    """Read some rows of some frames.

    Parameters
    ----------
    frames : the frames to choose from.
    rows : start and stop of the detector rows, counted in the file, whatever the crop.
    select : which of the frames, as an index into ``frames.indices``; default: all.

    Returns
    -------
    (n, rows, columns) float32, in the order of ``select``.
    """
    indices = frames.indices if select is None else frames.indices[select]
    with opened(frames.file) as file:
        stack = file[frames.dataset]
        out = np.empty((len(indices), rows[1] - rows[0], stack.shape[2]), dtype=np.float32)
        done = 0
        for start, stop in runs(indices):
            out[done : done + stop - start] = stack[start:stop, rows[0] : rows[1]]
            done += stop - start
    return out
