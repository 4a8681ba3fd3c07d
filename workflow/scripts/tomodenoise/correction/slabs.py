"""Streaming correction of one slab of a scan."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tomodenoise.common.arrays import FloatArray, IntArray
from tomodenoise.common.errors import UserError
from tomodenoise.correction import photons, stripes
from tomodenoise.correction.frames import Repairs, Work, correct, prepare
from tomodenoise.correction.measuring import Measures
from tomodenoise.correction.options import Correct, check
from tomodenoise.correction.repairing import all_finite
from tomodenoise.scans.description import Scan
from tomodenoise.scans.reading import read

BLOCK_BYTES = 1 << 25
STATISTICS_PIXELS = 1 << 20
IMPOSSIBLE = -0.5  # if nearly all line integrals are below this, the flats and projections do not belong together
EVEN = 0.04  # largest relative deviation of the line integrals on the sides that still counts as air


@dataclass(frozen=True)
class SlabStatistics:
    """Statistics of the correction of a slab, for warnings and the report."""

    # Fewest photons of any pixel behind the sample, dark subtracted; None if the gain is unknown
    smallest_counts: float | None
    low_counts: float | None  # 0.1 % quantile of the photons, over about a million pixels
    repaired: int  # interpolated pixels of projections
    dead: int  # detector pixels without beam in the flats; they are repaired in every projection
    empty_rows: int  # rows of projections without any finite pixel, set to 0 and not counted as repaired
    zingers: int | None = None  # replaced pixels of projections; None if zingers are kept
    afterglow: float | None = None  # afterglow of the scan, see `estimate_afterglow`
    saturated: float | None = None  # saturated share of the scan's flats, see `Measures`
    lowest: float | None = None  # 1 % quantile over the detector of the line integrals averaged over all projections
    highest: float | None = None  # 99 % quantile of the same
    sides: float | None = None  # mean of the same on both sides of the detector, if uniform there, as air is
    void: Sequence[int] = ()  # rows of the volume without any finite pixel in any projection; their slices are 0
    blind: Sequence[int] = ()  # columns without beam in all rows of the slab


def correct_slab(
    scan: Scan,
    rows: tuple[int, int],
    assignment: IntArray | None,
    options: Correct,
    measures: Measures,
    part: slice = slice(None),
) -> tuple[FloatArray, SlabStatistics]:
    """Compute the line integrals of a slab, with at most one block of projections in memory besides the result.

    Parameters
    ----------
    scan : from `open_scan`.
    rows : [start, stop) of the slab's rows in the volume; 0 is the first row in use.
    assignment : (A,) section of each projection, whose own flats and darks correct it; None if all projections share
        all flats and darks.
    options : the steps to take, in this order: flat and dark, zingers, phase, -log, repair, air, stripes.
    measures : from `measure`.
    part : range of projections to correct, all by default. Stripes are removed within this range.

    Returns
    -------
    (projections of `part`, rows, columns) float32 line integrals, and the statistics of the slab.

    Raises
    ------
    UserError
        As `check`, and if nearly all line integrals are far below zero.
    """
    check(scan, options)
    first, last, _ = part.indices(len(scan.angles))
    work = prepare(scan, rows, assignment, options, measures, (first, last))
    out = np.zeros((last - first, rows[1] - rows[0], scan.columns), dtype=np.float32)
    used = np.setdiff1d(np.arange(first, last), scan.unlit) - first
    repairs, samples = _correct_frames(scan, work, first, used, out)
    void = rows[0] + np.flatnonzero(~out.any(axis=(0, 2))) if repairs.empty else np.empty(0, dtype=np.intp)
    dead = np.zeros((1, 0), dtype=bool) if work.references is None else work.references.dead[work.core]
    stripes.remove_all(out, scan.angles[part], options.stripes, used)
    lowest, highest, sides = _extremes(out, used, scan)
    return out, SlabStatistics(
        *_photons(samples, work.gain),
        repaired=repairs.interpolated,
        dead=int(dead.sum()),
        empty_rows=repairs.empty,
        zingers=None if work.limit is None else repairs.zingers,
        afterglow=measures.afterglow,
        saturated=measures.saturated,
        lowest=lowest,
        highest=highest,
        sides=sides,
        void=void.tolist(),
        blind=np.flatnonzero(dead.all(axis=0)).tolist(),
    )


def _correct_frames(
    scan: Scan, work: Work, first: int, used: IntArray, out: FloatArray
) -> tuple[Repairs, list[tuple[float, FloatArray]]]:
    """Correct the projections with light; return repairs, and the lowest counts and a sample of each block."""
    stride = out.size // STATISTICS_PIXELS | 1  # odd, so that the sample covers all columns
    samples: list[tuple[float, FloatArray]] = []
    repairs = Repairs()
    length = max(1, BLOCK_BYTES // ((work.read[1] - work.read[0]) * scan.columns * 4 or 1))
    for start in range(0, len(out), length):
        numbers = first + used[(used >= start) & (used < start + length)]
        if not len(numbers):
            continue
        frames = read(scan.projections, work.read, numbers)
        if work.splitter is not None:
            photons.split(frames, numbers, work.splitter)
        if not all_finite(frames):
            frames[~np.isfinite(frames)] = np.nan
        if work.references is not None:
            for number, frame in zip(numbers, frames, strict=True):
                np.subtract(frame, work.references.dark(number), out=frame)
            counts = frames[:, work.core]
            samples.append((float(np.fmin.reduce(counts, axis=None)), counts.ravel()[::stride].copy()))
        for number, frame in zip(numbers, frames, strict=True):
            repairs += correct(frame, number, work, out[number - first])
    return repairs, samples


def _extremes(out: FloatArray, used: IntArray, scan: Scan) -> tuple[float | None, float | None, float | None]:
    """Return the lowest and highest mean line integrals and the level of air; refuse physically impossible values."""
    if scan.kind == "attenuation" or not len(used) or not out[0].size:
        return None, None, None
    total = np.zeros(out.shape[1:])
    for number in used:
        total += out[number]
    mean = total / len(used)
    lowest, highest = (float(quantile) for quantile in np.quantile(mean, [0.01, 0.99]))
    if highest < IMPOSSIBLE:
        raise UserError(
            f"{scan.file}: nearly all line integrals are below {highest:.2f}, so projections are brighter than the"
            " flats: check the flats and darks, and correct.input"
        )
    width = max(2, scan.columns // 32)
    both = np.concatenate([mean[:, :width], mean[:, -width:]], axis=1)
    sides = float(both.mean())
    return lowest, highest, sides if both.std() < EVEN * abs(sides) else None


def _photons(samples: list[tuple[float, FloatArray]], gain: float | None) -> tuple[float | None, float | None]:
    """Return the smallest number of photons and the 0.1 % quantile; None if they cannot be known."""
    sample = np.concatenate([values for _, values in samples]) if samples else np.empty(0)
    sample = sample[np.isfinite(sample)]
    if gain is None or not len(sample):
        return None, None
    lowest = min(lowest for lowest, _ in samples if np.isfinite(lowest))
    return max(lowest, 0.0) / gain, max(float(np.quantile(sample, 0.001)), 0.0) / gain
