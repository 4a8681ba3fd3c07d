"""Write down what a raw file holds, so that later stages need not search it."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tomodenoise import dealing, logs, provenance, scans

if TYPE_CHECKING:
    from snakemake.script import snakemake


def main(
    files: Sequence[Path],
    output: Path,
    input_kind: str,
    rows: tuple[int, int] | None,
    entry: Mapping[str, Any],
    channels: Mapping[str, Any] | None,
    pixel_size: float | None = None,
) -> None:
    """Read the headers and write `scan.json`; `entry` has the mode of the scan, and what decides over its frames.

    A `pixel_size` of the user only settles what is logged: another one makes no product again.
    """
    scan = dealing.read(files, {**entry, "rows": rows}, input_kind, channels)
    described, file = scans.to_json(scan), files[0]
    logs.logger.info("%s: %s, %d projections of %d x %d", file, scan.kind, len(scan.angles), scan.depth, scan.columns)
    if scan.steps is not None:
        logs.logger.info("%d time steps in %d files", scan.steps[-1] + 1, len(files))
    for kind, parts in scan.excluded.items():
        logs.logger.info("left out by the key exclude: %s %s", kind, ", ".join(f"[{a}, {b})" for a, b in parts))
    if (pixel_size or scan.pixel_size) is None:
        logs.logger.warning("%s does not tell the pixel size: set pixel_size, else 1.0 micrometre is used", file)
    for doubt in scans.sized(scan, pixel_size).doubts:
        logs.logger.warning("%s: %s", file, doubt)
    output.write_text(json.dumps({"format": provenance.FORMAT} | described, indent=1))


if __name__ == "__main__":
    with logs.to(snakemake.log[0]):
        params = snakemake.params
        files = list(map(Path, snakemake.input.raw))
        size = snakemake.config["scans"][snakemake.wildcards.scan].get("pixel_size")
        main(files, Path(snakemake.output[0]), params.input, params.rows, params.series, params.channels, size)
