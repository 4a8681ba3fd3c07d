"""Describe a finished stack of TIFF files: scale, units, window, provenance."""

import json
from pathlib import Path

from tomodenoise.common import logs
from tomodenoise.exports import tiff
from tomodenoise.storage import ome_zarr


def main(job: logs.Job) -> None:
    """Gather the records of all slabs into one file next to the slices."""
    output = Path(job.output[0])
    records = [Path(slab) for slab in job.input.slabs]
    described = tiff.describe(ome_zarr.read(Path(job.input.image).parent), output.parent, records, job.wildcards.tiff)
    logs.logger.info("%s: %d slices", output.parent, described["slices"])
    output.write_text(json.dumps(described, indent=1))


if __name__ == "__main__":
    logs.run(main)
