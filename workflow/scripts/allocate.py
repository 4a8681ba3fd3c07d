"""Write the metadata of an empty array; its slabs are other jobs' outputs."""

import json
from pathlib import Path

from tomodenoise.common import logs, provenance
from tomodenoise.storage import zarr_arrays


def main(job: logs.Job) -> None:
    """Allocate the array, with where it comes from in its attributes."""
    array = Path(job.output[0]).parent
    params = job.params
    logs.logger.info("%s: shape %s, one shard %s", array, list(params.shape), list(params.shard))
    source = json.loads(Path(job.input.scan).read_text())["identity"]
    attributes = {"provenance": provenance.collect(params.config, source)} if params.config else {}
    shape, shard = tuple(params.shape), tuple(params.shard)
    chunk = tuple(params.chunk) if params.chunk else zarr_arrays.chunk(shard)
    zarr_arrays.allocate(
        array, shape, shard, chunk, names=params.names, attributes=attributes, compressed=params.compressed
    )


if __name__ == "__main__":
    logs.run(main)
