"""One frame to line integrals: the steps of the correction, in their order."""

from dataclasses import dataclass
from functools import partial

import numpy as np

from tomodenoise.common.arrays import FloatArray, IntArray
from tomodenoise.correction import air, phase, zingers
from tomodenoise.correction.counts import attenuation
from tomodenoise.correction.measuring import Measures
from tomodenoise.correction.options import Correct
from tomodenoise.correction.references import References, references
from tomodenoise.correction.repairing import repair
from tomodenoise.scans.description import Scan

PIXELS = 8192
"""Of the detector, that stripes are measured on, about."""


@dataclass(frozen=True)
class Work:
    """What the frames of a slab are corrected with, made by `prepare`."""

    kind: str
    """That of the scan."""
    read: tuple[int, int]
    """Rows of the detector to read: the slab and its halo."""
    core: slice
    """Rows of the slab within them."""
    references: References | None
    """For counts."""
    gain: float | None
    limit: zingers.Threshold | None
    """Where zingers are looked for."""
    retrieval: phase.Retrieval | None
    air: int


@dataclass(frozen=True)
class Mended:
    """What was mended in the slab's rows of a frame: pixels interpolated, empty rows, pixels struck by zingers."""

    repaired: int = 0
    empty: int = 0
    struck: int = 0

    def __add__(self, other: "Mended") -> "Mended":
        return Mended(self.repaired + other.repaired, self.empty + other.empty, self.struck + other.struck)


def halo(scan: Scan, options: Correct) -> int:
    """Rows on each side of a slab that decide over it, where the scan has them."""
    spread = phase.reach(options.phase, scan.pixel_size) if options.phase and scan.pixel_size else 0
    return spread + (zingers.REACH if options.deviations and scan.kind != "attenuation" else 0)


def held(scan: Scan, projections: int, rows: int, options: Correct) -> int:
    """Count the float32 that a job which corrects so many projections of a slab of so many rows holds.

    The slab, what it becomes while it is written, and the sinogram or the block of frames in work; the largest group
    of flats or darks, read with the rows around the slab; and the transforms of a frame that phase retrieval takes.
    """
    if scan.channels:
        return (3 * rows + 2) * len(scan.angles) * scan.channel_count * scan.columns
    around = halo(scan, options)
    flats = max((len(group.indices) for group in (*scan.flats, *scan.darks)), default=0)
    beside = 3 * flats * scan.columns + 6 * (scan.columns + 2 * around)
    return 3 * projections * rows * scan.columns + (rows + 2 * around) * beside


def describing(scan: Scan, projections: int, options: Correct) -> int:
    """Count the float32 that a job which looks at a scan holds: sinograms of some rows, and tiles of all frames."""
    rows = max(8, -(-PIXELS // scan.columns)) * scan.channel_count
    return held(scan, projections, rows, options) + 8 * projections * rows * scan.columns + 2**26


def prepare(
    scan: Scan,
    rows: tuple[int, int],
    assignment: IntArray | None,
    options: Correct,
    measures: Measures,
    part: tuple[int, int],
) -> Work:
    """Choose the rows to read, read their flats and darks, and plan what is the same for all frames.

    Parameters
    ----------
    rows, assignment, options, measures : as for `correct_slab`.
    part : first and last plus one of the projections.
    """
    start, stop, around = scan.rows[0] + rows[0], scan.rows[0] + rows[1], halo(scan, options)
    read = max(scan.rows[0], start - around), min(scan.rows[1], stop + around)
    core, shape = slice(start - read[0], stop - read[0]), (read[1] - read[0], scan.columns)
    noise, deviations = measures.noise, options.deviations
    clean = limit = used = retrieval = None
    if noise and deviations:
        clean = partial(zingers.remove_from_references, noise=noise, deviations=deviations)
    if scan.kind == "counts":
        used = references(scan, read, assignment, clean, part)
    if noise and deviations:
        limit = zingers.threshold(noise, deviations, np.ones(shape) if used is None else used.mean_beam())
    if options.phase and scan.pixel_size:
        retrieval = phase.plan(options.phase, scan.pixel_size, shape, core)
    return Work(scan.kind, read, core, used, measures.gain, limit, retrieval, options.air)


def correct(frame: FloatArray, number: int, work: Work, out: FloatArray) -> Mended:
    """Turn one frame into line integrals.

    Parameters
    ----------
    frame : (rows with halo, columns) float32, dark subtracted, NaN where it is no number. Overwritten.
    number : of the projection.
    out : (rows, columns) float32, receives the line integrals.
    """
    struck, photon, mended = 0, None, Mended()
    with np.errstate(divide="ignore", invalid="ignore"):
        if work.references is not None:
            light = 1 / work.references.beam(number)
            frame *= light
            photon = None if work.gain is None else np.float32(work.gain) * light[work.core]
        if work.limit is not None:
            needed = work.core if work.retrieval is None else slice(None)
            struck = zingers.number_within(zingers.remove(frame, work.limit, needed), work.core, frame.shape[1])
        if work.retrieval is not None:
            mended = _repair_around(frame, work.core)
            attenuation(phase.retrieve(frame, work.retrieval), None, out=out)
        elif work.references is not None:
            attenuation(frame[work.core], photon, out=out)
        elif work.kind == "intensity":
            np.negative(np.log(frame[work.core], out=out), out=out)
        else:
            out[:] = frame[work.core]
    mended += Mended(*repair(out), struck=struck)
    if work.air:
        air.level(out, work.air)
    return mended


def _repair_around(frame: FloatArray, core: slice) -> Mended:
    """Repair a transmission before its rows are mixed, in place; count the slab's rows only."""
    repair(frame[: core.start], 1.0)
    repair(frame[core.stop :], 1.0)
    return Mended(*repair(frame[core], 1.0))
