"""Write down what a raw file holds, so that later stages need not search it."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tomodenoise import logs, scans

if TYPE_CHECKING:
    from snakemake.script import snakemake


def main(
    file: Path, output: Path, input_kind: str, rows: tuple[int, int] | None, channels: dict[str, Any] | None
) -> None:
    """Read the header and write `scan.json`."""
    scan = scans.open_scan(file, input=input_kind, rows=rows, channels=channels)
    described = scans.to_json(scan)
    logs.logger.info("%s: %s, %d projections of %d x %d", file, scan.kind, len(scan.angles), scan.depth, scan.columns)
    if scan.pixel_size is None:
        logs.logger.warning("%s does not tell the pixel size: set pixel_size, else 1.0 micrometre is used", file)
    for doubt in scan.doubts:
        logs.logger.warning("%s: %s", file, doubt)
    output.write_text(json.dumps(described, indent=1))


if __name__ == "__main__":
    with logs.to(snakemake.log[0]):
        params = snakemake.params
        main(Path(snakemake.input.raw), Path(snakemake.output[0]), params.input, params.rows, params.channels)
