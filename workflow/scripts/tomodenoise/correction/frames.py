"""Correction of one frame to line integrals: the steps in their order."""

from dataclasses import dataclass
from functools import partial

import numpy as np

from tomodenoise.common.arrays import FloatArray, IntArray
from tomodenoise.correction import air, phase, photons, zingers
from tomodenoise.correction.counts import attenuation
from tomodenoise.correction.measuring import Measures
from tomodenoise.correction.options import Correct
from tomodenoise.correction.references import References, references
from tomodenoise.correction.repairing import repair
from tomodenoise.scans.description import Scan

PIXELS = 8192  # approximate number of detector pixels that stripes are measured on


@dataclass(frozen=True)
class Work:
    """Everything needed to correct the frames of a slab, made by `prepare`."""

    kind: str  # kind of the scan
    read: tuple[int, int]  # detector rows to read, [start, stop): the slab and its halo
    core: slice  # rows of the slab within the rows read
    references: References | None  # flats and darks, for counts only
    gain: float | None  # detector units per photon; None if unknown
    limit: zingers.Threshold | None  # None if zingers are kept
    retrieval: phase.Retrieval | None  # None without phase retrieval
    air: int  # columns of air on each side; 0 leaves the dose as it is
    splitter: photons.Splitter | None = None  # for a virtual scan with a part of the photons


@dataclass(frozen=True)
class Repairs:
    """Repairs in the slab's rows of one frame or of several."""

    interpolated: int = 0  # pixels
    empty: int = 0  # rows without any finite pixel
    zingers: int = 0  # pixels

    def __add__(self, other: "Repairs") -> "Repairs":
        return Repairs(self.interpolated + other.interpolated, self.empty + other.empty, self.zingers + other.zingers)


def halo(scan: Scan, options: Correct) -> int:
    """Return the number of rows on each side of a slab that influence it, where the scan has them."""
    spread = phase.reach(options.phase, scan.pixel_size) if options.phase and scan.pixel_size else 0
    return spread + (zingers.REACH if options.deviations and scan.kind != "attenuation" else 0)


def held(scan: Scan, projections: int, rows: int, options: Correct) -> int:
    """Count the float32 values held by a job that corrects some projections of a slab.

    These are the slab, its copy for writing and the sinogram or block of frames in progress; the largest group of
    flats or darks with the halo rows; and the Fourier transforms of a frame for phase retrieval.
    """
    if scan.channels:
        return (3 * rows + 2) * len(scan.angles) * scan.channel_count * scan.columns
    around = halo(scan, options)
    flats = max((len(group.indices) for group in (*scan.flats, *scan.darks)), default=0)
    per_row = 3 * flats * scan.columns + 6 * (scan.columns + 2 * around)
    return 3 * projections * rows * scan.columns + (rows + 2 * around) * per_row


def describing(scan: Scan, projections: int, options: Correct) -> int:
    """Count the float32 values held by a job that inspects a scan: sinograms of some rows and tiles of all frames."""
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
    """Choose the rows to read, read their flats and darks, and prepare what all frames share.

    Parameters
    ----------
    rows, assignment, options, measures : as for `correct_slab`.
    part : [start, stop) of the projections.
    """
    start, stop = scan.rows[0] + rows[0], scan.rows[0] + rows[1]
    around = halo(scan, options)
    read = max(scan.rows[0], start - around), min(scan.rows[1], stop + around)
    core = slice(start - read[0], stop - read[0])
    shape = (read[1] - read[0], scan.columns)
    noise, deviations = measures.noise, options.deviations
    thinned = photons.measured(scan, measures)
    clean = limit = reference = retrieval = None
    if noise and deviations:
        clean = partial(zingers.remove_from_references, noise=noise, deviations=deviations)
    if scan.kind == "counts":
        reference = references(scan, read, assignment, clean, part)
    if thinned.noise and deviations:
        limit = zingers.threshold(
            thinned.noise, deviations, np.ones(shape) if reference is None else reference.mean_beam()
        )
    if options.phase and scan.pixel_size:
        retrieval = phase.plan(options.phase, scan.pixel_size, shape, core)
    splitter = photons.prepare(scan, read, measures)
    return Work(scan.kind, read, core, reference, thinned.gain, limit, retrieval, options.air, splitter)


def correct(frame: FloatArray, number: int, work: Work, out: FloatArray) -> Repairs:
    """Turn one frame into line integrals.

    Parameters
    ----------
    frame : (rows with halo, columns) float32, dark subtracted, invalid pixels NaN. Overwritten.
    number : of the projection in the scan.
    out : (rows, columns) float32, receives the line integrals.
    """
    struck, photon = 0, None
    repairs = Repairs()
    with np.errstate(divide="ignore", invalid="ignore"):
        if work.references is not None:
            light = 1 / work.references.beam(number)
            frame *= light
            photon = None if work.gain is None else np.float32(work.gain) * light[work.core]
        if work.limit is not None:
            needed = work.core if work.retrieval is None else slice(None)
            struck = zingers.number_within(zingers.remove(frame, work.limit, needed), work.core, frame.shape[1])
        if work.retrieval is not None:
            # Phase retrieval mixes the rows: those around the slab are repaired, too, but not counted.
            repair(frame[: work.core.start], 1.0)
            repair(frame[work.core.stop :], 1.0)
            repairs = Repairs(*repair(frame[work.core], 1.0))
            attenuation(phase.retrieve(frame, work.retrieval), None, out=out)
        elif work.references is not None:
            attenuation(frame[work.core], photon, out=out)
        elif work.kind == "intensity":
            np.negative(np.log(frame[work.core], out=out), out=out)
        else:
            out[:] = frame[work.core]
    repairs += Repairs(*repair(out), zingers=struck)
    if work.air:
        air.level(out, work.air)
    return repairs
