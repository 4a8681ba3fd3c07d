"""Describe a finished stack of TIFF files: scale, units, window, provenance."""

import json
from collections.abc import Sequence
from pathlib import Path

from tomodenoise.common import logs
from tomodenoise.exports import tiff
from tomodenoise.storage import ome_zarr


def main(image: Path, records: Sequence[Path], output: Path, kind: str) -> None:
    """Gather the records of all slabs into one file next to the slices."""
    described = tiff.describe(ome_zarr.read(image), output.parent, records, kind)
    logs.logger.info("%s: %d slices", output.parent, described["slices"])
    output.write_text(json.dumps(described, indent=1))


if __name__ == "__main__":
    with logs.job() as snakemake:
        files, kind = snakemake.input, snakemake.wildcards.tiff
        main(Path(files.image).parent, [Path(slab) for slab in files.slabs], Path(snakemake.output[0]), kind)
