"""Deal the projections of a scan to sections: index lists, no copied data."""

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from tomodenoise import logs, scans, splitting

if TYPE_CHECKING:
    from snakemake.script import snakemake


def main(scan: Path, output: Path, sections: int, inputs: int, why: str) -> None:
    """Read the angles from `scan.json` and write `split.json`."""
    angles = scans.from_json(json.loads(scan.read_text())).angles
    found = replace(splitting.split(angles, sections, inputs), why=why)
    chosen = f" ({why})" if why else ""
    logs.logger.info(
        "%d projections in %d sections%s, %d in and %d out", len(angles), sections, chosen, inputs, sections - inputs
    )
    if found.missing_wedge:
        logs.logger.warning("the angles leave out a wedge of %.1f degrees", found.missing_wedge)
    output.write_text(json.dumps(splitting.to_json(found), indent=1))


if __name__ == "__main__":
    with logs.to(snakemake.log[0]):
        main(
            Path(snakemake.input.scan),
            Path(snakemake.output[0]),
            **snakemake.params.choice,
        )
