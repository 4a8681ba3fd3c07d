"""Write down what a raw file holds, look at every frame of it, and measure what the correction of its slabs needs."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tomodenoise import centering, correction, dealing, logs, provenance, scans

if TYPE_CHECKING:
    from snakemake.script import snakemake


def main(
    files: Sequence[Path],
    described: Path,
    measured: Path,
    entry: Mapping[str, Any],
    channels: Mapping[str, Any] | None,
    last: int,
) -> None:
    """Write `scan.json` and `measured.json`.

    Parameters
    ----------
    entry : of the scan in the resolved configuration, as far as it shapes its projections.
    channels : what it says of those.
    last : projections that stripes are measured on, of the first ones.
    """
    chosen = entry["correct"]
    scan = dealing.read(files, entry, chosen["input"], channels)
    shape = (len(scan.angles), scan.depth, scan.columns)
    logs.logger.info("%s: %s, %d projections of %d x %d", files[0], scan.kind, *shape)
    if chosen["screen"]:
        scan = correction.screen(scan)
    for doubt in (*scan.left_out, *scan.doubts):
        logs.logger.warning("%s: %s", files[0], doubt)
    options, divided = correction.from_settings(chosen), chosen["flats"] == "divided"
    measures = correction.measure(scan)
    sinograms, angles = correction.sample(scan, options, measures, last, divided=divided)
    axis = centering.find(sinograms.swapaxes(0, 1), angles).center
    stripes = correction.choose_stripes(sinograms, angles, axis, options.stripes)
    logs.logger.info("stripes: %s (%s)", stripes.method, stripes.why or f"strength {stripes.before} to {stripes.after}")
    described.write_text(json.dumps({"format": provenance.FORMAT} | scans.to_json(scan), indent=1))
    measured.write_text(json.dumps(correction.measured_to_json(correction.Measured(measures, stripes)), indent=1))


if __name__ == "__main__":
    with logs.to(snakemake.log[0]):
        output, params = snakemake.output, snakemake.params
        files = list(map(Path, snakemake.input.raw))
        main(files, Path(output.scan), Path(output.measured), params.entry, params.channels, params.last)
