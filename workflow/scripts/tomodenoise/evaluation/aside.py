"""Reconstruction of the data that a dose study leaves out, in the judged slices only."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from tomodenoise.common import devices
from tomodenoise.common.arrays import FloatArray
from tomodenoise.correction import channels, measured, slabs
from tomodenoise.correction.measured import Measured
from tomodenoise.correction.options import Correct
from tomodenoise.geometry import rotation_axis
from tomodenoise.geometry.rotation_axis import Geometry
from tomodenoise.reconstruction import slices
from tomodenoise.reconstruction.options import Reconstruct
from tomodenoise.scans import description
from tomodenoise.scans.description import Scan
from tomodenoise.scans.thinning import Thinning
from tomodenoise.splitting import by_angle, thinning


@dataclass(frozen=True)
class Process:
    """Everything that is needed to turn the raw frames of a scan into slices."""

    scan: Scan
    """The whole scan."""
    correct: Correct
    measured: Measured
    reconstruct: Reconstruct
    axis: Geometry


def read(
    whole: Path, part: Path, correct: Mapping[str, Any], reconstruct: Mapping[str, Any], pixel_size: float | None
) -> Process:
    """Read how a scan is processed from the folders of its results and of a part of its dose, whose gain holds."""
    scan = description.read(whole / "scan.json")
    return Process(
        description.sized(scan, pixel_size),
        Correct.model_validate(correct),
        measured.read(part / "measured.json"),
        Reconstruct.model_validate(reconstruct),
        rotation_axis.read(part / "center.json"),
    )


def halves(
    process: Process, kept: Thinning, runs: Sequence[tuple[int, int]], time: int = 0
) -> tuple[FloatArray, FloatArray]:
    """Reconstruct both halves of the data left out, each with half of the flats, whose noise would be common to both.

    Parameters
    ----------
    kept : the part of the dose that is not aside.
    runs : rows [start, stop).
    time : step of a dynamic scan.

    Returns
    -------
    Two images (channel, z, y, x), attenuation per pixel, whose noise is independent but for that of the darks.
    """
    scans = (every_other_flat(process.scan, number) for number in (0, 1))
    parts = kept.of("first"), kept.of("second")
    first, second = (
        reconstruct(replace(process, scan=scan), part, runs, time) for scan, part in zip(scans, parts, strict=True)
    )
    return first, second


def every_other_flat(scan: Scan, start: int) -> Scan:
    """Leave out every other flat of each group, beginning with the first or the second; a single one stays."""
    flats = [replace(group, indices=group.indices[start % len(group.indices) :: 2]) for group in scan.flats]
    return replace(scan, flats=tuple(flats))


def reconstruct(process: Process, part: Thinning, runs: Sequence[tuple[int, int]], time: int = 0) -> FloatArray:
    """Reconstruct any part of a scan from its raw frames, (channel, z, y, x); parameters as for `halves`."""
    scan = thinning.thin(process.scan, part)
    start, stop = thinning.bounds(scan)[time : time + 2].tolist()
    lit = scan.lit[(scan.lit >= start) & (scan.lit < stop)] - start
    whole = by_angle.union(by_angle.split(scan.angles[start:stop], 2, 1, lit), (0, 1))
    plan = slices.prepare(whole, process.axis, process.reconstruct, devices.best())
    made = []
    for run in runs:
        centers = process.axis.centers(np.arange(*run))
        lines = _corrected(process, scan, run, slice(start, stop))[:, :, whole.indices]
        made.append(np.stack([plan(np.ascontiguousarray(sinograms), centers) for sinograms in lines]))
    return np.concatenate(made, axis=1)


def _corrected(process: Process, scan: Scan, rows: tuple[int, int], part: slice) -> FloatArray:
    """Correct some rows of a range of projections: (channel, z, projection, column)."""
    options = process.correct.model_copy(update={"stripes": process.measured.stripes.method})
    measures = process.measured.measures
    if scan.channels:
        return channels.correct_channels(scan, rows, options, measures.gain)[0].transpose(1, 2, 0, 3)
    return slabs.correct_slab(scan, rows, None, options, measures, part)[0].swapaxes(0, 1)[None]
