"""Decide whether the counts of a scan are photons that can be split, and store the statistics for this decision."""

import json
from dataclasses import asdict
from pathlib import Path

from tomodenoise.common import logs
from tomodenoise.correction import channel_photons, measured, photons
from tomodenoise.scans import description


def main(job: logs.Job) -> None:
    """Write the statistics of the counts, and the reason if they cannot be split."""
    scan = description.read(Path(job.input.scan))
    known = measured.read(Path(job.input.measured))
    found: dict[str, object] = {"refused": None}
    if job.params.by == "photons" and scan.channels:
        counted = channel_photons.examine(scan)
        found = {"refused": channel_photons.refusal(counted), **asdict(counted)}
    elif job.params.by == "photons":
        statistics = photons.examine(scan, known.measures)
        found = {"refused": photons.refusal(statistics), **asdict(statistics)}
    if found["refused"]:
        logs.logger.warning("no dose study: %s", found["refused"])
    Path(job.output[0]).write_text(json.dumps(found, indent=1))


if __name__ == "__main__":
    logs.run(main)
