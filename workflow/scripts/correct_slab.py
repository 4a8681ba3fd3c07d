"""Correct one slab of raw frames into its own shard of line integrals, and count the repaired pixels."""

import json
from dataclasses import asdict, replace
from pathlib import Path

from tomodenoise.common import logs
from tomodenoise.correction import channels, concerns, slabs
from tomodenoise.correction import measured as correction_measured
from tomodenoise.correction.options import Correct
from tomodenoise.scans import description
from tomodenoise.splitting import by_angle, model
from tomodenoise.storage import zarr_arrays


def main(
    scan: Path,
    measured: Path,
    split: Path,
    array: Path,
    counts: Path,
    rows: tuple[int, int],
    angles: tuple[int, int],
    options: Correct,
    pixel_size: float | None,
) -> None:
    """Read the slab's rows of a block of frames, write one shard and the counts."""
    plan = model.from_json(json.loads(split.read_text()))
    raw = description.from_json(json.loads(scan.read_text()))
    raw = replace(raw, pixel_size=pixel_size or raw.pixel_size)
    known = correction_measured.from_json(json.loads(measured.read_text()))
    options = options.model_copy(update={"stripes": known.stripes.method})
    divided = options.flats == "divided"
    if raw.channels:
        projections, statistics = channels.correct_channels(raw, rows, options)
    else:
        assignment = by_angle.assignment(plan) if divided else None
        projections, statistics = slabs.correct_slab(raw, rows, assignment, options, known.measures, slice(*angles))
    for concern in concerns.concerns(raw, [statistics], plan.members, divided=divided):
        logs.logger.warning(concern)
    logs.logger.info("rows %d to %d of %d projections: %s", rows[0], rows[1] - 1, len(projections), asdict(statistics))
    if raw.channel_count == 1:
        projections = projections.reshape(len(projections), -1, raw.columns)
    zarr_arrays.write_shard(array, (angles[0], *[0] * (projections.ndim - 3), rows[0], 0), projections)
    counts.write_text(json.dumps(asdict(statistics)))


if __name__ == "__main__":
    with logs.job() as snakemake:
        main(
            Path(snakemake.input.scan),
            Path(snakemake.input.measured),
            Path(snakemake.input.split),
            Path(snakemake.input.array).parent,
            Path(snakemake.output.counts),
            snakemake.params.rows,
            snakemake.params.angles,
            Correct.model_validate(snakemake.params.settings),
            snakemake.params.pixel_size,
        )
