"""Describe a raw file, check all of its frames, and measure what the correction needs."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tomodenoise.centering import finding
from tomodenoise.common import logs, provenance
from tomodenoise.config import settings
from tomodenoise.correction import concerns, measuring, screening, stripe_choice
from tomodenoise.correction import measured as correction_measured
from tomodenoise.correction.measured import Measured
from tomodenoise.correction.options import Correct
from tomodenoise.scans import description
from tomodenoise.splitting import of_scan
from tomodenoise.splitting.options import SteppedScan


def main(
    files: Sequence[Path],
    described: Path,
    measured: Path,
    entry: SteppedScan,
    options: Correct,
    channels: Mapping[str, Any] | None,
    last: int,
    pixel_size: float | None = None,
) -> None:
    """Write `scan.json` and `measured.json`.

    Parameters
    ----------
    entry : keys of the scan in the configuration that shape its projections.
    options : the section `correct` of the scan.
    channels : keys of the scan about channels.
    last : number of projections, from the first, that stripes are measured on.
    pixel_size : given by the user. It only decides what is logged: a new value does not run this again.
    """
    scan = of_scan.read(files, entry, options.input, channels)
    shape = (len(scan.angles), scan.depth, scan.columns)
    logs.logger.info("%s: %s, %d projections of %d x %d", files[0], scan.kind, *shape)
    if scan.steps is not None:
        logs.logger.info("%d time steps in %d files", scan.steps[-1] + 1, len(files))
    for kind, parts in scan.excluded.items():
        logs.logger.info("left out by the key exclude: %s %s", kind, ", ".join(f"[{a}, {b})" for a, b in parts))
    if options.screen:
        scan = screening.screen(scan)
    for doubt in (*scan.left_out, *description.sized(scan, pixel_size).doubts):
        message = str(doubt).removeprefix(f"{files[0]}: ")
        logs.logger.warning("%s: %s", files[0], message)
    measures = measuring.measure(scan)
    sinograms, angles = correction_measured.sample(scan, options, measures, last)
    axis = finding.find(sinograms.swapaxes(0, 1), angles).center
    stripes = stripe_choice.choose(sinograms, angles, axis, options.stripes)
    logs.logger.info("stripes: %s (%s)", stripes.method, stripes.why or f"strength {stripes.before} to {stripes.after}")
    for concern in concerns.rings(stripes):
        logs.logger.warning(concern)
    described.write_text(json.dumps({"format": provenance.FORMAT} | description.to_json(scan), indent=1))
    measured.write_text(json.dumps(correction_measured.to_json(Measured(measures, stripes)), indent=1))


if __name__ == "__main__":
    with logs.job() as snakemake:
        output, params = snakemake.output, snakemake.params
        files = list(map(Path, snakemake.input.raw))
        main(
            files,
            Path(output.scan),
            Path(output.measured),
            SteppedScan.model_validate(params.entry),
            Correct.model_validate(params.settings),
            params.channels,
            params.last,
            settings.load(snakemake.config).scans[snakemake.wildcards.scan].pixel_size,
        )
