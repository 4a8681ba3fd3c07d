"""Write a volume to one HDF5 file."""

from pathlib import Path
from typing import TYPE_CHECKING

from tomodenoise.common import formatting, logs
from tomodenoise.exports import hdf5

if TYPE_CHECKING:
    from snakemake.script import snakemake


def main(folder: Path, output: Path) -> None:
    """Copy the full resolution of an image, a few rows at a time."""
    hdf5.write(folder, output)
    logs.logger.info("%s: %s", output, formatting.size(output.stat().st_size))


if __name__ == "__main__":
    with logs.to(snakemake.log[0]):
        main(Path(snakemake.input.image).parent, Path(snakemake.output[0]))
