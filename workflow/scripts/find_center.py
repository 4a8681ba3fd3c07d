"""Find the column of the rotation axis and draw the picture by which a person judges it."""

import json
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tomodenoise import centering, engines, logs, scans, splitting, volumes, widening
from tomodenoise.arrays import FloatArray
from tomodenoise.widening import Widening

if TYPE_CHECKING:
    from snakemake.script import snakemake

ROWS = 32


def main(scan_file: Path, array: Path, output: Path, picture: Path, wanted: dict[str, Any], engine: str) -> None:
    """Search on rows spread over the scan; numbers in the config overrule what is found."""
    angles = scans.from_json(json.loads(scan_file.read_text())).angles
    sinograms, rows = volumes.read_spread_rows(array, ROWS)
    found = centering.settle(centering.find(sinograms, angles, rows), wanted["center"], wanted["tilt"])
    extended = centering.is_extended(wanted["field"], found.center, sinograms.shape[2], angles)
    logs.logger.info("center %.2f (%s), confidence %s; %s", found.center, found.method, found.confidence, asdict(found))
    if found.warning:
        logs.logger.warning(found.warning)
    wide = widening.widened(sinograms.shape[2], found.center) if extended else None
    trial = partial(reconstruct, engine, angles, wide)
    centering.figure(sinograms, angles, found, trial, rows, extended=extended).savefig(picture)
    output.write_text(json.dumps(asdict(found), indent=1))


def reconstruct(
    engine: str, angles: FloatArray, wide: Widening | None, sinograms: FloatArray, center: float
) -> FloatArray:
    """Reconstruct a few slices from all projections with a center on trial."""
    weights, _ = splitting.angular_weights(angles)
    if wide:
        weights = 2 * splitting.angular_weights(angles / 2)[0]  # modulo 360 degrees
        sinograms, center = widening.apply(sinograms, wide, center), center + wide.before
    return engines.plan(engine, angles, weights, sinograms.shape[2], center, filter="ram-lak", pad="edge")(sinograms)


if __name__ == "__main__":
    with logs.to(snakemake.log[0]):
        files, (output, picture), params = snakemake.input, map(Path, snakemake.output), snakemake.params
        main(Path(files.scan), Path(files.array).parent, output, picture, params.wanted, params.engine)
