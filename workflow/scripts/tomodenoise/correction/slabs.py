"""Correct one slab of a scan, streamed."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from tomodenoise.arrays import FloatArray, IntArray
from tomodenoise.correction.counts import attenuation_from_counts, estimate_gain
from tomodenoise.correction.references import Reference, means
from tomodenoise.correction.repairing import all_finite, repair
from tomodenoise.scans import Scan, read

BLOCK_BYTES = 1 << 25
BAND_ROWS = 64
MOST_FLATS = 64  # for the gain: enough for a per cent, few enough to hold
STATISTICS_PIXELS = 1 << 20


@dataclass(frozen=True)
class SlabStatistics:
    """What a person should know about the correction of a slab."""

    smallest_counts: float | None
    """Fewest photons that any pixel saw behind the sample, dark subtracted; None where the gain is unknown."""
    low_counts: float | None
    """The 0.1 % quantile of the same, over about a million pixels."""
    repaired: int
    """Pixels of projections that were interpolated."""
    dead: int
    """Pixels of the detector that see no beam in the flats; they are repaired in every projection."""
    empty_rows: int
    """Rows of projections without any finite pixel, set to 0 and not counted as repaired."""


def measure_gain(scan: Scan) -> float | None:
    """Gain of a scan of counts, from the largest group of flats, in the middle rows: the same for every slab."""
    if scan.kind != "counts":
        return None
    middle = sum(scan.rows) // 2
    rows = (max(scan.rows[0], middle - BAND_ROWS // 2), min(scan.rows[1], middle + BAND_ROWS // 2))
    group = max(scan.flats, key=lambda flats: len(flats.indices))
    dark = means(scan.darks, rows, (rows[1] - rows[0], scan.columns), sections=1)[0]
    return estimate_gain(read(group, rows, slice(MOST_FLATS)), dark.at(group.time))


def correct_slab(
    scan: Scan, rows: tuple[int, int], assignment: IntArray | None, gain: float | None
) -> tuple[FloatArray, SlabStatistics]:
    """Line integrals of a slab, streamed: no more than a block of projections is held beside the result.

    Parameters
    ----------
    scan : from `open_scan`.
    rows : start and stop of the slab's rows in the volume, so 0 is the first row in use.
    assignment : (A,) section of each projection, which is then corrected by the section's own flats and darks;
        None if all projections share all of them.
    gain : from `measure_gain`; used for counts only.

    Returns
    -------
    (A, rows, columns) float32 line integrals, and what there is to say about them.
    """
    detector_rows = (scan.rows[0] + rows[0], scan.rows[0] + rows[1])
    out = np.empty((len(scan.angles), rows[1] - rows[0], scan.columns), dtype=np.float32)
    references = _references(scan, detector_rows, assignment) if scan.kind == "counts" else None
    stride = out.size // STATISTICS_PIXELS | 1  # odd, so that the sample does not keep to a few columns
    seen: list[tuple[float, FloatArray]] = []
    mended = np.zeros(2, dtype=int)
    for block in _blocks(out):
        frames = read(scan.projections, detector_rows, block)
        with np.errstate(divide="ignore", invalid="ignore"):
            if references is not None:
                seen.append(_from_counts(frames, block.start, references, gain, stride))
            elif scan.kind == "intensity":
                np.negative(np.log(frames, out=frames), out=frames)
        mended += repair(frames)
        out[block] = frames
    dead = 0 if references is None else references.dead
    return out, SlabStatistics(*_photons(seen, gain), int(mended[0]), dead, int(mended[1]))


@dataclass(frozen=True)
class _References:
    """What a slab of counts is corrected with."""

    darks: tuple[Reference, ...]  # one for each section; NaN in dead pixels
    beams: tuple[Reference, ...]  # flats minus dark
    section: IntArray  # of each projection
    dead: int


def _references(scan: Scan, rows: tuple[int, int], assignment: IntArray | None) -> _References:
    """Read the flats and darks of some detector rows and take their means for each section."""
    section = np.zeros(len(scan.angles), dtype=np.int64) if assignment is None else assignment
    shape = (rows[1] - rows[0], scan.columns)
    darks = means(scan.darks, rows, shape, int(section.max()) + 1)
    flats = means(scan.flats, rows, shape, int(section.max()) + 1)
    beams = tuple(
        Reference(flat.times, flat.means - np.stack([dark.at(time) for time in flat.times]))
        for flat, dark in zip(flats, darks, strict=True)
    )
    alive = np.all([beam.means > 0 for beam in beams], axis=(0, 1))
    marked = tuple(Reference(dark.times, np.where(alive, dark.means, np.float32(np.nan))) for dark in darks)
    return _References(marked, beams, section, int((~alive).sum()))


def _from_counts(
    frames: FloatArray, first: int, references: _References, gain: float | None, stride: int
) -> tuple[float, FloatArray]:
    """Turn a block of counts into line integrals, in place; give its lowest transmitted value and a sample of them."""
    if not all_finite(frames):
        frames[~np.isfinite(frames)] = np.nan
    numbered = list(zip(range(first, first + len(frames)), frames, strict=True))
    for number, frame in numbered:
        np.subtract(frame, references.darks[references.section[number]].at(number), out=frame)
    seen = float(np.fmin.reduce(frames, axis=None)), frames.ravel()[::stride].copy()
    for number, frame in numbered:
        attenuation_from_counts(frame, references.beams[references.section[number]].at(number), gain)
    return seen


def _photons(seen: list[tuple[float, FloatArray]], gain: float | None) -> tuple[float | None, float | None]:
    """Smallest number of photons, and the 0.1 % quantile; None where they cannot be known."""
    sample = np.concatenate([values for _, values in seen]) if seen else np.empty(0)
    sample = sample[np.isfinite(sample)]
    if gain is None or not len(sample):
        return None, None
    lowest = min(lowest for lowest, _ in seen if np.isfinite(lowest))
    return max(lowest, 0.0) / gain, max(float(np.quantile(sample, 0.001)), 0.0) / gain


def _blocks(out: FloatArray) -> Iterator[slice]:
    """Cut the projections into blocks of bounded size."""
    length = max(1, BLOCK_BYTES // (out[0].nbytes or 1))
    for start in range(0, len(out), length):
        yield slice(start, min(start + length, len(out)))
