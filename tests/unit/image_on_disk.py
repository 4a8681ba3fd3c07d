"""A small OME-Zarr image, written as the workflow does: the resolutions first, what describes them last."""

from pathlib import Path

import numpy as np

from tomodenoise.common.arrays import FloatArray
from tomodenoise.common.blocks import block_mean
from tomodenoise.storage import grid, ome_zarr, zarr_arrays

PIXEL_SIZE = 1.43


def write_image(path: Path, values: FloatArray, rows: int | None = None) -> Path:
    """Write values (t, c, z, y, x) and their pyramid, in shards of some rows."""
    fine = values
    for level, shape in enumerate(grid.pyramid((values.shape[2], values.shape[3], values.shape[4]))):
        if level:
            fine = np.stack([[block_mean(channel, 2) for channel in time] for time in fine])
        full = (*values.shape[:2], *shape)
        shard = (*full[:2], rows or shape[0], *shape[1:])
        zarr_arrays.allocate(path / str(level), full, shard, zarr_arrays.chunk(shard), names="tczyx", attributes={})
        for start in range(0, shape[0], shard[2]):
            zarr_arrays.write_shard(path / str(level), (0, 0, start, 0, 0), fine[:, :, start : start + shard[2]])
    windows = ome_zarr.windows(path / str(level), 0.5)
    ome_zarr.describe(path, values.shape, PIXEL_SIZE, {"provenance": {"revision": "abc"}}, "tooth", windows)
    return path
