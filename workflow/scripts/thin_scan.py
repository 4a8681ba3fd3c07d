"""Describe a part of the dose of a scan as a separate scan with the same measures and center; no data are copied."""

import json
import shutil
from pathlib import Path

from tomodenoise.common import logs, provenance
from tomodenoise.scans import description
from tomodenoise.scans.thinning import Thinning
from tomodenoise.splitting import thinning


def main(job: logs.Job) -> None:
    """Write `scan.json`, `measured.json` and `center.json` of the part."""
    files = job.input
    whole = description.read(Path(files.scan))
    kept = Thinning.model_validate(job.params.thinning)
    check = json.loads(Path(files.check).read_text())
    thinning.check_photons(check.get("photons"), kept)
    part = thinning.thin(whole, kept)
    logs.logger.info("%d of %d projections: %s", len(part.angles), len(whole.angles), part.thinning)
    described = {"format": provenance.FORMAT} | description.to_json(part)
    Path(job.output.scan).write_text(json.dumps(described, indent=1))
    measured = json.loads(Path(files.measured).read_text())
    # The gain of the check is more precise than that of the scan.
    measured["measures"]["gain"] = check.get("gain") or measured["measures"]["gain"]
    Path(job.output.measured).write_text(json.dumps(measured, indent=1))
    shutil.copyfile(files.center, job.output.center)


if __name__ == "__main__":
    logs.run(main)
