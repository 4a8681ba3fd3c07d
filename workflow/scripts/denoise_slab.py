"""Denoise one slab into its own shard of the image, and keep its part of the three orthogonal planes."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from tomodenoise import devices, figures, inference, logs, models, sections, volumes

if TYPE_CHECKING:
    from snakemake.script import snakemake


def main(model: Path, results: Path, array: Path, planes: Path, rows: tuple[int, int], mixing: str) -> None:
    """Stream the slab through the model, write one shard."""
    scan, network = sections.describe(results), models.load(model, devices.best())
    slab = np.empty((1, 1, rows[1] - rows[0], scan.size, scan.size), dtype=np.float32)
    views = figures.Planes.empty(rows, scan.depth, scan.size)
    slices = inference.denoise(network, scan, rows, average=mixing == "sections")
    for number, (before, after) in enumerate(slices):
        slab[0, 0, number] = after
        views.add(number, before, after)
    logs.logger.info("rows %d to %d with %s on %s", rows[0], rows[1] - 1, model, devices.best())
    volumes.write_shard(array, (0, 0, rows[0], 0, 0), slab)
    views.save(planes)


if __name__ == "__main__":
    with logs.to(snakemake.log[0]):
        torch.set_num_threads(snakemake.threads)
        main(
            Path(snakemake.input.model),
            Path(snakemake.input.split).parent,
            Path(snakemake.input.array).parent,
            Path(snakemake.output.planes),
            snakemake.params.rows,
            snakemake.params.input,
        )
