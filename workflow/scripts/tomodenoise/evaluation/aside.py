"""Reconstruction of the data that a dose study leaves aside, in the judged slices only."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

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


def halves(process: Process, kept: Thinning, runs: Sequence[tuple[int, int]]) -> tuple[FloatArray, FloatArray]:
    """Reconstruct both halves of the data aside, each with half of the flats, whose noise would be common to both.

    Parameters
    ----------
    kept : the part of the dose that is not aside.
    runs : rows [start, stop).

    Returns
    -------
    Two images (z, y, x), attenuation per pixel, whose noise is independent but for that of the darks.
    """
    scans = (every_other_flat(process.scan, number) for number in (0, 1))
    parts = kept.of("first"), kept.of("second")
    first, second = (
        reconstruct(replace(process, scan=scan), part, runs) for scan, part in zip(scans, parts, strict=True)
    )
    return first, second


def every_other_flat(scan: Scan, start: int) -> Scan:
    """Leave out every other flat of each group, beginning with the first or the second; a single one stays."""
    flats = [replace(group, indices=group.indices[start % len(group.indices) :: 2]) for group in scan.flats]
    return replace(scan, flats=tuple(flats))


def reconstruct(process: Process, part: Thinning, runs: Sequence[tuple[int, int]]) -> FloatArray:
    """Reconstruct any part of a scan from its raw frames, (z, y, x); parameters as for `halves`."""
    scan = thinning.thin(process.scan, part)
    split = by_angle.split(scan.angles, 2, 1, scan.lit)
    options = process.correct.model_copy(update={"stripes": process.measured.stripes.method})
    whole = by_angle.union(split, (0, 1))
    plan = slices.prepare(whole, process.axis, process.reconstruct, devices.best())
    made = []
    for run in runs:
        lines, _ = slabs.correct_slab(scan, run, None, options, process.measured.measures)
        sinograms = np.ascontiguousarray(lines.swapaxes(0, 1)[:, whole.indices])
        made.append(plan(sinograms, process.axis.centers(np.arange(*run))))
    return np.concatenate(made)
