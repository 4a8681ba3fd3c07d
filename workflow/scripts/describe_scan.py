"""Describe a raw file, check all of its frames, and measure what the correction needs."""

import json
from dataclasses import asdict
from pathlib import Path

from tomodenoise.common import logs, provenance
from tomodenoise.config import settings
from tomodenoise.correction import concerns, screening, surveying
from tomodenoise.correction.options import Correct
from tomodenoise.scans import description, file_names
from tomodenoise.splitting import of_scan
from tomodenoise.splitting.options import SteppedScan


def main(job: logs.Job) -> None:
    """Write `scan.json` and `measured.json`."""
    options = Correct.model_validate(job.params.settings)
    entry = SteppedScan.model_validate(job.params.entry)
    files = file_names.expand(entry.file)
    scan = of_scan.read(files, entry, options.input, job.params.channels)
    shape = (len(scan.angles), scan.depth, scan.columns)
    logs.logger.info("%s: %s, %d projections of %d x %d", files[0], scan.kind, *shape)
    if scan.steps is not None:
        logs.logger.info("%d time steps in %d files", scan.steps[-1] + 1, len(files))
    for kind, parts in scan.excluded.items():
        logs.logger.info("left out by the key exclude: %s %s", kind, ", ".join(f"[{a}, {b})" for a, b in parts))
    if options.screen:
        scan = screening.screen(scan)
    # The user's pixel size only affects the log: it is not a parameter, so a new value does not rerun this job.
    pixel_size = settings.load(job.config).scans[job.wildcards.scan].pixel_size
    for doubt in (*scan.left_out, *description.sized(scan, pixel_size).doubts):
        message = str(doubt).removeprefix(f"{files[0]}: ")
        logs.logger.warning("%s: %s", files[0], message)
    measured = surveying.survey(scan, options, job.params.last)
    stripes = measured.stripes
    logs.logger.info("stripes: %s (%s)", stripes.method, stripes.why or f"strength {stripes.before} to {stripes.after}")
    for concern in concerns.rings(stripes):
        logs.logger.warning(concern)
    described = {"format": provenance.FORMAT} | description.to_json(scan)
    Path(job.output.scan).write_text(json.dumps(described, indent=1))
    Path(job.output.measured).write_text(json.dumps(asdict(measured), indent=1))


if __name__ == "__main__":
    logs.run(main)
