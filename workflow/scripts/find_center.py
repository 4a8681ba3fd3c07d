"""Find the column of the rotation axis, and draw the picture to check it by."""

import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
from matplotlib import style

from tomodenoise.centering import finding, picture
from tomodenoise.common import logs
from tomodenoise.geometry import directions, rotation_axis
from tomodenoise.reconstruction import slices
from tomodenoise.reconstruction.options import Reconstruct
from tomodenoise.scans import description
from tomodenoise.splitting.model import Section
from tomodenoise.storage import zarr_arrays

ROWS = 32


def main(job: logs.Job) -> None:
    """Search in rows spread over the scan; values given in the configuration replace the result."""
    wanted, part = job.params.wanted, job.params.angles
    scan = description.read(Path(job.input.scan))
    lit = scan.lit[(scan.lit >= part[0]) & (scan.lit < part[1])]
    angles = scan.angles[lit]
    sinograms, rows = zarr_arrays.read_spread_rows(Path(job.input.array).parent, ROWS, slice(*part))
    sinograms = sinograms[:, lit - part[0]]
    columns = sinograms.shape[2]
    center = finding.settle(finding.find(sinograms, angles, rows), wanted["center"], wanted["tilt"])
    logs.logger.info("center %.2f (%s), confidence %s", center.center, center.method, center.confidence)
    if center.warning:
        logs.logger.warning(center.warning)
    extended = rotation_axis.is_extended(wanted["field"], center.center, columns, angles)
    axis = rotation_axis.Geometry(columns, center.center, center.tilt, center.row, extended)
    whole = Section(np.arange(len(angles)), angles, directions.angular_weights(angles)[0], 1.0)
    trial = slices.prepare(whole, axis, Reconstruct(engine=job.params.engine), "cpu")
    with style.context("default"):  # not the user's matplotlibrc
        figure = picture.figure(sinograms, angles, center, trial, rows, extended=extended)
        figure.savefig(job.output.figure)
    Path(job.output.center).write_text(json.dumps(asdict(center) | rotation_axis.to_json(axis), indent=1))


if __name__ == "__main__":
    logs.run(main)
