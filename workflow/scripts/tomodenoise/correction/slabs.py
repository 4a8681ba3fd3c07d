"""Correct one slab of a scan, streamed."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from tomodenoise.common.arrays import BoolArray, FloatArray, IntArray
from tomodenoise.common.errors import UserError
from tomodenoise.correction import stripes
from tomodenoise.correction.frames import Mended, Work, correct, prepare
from tomodenoise.correction.measuring import Measures
from tomodenoise.correction.options import Correct, check
from tomodenoise.correction.repairing import all_finite
from tomodenoise.scans.description import Scan
from tomodenoise.scans.reading import read

BLOCK_BYTES = 1 << 25
STATISTICS_PIXELS = 1 << 20
IMPOSSIBLE = -0.5
"""Line integrals that are below this nearly everywhere: flats and projections do not belong together."""

EVEN = 0.04
"""Standard deviation of the line integrals of air, of its mean, where the beam is not the one of the flats."""


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
    zingers: int | None = None
    """Pixels of projections that were replaced; None where zingers were not looked for."""
    afterglow: float | None = None
    """That of the scan, see `estimate_afterglow`."""
    saturated: float | None = None
    """That of the scan's flats, see `Measures`."""
    lowest: float | None = None
    """1 % quantile, over the pixels of the detector, of the mean line integral of all projections."""
    highest: float | None = None
    """The 99 % quantile of the same."""
    sides: float | None = None
    """The same at both sides of the detector, where it is one number there, as it is of air."""
    void: Sequence[int] = ()
    """Rows of the volume that hold no finite pixel in any projection, whose slices are 0."""
    blind: Sequence[int] = ()
    """Columns that see no beam in any row of the slab."""


def correct_slab(
    scan: Scan,
    rows: tuple[int, int],
    assignment: IntArray | None,
    options: Correct,
    measures: Measures,
    part: slice = slice(None),
) -> tuple[FloatArray, SlabStatistics]:
    """Line integrals of a slab, streamed: no more than a block of projections is held beside the result.

    Parameters
    ----------
    scan : from `open_scan`.
    rows : start and stop of the slab's rows in the volume, so 0 is the first row in use.
    assignment : (A,) section of each projection, which is then corrected by the section's own flats and darks;
        None if all projections share all of them.
    options : the steps to take, in this order: flat and dark, zingers, phase, -log, repair, air, stripes.
    measures : from `measure`.
    part : of the projections, all by default. Stripes are removed from these alone.

    Returns
    -------
    (A, rows, columns) float32 line integrals of them, and what there is to say about them.

    Raises
    ------
    UserError
        As `check`, and if nearly all line integrals are far below zero.
    """
    check(scan, options)
    first, last, _ = part.indices(len(scan.angles))
    work = prepare(scan, rows, assignment, options, measures, (first, last))
    out = np.zeros((last - first, rows[1] - rows[0], scan.columns), dtype=np.float32)
    lit = np.isin(np.arange(first, last), scan.unlit, invert=True)
    mended, seen = _correct_frames(scan, work, first, lit, out)
    used = np.flatnonzero(lit)
    void = rows[0] + np.flatnonzero(~out.any(axis=(0, 2))) if mended.empty else np.empty(0, dtype=np.intp)
    dead = np.zeros((1, 0), dtype=bool) if work.references is None else work.references.dead[work.core]
    stripes.remove_all(out, scan.angles[part], options.stripes, used)
    lowest, highest, sides = _extremes(out, used, scan)
    return out, SlabStatistics(
        *_photons(seen, measures.gain),
        repaired=mended.repaired,
        dead=int(dead.sum()),
        empty_rows=mended.empty,
        zingers=None if work.limit is None else mended.struck,
        afterglow=measures.afterglow,
        saturated=measures.saturated,
        lowest=lowest,
        highest=highest,
        sides=sides,
        void=void.tolist(),
        blind=np.flatnonzero(dead.all(axis=0)).tolist(),
    )


def _correct_frames(
    scan: Scan, work: Work, first: int, lit: BoolArray, out: FloatArray
) -> tuple[Mended, list[tuple[float, FloatArray]]]:
    """Fill in the line integrals of the projections with light, from ``first`` on; give samples of their counts."""
    stride = out.size // STATISTICS_PIXELS | 1  # odd, so that the sample does not keep to a few columns
    seen: list[tuple[float, FloatArray]] = []
    mended = Mended()
    for block in _blocks(first, first + len(out), (work.read[1] - work.read[0]) * scan.columns * 4):
        numbers = np.arange(block.start, block.stop)[lit[block.start - first : block.stop - first]]
        if not len(numbers):
            continue
        frames = read(scan.projections, work.read, numbers)
        if not all_finite(frames):
            frames[~np.isfinite(frames)] = np.nan
        if work.references is not None:
            for number, frame in zip(numbers, frames, strict=True):
                np.subtract(frame, work.references.dark(number), out=frame)
            seen.append(_transmitted(frames[:, work.core], stride))
        for number, frame in zip(numbers, frames, strict=True):
            mended += correct(frame, number, work, out[number - first])
    return mended, seen


def _transmitted(frames: FloatArray, stride: int) -> tuple[float, FloatArray]:
    """Lowest value of a block, and a sample of them all."""
    return float(np.fmin.reduce(frames, axis=None)), frames.ravel()[::stride].copy()


def _extremes(out: FloatArray, used: IntArray, scan: Scan) -> tuple[float | None, float | None, float | None]:
    """Lowest and highest line integrals of the mean view, and those of air; refuse what no sample and beam can make."""
    if scan.kind == "attenuation" or not len(used) or not out[0].size:
        return None, None, None
    total = np.zeros(out.shape[1:])
    for number in used:
        total += out[number]
    mean = total / len(used)
    lowest, highest = (float(each) for each in np.quantile(mean, [0.01, 0.99]))
    if highest < IMPOSSIBLE:
        raise UserError(
            f"{scan.file}: nearly all line integrals are below {highest:.2f}, so projections are brighter than the"
            " flats: look at the flats and darks, and at correct.input"
        )
    width = max(2, scan.columns // 32)
    both = np.concatenate([mean[:, :width], mean[:, -width:]], axis=1)
    sides = float(both.mean())
    return lowest, highest, sides if both.std() < EVEN * abs(sides) else None


def _photons(seen: list[tuple[float, FloatArray]], gain: float | None) -> tuple[float | None, float | None]:
    """Smallest number of photons, and the 0.1 % quantile; None where they cannot be known."""
    sample = np.concatenate([values for _, values in seen]) if seen else np.empty(0)
    sample = sample[np.isfinite(sample)]
    if gain is None or not len(sample):
        return None, None
    lowest = min(lowest for lowest, _ in seen if np.isfinite(lowest))
    return max(lowest, 0.0) / gain, max(float(np.quantile(sample, 0.001)), 0.0) / gain


def _blocks(first: int, last: int, frame_bytes: int) -> Iterator[slice]:
    """Cut the projections into blocks of bounded size."""
    length = max(1, BLOCK_BYTES // (frame_bytes or 1))
    for start in range(first, last, length):
        yield slice(start, min(start + length, last))
