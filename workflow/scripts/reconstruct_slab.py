"""Reconstruct one slab of all sections into its own shard of `sections.zarr`."""

from pathlib import Path

import numpy as np
import torch

from tomodenoise.common import devices, logs
from tomodenoise.geometry import rotation_axis
from tomodenoise.reconstruction import slices
from tomodenoise.reconstruction.options import Reconstruct
from tomodenoise.splitting import by_angle, model
from tomodenoise.storage import sections, zarr_arrays


def main(job: logs.Job) -> None:
    """Read the sinograms of the slab once, reconstruct the sections or unions that are needed, write one shard.

    The parameter `block` holds the sections of a block of time steps and `angles` their projections; for a static scan,
    all of them.
    """
    torch.set_num_threads(job.threads)
    files, params = job.input, job.params
    rows, first = params.rows, params.angles[0]
    options = Reconstruct.model_validate(params.settings)
    split = model.read(Path(files.split))
    axis = rotation_axis.read(Path(files.center))
    centers = axis.centers(np.arange(*rows))
    unions = by_angle.kept(split, params.block, additive=options.capabilities.additive)
    channels = zarr_arrays.read_sinograms(Path(files.allocated).parent, rows, slice(*params.angles), job.threads)
    with zarr_arrays.writing(Path(files.array).parent, (params.block[0], 0, rows[0], 0, 0), job.threads) as shard:
        for number, members in enumerate(unions):
            section = by_angle.union(split, members)
            reconstruct = slices.prepare(section, axis, options, devices.best())
            for channel, sinograms in enumerate(channels):
                for image in reconstruct(sinograms[:, section.indices - first], centers):
                    shard.add_row((number, channel), sections.rounded(image) if options.bits == 16 else image)
    logs.logger.info("rows %d to %d: %d reconstructions with center %s", *rows, len(unions), np.unique(centers))


if __name__ == "__main__":
    logs.run(main)
