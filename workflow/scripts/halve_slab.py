"""Write one slab of a coarser resolution of the image: means of blocks of the next finer one."""

from pathlib import Path

import numpy as np

from tomodenoise.common import logs
from tomodenoise.common.arrays import FloatArray
from tomodenoise.common.blocks import block_mean
from tomodenoise.denoising.tile_plan import READ_AT_ONCE
from tomodenoise.storage import zarr_arrays


def main(job: logs.Job) -> None:
    """Read twice as many rows as are written of each time step, a few at a time, average, write one shard."""
    rows, times = job.params.rows, job.params.times
    finer = Path(job.input.allocated).parent
    logs.logger.info("rows %d to %d from %s", rows[0], rows[1] - 1, finer)
    starts = range(rows[0], rows[1], READ_AT_ONCE)
    parts = [(2 * start, 2 * min(start + READ_AT_ONCE, rows[1])) for start in starts]
    channels = range(zarr_arrays.open_array(finer).shape[1])

    def halved(time: int, channel: int) -> FloatArray:
        read = (zarr_arrays.read(finer, (time, channel, slice(*part))) for part in parts)
        return np.concatenate([block_mean(fine, 2) for fine in read])

    shard = np.stack([np.stack([halved(time, channel) for channel in channels]) for time in range(*times)])
    zarr_arrays.write_shard(Path(job.input.array).parent, (times[0], 0, rows[0], 0, 0), shard)


if __name__ == "__main__":
    logs.run(main)
