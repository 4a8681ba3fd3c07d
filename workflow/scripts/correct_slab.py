"""Correct one slab of raw frames into its own shard of line integrals, and count what was mended."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from tomodenoise import correction, logs, scans, splitting, volumes

if TYPE_CHECKING:
    from snakemake.script import snakemake


def main(scan_file: Path, split_file: Path, array: Path, counts: Path, rows: tuple[int, int], flats: str) -> None:
    """Read the slab's rows of all frames, write one shard and what was counted."""
    scan = scans.from_json(json.loads(scan_file.read_text()))
    split = splitting.from_json(json.loads(split_file.read_text()))
    assignment = splitting.assignment(split) if flats == "divided" else None
    projections, statistics = correction.correct_slab(scan, rows, assignment, correction.measure_gain(scan))
    for concern in correction.concerns(scan, [statistics], len(split.sections), divided=flats == "divided"):
        logs.logger.warning(concern)
    logs.logger.info("rows %d to %d of %d projections: %s", rows[0], rows[1] - 1, len(projections), asdict(statistics))
    volumes.write_shard(array, (0, rows[0], 0), projections)
    counts.write_text(json.dumps(asdict(statistics)))


if __name__ == "__main__":
    with logs.to(snakemake.log[0]):
        main(
            Path(snakemake.input.scan),
            Path(snakemake.input.split),
            Path(snakemake.input.array).parent,
            Path(snakemake.output.counts),
            snakemake.params.rows,
            snakemake.params.flats,
        )
