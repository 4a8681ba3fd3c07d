"""Correct one slab of raw frames into its own shard of line integrals, and count the repaired pixels."""

import json
from dataclasses import asdict, replace
from pathlib import Path

from tomodenoise.common import logs
from tomodenoise.correction import channels, concerns, measured, slabs
from tomodenoise.correction.options import Correct
from tomodenoise.scans import description
from tomodenoise.splitting import by_angle, model
from tomodenoise.storage import zarr_arrays


def main(job: logs.Job) -> None:
    """Read the slab's rows of a block of frames, write one shard and the counts."""
    files, params = job.input, job.params
    rows, angles = params.rows, params.angles
    plan = model.read(Path(files.split))
    raw = description.read(Path(files.scan))
    raw = replace(raw, pixel_size=params.pixel_size or raw.pixel_size)
    known = measured.read(Path(files.measured))
    options = Correct.model_validate(params.settings | {"stripes": known.stripes.method})
    divided = options.flats == "divided"
    if raw.channels:
        projections, statistics = channels.correct_channels(raw, rows, options, known.measures.gain)
    else:
        assignment = by_angle.assignment(plan) if divided else None
        projections, statistics = slabs.correct_slab(raw, rows, assignment, options, known.measures, slice(*angles))
    for concern in concerns.concerns(raw, [statistics], plan.members, divided=divided):
        logs.logger.warning(concern)
    logs.logger.info("rows %d to %d of %d projections: %s", rows[0], rows[1] - 1, len(projections), asdict(statistics))
    if raw.channel_count == 1:
        projections = projections.reshape(len(projections), -1, raw.columns)
    start = (angles[0], *[0] * (projections.ndim - 3), rows[0], 0)
    zarr_arrays.write_shard(Path(files.array).parent, start, projections)
    Path(job.output.counts).write_text(json.dumps(asdict(statistics)))


if __name__ == "__main__":
    logs.run(main)
