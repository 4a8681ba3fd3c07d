"""Reconstruct one slab of all sections into its own shard of `sections.zarr`."""

import json
from pathlib import Path

import numpy as np
import torch

from tomodenoise.common import devices, logs
from tomodenoise.geometry import rotation_axis
from tomodenoise.reconstruction import slices
from tomodenoise.reconstruction.options import Reconstruct
from tomodenoise.splitting import by_angle, model
from tomodenoise.storage import zarr_arrays


def main(
    projections: Path,
    split_file: Path,
    center: Path,
    array: Path,
    rows: tuple[int, int],
    parts: tuple[int, int],
    angles: tuple[int, int],
    options: Reconstruct,
) -> None:
    """Read the sinograms of the slab once, reconstruct the sections or unions that are needed, write one shard.

    `parts` are the sections of a block of time steps and `angles` their projections; for a static scan, all of them.
    """
    split = model.from_json(json.loads(split_file.read_text()))
    axis = rotation_axis.read(center)
    centers = axis.centers(np.arange(*rows))
    unions = by_angle.kept(split, parts, additive=options.capabilities.additive)
    channels = zarr_arrays.read_sinograms(projections, rows, slice(*angles))
    block = np.empty((len(unions), *channels.shape[:2], axis.size, axis.size), dtype=np.float32)
    for number, members in enumerate(unions):
        section = by_angle.union(split, members)
        reconstruct = slices.prepare(section, axis, options, devices.best())
        for channel, sinograms in enumerate(channels):
            block[number, channel] = reconstruct(sinograms[:, section.indices - angles[0]], centers)
    logs.logger.info("rows %d to %d: %d reconstructions with center %s", *rows, len(unions), np.unique(centers))
    zarr_arrays.write_shard(array, (parts[0], 0, rows[0], 0, 0), block)


if __name__ == "__main__":
    with logs.job() as snakemake:
        torch.set_num_threads(snakemake.threads)
        files = snakemake.input
        main(
            Path(files.allocated).parent,
            Path(files.split),
            Path(files.center),
            Path(files.array).parent,
            snakemake.params.rows,
            snakemake.params.block,
            snakemake.params.angles,
            Reconstruct.model_validate(snakemake.params.settings),
        )
