"""Reconstruct one slab of all sections into its own shard of `sections.zarr`."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from tomodenoise import devices, engines, logs, splitting, volumes

if TYPE_CHECKING:
    from snakemake.script import snakemake


def main(
    projections: Path, split: Path, center: Path, array: Path, rows: tuple[int, int], settings: dict[str, Any]
) -> None:
    """Read the slab's sinograms once, reconstruct each section, write one shard."""
    sections = splitting.from_json(json.loads(split.read_text())).sections
    column = json.loads(center.read_text())["center"]
    sinograms = volumes.read(projections, (slice(None), slice(*rows))).swapaxes(0, 1)
    size = sinograms.shape[2]
    block = np.empty((len(sections), 1, len(sinograms), size, size), dtype=np.float32)
    for number, section in enumerate(sections):
        plan = engines.plan_as_set(settings, section.angles, section.weights, size, devices.best())
        block[number, 0] = plan(sinograms[:, section.indices], column)
    logs.logger.info("rows %d to %d: %d sections with center %.2f", rows[0], rows[1] - 1, len(sections), column)
    volumes.write_shard(array, (0, 0, rows[0], 0, 0), block)


if __name__ == "__main__":
    with logs.to(snakemake.log[0]):
        torch.set_num_threads(snakemake.threads)
        files = snakemake.input
        main(
            Path(files.allocated).parent,
            Path(files.split),
            Path(files.center),
            Path(files.array).parent,
            snakemake.params.rows,
            snakemake.params.settings,
        )
