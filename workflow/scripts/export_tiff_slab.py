"""Write the slices of one slab as TIFF files, and a record of them."""

import json
from pathlib import Path

from tomodenoise.common import logs
from tomodenoise.exports import tiff
from tomodenoise.storage import ome_zarr


def main(job: logs.Job) -> None:
    """Write the slices to the folder of the stack, above that of the record."""
    record, params = Path(job.output[0]), job.params
    image = ome_zarr.read(Path(job.input.image).parent)
    written = tiff.write_slices(image, record.parents[1], params.rows, params.times, job.wildcards.tiff)
    logs.logger.info("%d slices, %d values beyond the window", len(written["files"]), written["clipped"])
    record.write_text(json.dumps(written))


if __name__ == "__main__":
    logs.run(main)
