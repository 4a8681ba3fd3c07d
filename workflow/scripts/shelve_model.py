"""File a model on a shelf, with its card."""

import json
from pathlib import Path

from tomodenoise.common import files, logs
from tomodenoise.denoising import previews
from tomodenoise.shelf import filing


def main(job: logs.Job) -> None:
    """Write the folder on the shelf, and a record of where it is."""
    quality = job.input.get("quality") or []
    verdicts = [verdict["text"] for file in quality for verdict in json.loads(Path(file).read_text())["verdicts"]]
    planes = [previews.load(Path(file)) for file in job.input.get("planes") or []]
    axial = previews.join(planes).planes[0] if planes else None
    pair = (axial.before, axial.after) if axial else None
    model = Path(job.input.model)
    record = filing.put(model, Path(job.params.shelf), job.wildcards.model, job.params.factor, verdicts, pair)
    logs.logger.info("%s/%s: %s", record["shelf"], record["name"], record["filed"])
    with files.replacing(Path(job.output[0])) as partial:
        partial.write_text(json.dumps(record, indent=1))


if __name__ == "__main__":
    logs.run(main)
