"""Reconstruction of the data that a dose study leaves aside, in the judged slices only."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tomodenoise.common import devices
from tomodenoise.common.arrays import FloatArray
from tomodenoise.correction import slabs
from tomodenoise.correction.measured import Measured
from tomodenoise.correction.options import Correct
from tomodenoise.geometry.rotation_axis import Geometry
from tomodenoise.reconstruction import slices
from tomodenoise.reconstruction.options import Reconstruct
from tomodenoise.scans.description import Scan
from tomodenoise.scans.thinning import Thinning
from tomodenoise.splitting import by_angle, thinning


@dataclass(frozen=True)
class Process:
    """All that turns the raw frames of a scan into slices."""

    scan: Scan
    """The whole scan."""
    correct: Correct
    measured: Measured
    reconstruct: Reconstruct
    axis: Geometry


def halves(
    process: Process, kept: Thinning, sections: int, runs: Sequence[tuple[int, int]]
) -> tuple[FloatArray, FloatArray]:
    """Reconstruct both halves of the data aside.

    Parameters
    ----------
    kept : the part of the dose that is not aside.
    sections : number of sections among which flats are divided, as for the scan.
    runs : rows [start, stop).

    Returns
    -------
    Two images (z, y, x), attenuation per pixel, whose noise is independent but for that of the flats and darks.
    """
    first, second = (reconstruct(process, kept.of(part), sections, runs) for part in ("first", "second"))
    return first, second


def reconstruct(process: Process, part: Thinning, sections: int, runs: Sequence[tuple[int, int]]) -> FloatArray:
    """Reconstruct any part of a scan from its raw frames, (z, y, x); parameters as for `halves`."""
    scan = thinning.thin(process.scan, part)
    split = by_angle.split(scan.angles, sections, 1, scan.lit)
    options = process.correct.model_copy(update={"stripes": process.measured.stripes.method})
    assignment = by_angle.assignment(split) if options.flats == "divided" else None
    whole = by_angle.union(split, range(sections))
    plan = slices.prepare(whole, process.axis, process.reconstruct, devices.best())
    made = []
    for run in runs:
        lines, _ = slabs.correct_slab(scan, run, assignment, options, process.measured.measures)
        sinograms = np.ascontiguousarray(lines.swapaxes(0, 1)[:, whole.indices])
        made.append(plan(sinograms, process.axis.centers(np.arange(*run))))
    return np.concatenate(made)
