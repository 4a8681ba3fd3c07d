"""Write one slab of the noisy reconstruction from all projections: the weighted mean of the sections."""

from pathlib import Path

import numpy as np

from tomodenoise.common import logs
from tomodenoise.common.arrays import FloatArray
from tomodenoise.denoising.tile_plan import READ_AT_ONCE
from tomodenoise.storage import sections, zarr_arrays


def main(job: logs.Job) -> None:
    """Read the sections of each time step a few rows at a time, mix, write one shard."""
    rows, times = job.params.rows, job.params.times
    scan = sections.describe(Path(job.input.split).parent)
    logs.logger.info("rows %d to %d of %s", rows[0], rows[1] - 1, scan.array)
    starts = range(rows[0], rows[1], READ_AT_ONCE)

    def mixed(step: sections.Sections) -> FloatArray:
        parts = (step.read(start, min(start + READ_AT_ONCE, rows[1])) for start in starts)
        return np.concatenate([sections.mix(part, step.shares) for part in parts], axis=1)

    shard = np.stack([mixed(scan.at(time)) for time in range(*times)])
    zarr_arrays.write_shard(Path(job.input.array).parent, (times[0], 0, rows[0], 0, 0), shard)


if __name__ == "__main__":
    logs.run(main)
