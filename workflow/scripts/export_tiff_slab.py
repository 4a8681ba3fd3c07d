"""Write the slices of one slab as TIFF files, and a record of them."""

import json
from pathlib import Path

from tomodenoise.common import logs
from tomodenoise.exports import tiff
from tomodenoise.storage import ome_zarr


def main(image: Path, record: Path, rows: tuple[int, int], times: tuple[int, int], kind: str) -> None:
    """Write the slices to the folder of the stack, above that of the record."""
    written = tiff.write_slices(ome_zarr.read(image), record.parents[1], rows, times, kind)
    logs.logger.info("%d slices, %d values beyond the window", len(written["files"]), written["clipped"])
    record.write_text(json.dumps(written))


if __name__ == "__main__":
    with logs.job() as snakemake:
        params, kind = snakemake.params, snakemake.wildcards.tiff
        main(Path(snakemake.input.image).parent, Path(snakemake.output[0]), params.rows, params.times, kind)
