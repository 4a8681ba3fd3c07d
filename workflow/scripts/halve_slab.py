"""Write one slab of a coarser resolution of the image: means of blocks of the next finer one."""

from pathlib import Path
from typing import TYPE_CHECKING

from tomodenoise import logs, volumes

if TYPE_CHECKING:
    from snakemake.script import snakemake


def main(finer: Path, array: Path, rows: tuple[int, int]) -> None:
    """Read twice as many rows as are written, average, write one shard."""
    logs.logger.info("rows %d to %d from %s", rows[0], rows[1] - 1, finer)
    fine = volumes.read(finer, (0, 0, slice(2 * rows[0], 2 * rows[1])))
    volumes.write_shard(array, (0, 0, rows[0], 0, 0), volumes.halve(fine)[None, None])


if __name__ == "__main__":
    with logs.to(snakemake.log[0]):
        main(Path(snakemake.input.allocated).parent, Path(snakemake.input.array).parent, snakemake.params.rows)
