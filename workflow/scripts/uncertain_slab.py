"""Write one slab of the voxel-wise uncertainty into its own shard: the calibrated deviation between results."""

import json
from pathlib import Path

import numpy as np
import torch

from tomodenoise.common import devices, logs
from tomodenoise.denoising import spread
from tomodenoise.evaluation import uncertainty
from tomodenoise.networks import models
from tomodenoise.storage import sections, zarr_arrays


def main(job: logs.Job) -> None:
    """Denoise each part of the data, one after the other, and write the shard."""
    torch.set_num_threads(job.threads)
    rows, times = job.params.rows, job.params.times
    calibration = json.loads(Path(job.input.calibration).read_text())["channels"]
    scan = sections.describe(Path(job.input.split).parent)
    model = models.load(Path(job.input.model), devices.best())
    slab = []
    for time in range(*times):
        variance = spread.variance(model, scan, rows, time=time, ensemble=job.params.ensemble)
        slab.append(uncertainty.apply(calibration, variance))
    zarr_arrays.write_shard(Path(job.input.array).parent, (times[0], 0, rows[0], 0, 0), np.stack(slab))
    logs.logger.info("rows %d to %d with %s", rows[0], rows[1] - 1, job.input.model)


if __name__ == "__main__":
    logs.run(main)
