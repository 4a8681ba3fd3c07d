"""Write the group metadata of a finished OME-Zarr image: axes, resolutions, scale, grey windows, provenance."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tomodenoise.common import logs, provenance
from tomodenoise.geometry import rotation_axis
from tomodenoise.storage import ome_zarr


def main(
    scan: Path,
    center: Path,
    coarsest: Path,
    image: Path,
    shape: Sequence[int],
    pixel_size: float | None,
    step_seconds: float | None,
    facts: dict[str, Any],
) -> None:
    """Describe the image of a scan, named as the scan is; until then no program takes the folder for one."""
    source = json.loads(scan.read_text())["identity"]
    described = provenance.collect(facts["config"], source)
    attributes = {"provenance": described | {key: value for key, value in facts.items() if key != "config"}}
    (name,) = facts["config"]["scans"]
    windows = ome_zarr.windows(coarsest, rotation_axis.read(center).radius / shape[-1])
    logs.logger.info("%s: pixels of %s micrometre, %s", image, pixel_size, windows)
    labels = facts.get("channels", {}).get("labels", ())
    ome_zarr.describe(image, tuple(shape), pixel_size, attributes, name, windows, labels, step_seconds)


if __name__ == "__main__":
    with logs.job() as snakemake:
        files = snakemake.input
        main(
            Path(files.scan),
            Path(files.center),
            Path(files.coarsest).parent,
            Path(snakemake.output[0]).parent,
            **dict(snakemake.params.items()),
        )
