"""Find the column of the rotation axis and draw the picture by which a person judges it."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from tomodenoise import centering, directions, engines, logs, scans, volumes

if TYPE_CHECKING:
    from snakemake.script import snakemake

ROWS = 32


def main(scan_file: Path, array: Path, output: Path, picture: Path, wanted: float | str, engine: str) -> None:
    """Search on rows spread over the scan; a number overrules what is found."""
    scan = scans.from_json(json.loads(scan_file.read_text()))
    sinograms = volumes.read_spread_rows(array, ROWS)
    found = centering.find(sinograms, scan.angles)
    if wanted != "auto":
        found = centering.overrule(found, float(wanted))
    logs.logger.info("center %.2f (%s), of %s", found.center, found.method, [asdict(each) for each in found.estimates])
    if found.warning:
        logs.logger.warning(found.warning)
    weights, _ = directions.angular_weights(scan.angles)
    plan = engines.plan(engine, None, scan.angles, weights, sinograms.shape[2])
    centering.figure(sinograms, scan.angles, found, plan).savefig(picture)
    output.write_text(json.dumps(asdict(found) | {"size": sinograms.shape[2]}, indent=1))


if __name__ == "__main__":
    with logs.to(snakemake.log[0]):
        files, (output, picture) = snakemake.input, map(Path, snakemake.output)
        main(
            Path(files.scan),
            Path(files.array).parent,
            output,
            picture,
            snakemake.params.center,
            snakemake.params.engine,
        )
