"""Write the group metadata of the OME-Zarr image: axes, resolutions, physical scale, provenance."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tomodenoise import logs, modelfile, provenance, volumes

if TYPE_CHECKING:
    from snakemake.script import snakemake


def main(
    scan: Path,
    image: Path,
    shape: Sequence[int],
    pixel_size: float,
    step_seconds: float | None,
    facts: dict[str, Any],
    model: Path | None,
) -> None:
    """Allocate the image of a scan, named as the scan is; its model, where given, tells what its channels span."""
    source = json.loads(scan.read_text())["identity"]
    described = provenance.collect(facts["config"], source)
    attributes = {"provenance": described | {key: value for key, value in facts.items() if key != "config"}}
    logs.logger.info("%s: %g micrometre", image, pixel_size)
    (name,) = facts["config"]["scans"]
    channels = modelfile.shown(modelfile.describe(model), facts["channels"]["labels"]) if model else ()
    volumes.allocate_image(image, tuple(shape), pixel_size, attributes, name, channels, step_seconds)


if __name__ == "__main__":
    with logs.to(snakemake.log[0]):
        files = snakemake.input
        model = Path(files.model) if files.model else None
        main(Path(files.scan), Path(snakemake.output[0]).parent, **dict(snakemake.params.items()), model=model)
