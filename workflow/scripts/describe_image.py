"""Write the group metadata of a finished OME-Zarr image: axes, resolutions, scale, grey windows, provenance."""

import json
from pathlib import Path

from tomodenoise.common import logs, provenance
from tomodenoise.geometry import rotation_axis
from tomodenoise.storage import ome_zarr


def main(job: logs.Job) -> None:
    """Describe the image of a scan, named as the scan is; until then no program takes the folder for one."""
    files, params, facts = job.input, job.params, job.params.facts
    image = Path(job.output[0]).parent
    source = json.loads(Path(files.scan).read_text())["identity"]
    described = provenance.collect(facts["config"], source)
    attributes = {"provenance": described | {key: value for key, value in facts.items() if key != "config"}}
    (name,) = facts["config"]["scans"]
    radius = rotation_axis.read(Path(files.center)).radius
    windows = ome_zarr.windows(Path(files.coarsest).parent, radius / params.shape[-1])
    logs.logger.info("%s: pixels of %s micrometre, %s", image, params.pixel_size, windows)
    labels = facts.get("channels", {}).get("labels", ())
    shape = tuple(params.shape)
    ome_zarr.describe(image, shape, params.pixel_size, attributes, name, windows, labels, params.step_seconds)


if __name__ == "__main__":
    logs.run(main)
