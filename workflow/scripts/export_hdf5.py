"""Write a volume to one HDF5 file."""

from pathlib import Path
from typing import TYPE_CHECKING

from tomodenoise.common import logs
from tomodenoise.exports import hdf5
from tomodenoise.storage import ome_zarr

if TYPE_CHECKING:
    from snakemake.script import snakemake


def main(folder: Path, output: Path) -> None:
    """Copy the full resolution of an image, a few rows at a time."""
    image = ome_zarr.read(folder)
    hdf5.write(image, output)
    logs.logger.info("%s: %s", output, " x ".join(map(str, image.shape)))


if __name__ == "__main__":
    with logs.to(snakemake.log[0]):
        main(Path(snakemake.input.image).parent, Path(snakemake.output[0]))
