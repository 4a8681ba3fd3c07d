"""Write one slab of a coarser resolution of the image: means of blocks of the next finer one."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tomodenoise import logs, plans, volumes

if TYPE_CHECKING:
    from snakemake.script import snakemake


def main(finer: Path, array: Path, rows: tuple[int, int]) -> None:
    """Read twice as many rows as are written, a few at a time, average, write one shard."""
    logs.logger.info("rows %d to %d from %s", rows[0], rows[1] - 1, finer)
    starts = range(*rows, plans.READ_AT_ONCE)
    parts = [(2 * start, 2 * min(start + plans.READ_AT_ONCE, rows[1])) for start in starts]
    halved = [
        np.concatenate([volumes.halve(volumes.read(finer, (0, channel, slice(*part)))) for part in parts])
        for channel in range(volumes.open_array(finer).shape[1])
    ]
    volumes.write_shard(array, (0, 0, rows[0], 0, 0), np.stack(halved)[None])


if __name__ == "__main__":
    with logs.to(snakemake.log[0]):
        main(Path(snakemake.input.allocated).parent, Path(snakemake.input.array).parent, snakemake.params.rows)
