"""Write the metadata of an empty array; its slabs are other jobs' outputs."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tomodenoise.common import logs, provenance
from tomodenoise.storage import zarr_arrays


def main(
    scan: Path,
    array: Path,
    shape: Sequence[int],
    shard: Sequence[int],
    chunk: Sequence[int] | None,
    names: Sequence[str],
    compressed: bool,
    config: dict[str, Any] | None,
) -> None:
    """Allocate the array, with where it comes from in its attributes."""
    logs.logger.info("%s: shape %s, one shard %s", array, list(shape), list(shard))
    source = json.loads(scan.read_text())["identity"]
    attributes = {"provenance": provenance.collect(config, source)} if config else {}
    inner = tuple(chunk) if chunk else zarr_arrays.chunk(tuple(shard))
    zarr_arrays.allocate(
        array, tuple(shape), tuple(shard), inner, names=names, attributes=attributes, compressed=compressed
    )


if __name__ == "__main__":
    with logs.job() as snakemake:
        main(Path(snakemake.input.scan), Path(snakemake.output[0]).parent, **dict(snakemake.params.items()))
