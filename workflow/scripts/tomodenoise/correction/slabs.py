"""Correct one slab of a scan, streamed."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from tomodenoise.arrays import FloatArray, IntArray
from tomodenoise.correction import stripes
from tomodenoise.correction.frames import Mended, correct, noise_of_flats, prepare
from tomodenoise.correction.measuring import Measures
from tomodenoise.correction.options import Options, check
from tomodenoise.correction.references import References
from tomodenoise.correction.repairing import all_finite
from tomodenoise.scans import Scan, read

BLOCK_BYTES = 1 << 25
STATISTICS_PIXELS = 1 << 20
LIGHT = 1e-3  # of the beam


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
    stripes: float | None = None
    """Strength of the stripes that remain, see `stripes.strength`."""
    afterglow: float | None = None
    """That of the scan, see `estimate_afterglow`."""
    blank: int = 0
    """Projections without light, less than a thousandth of the beam: lost frames, or an opaque holder."""
    saturated: float | None = None
    """That of the scan's flats, see `Measures`."""


def correct_slab(
    scan: Scan,
    rows: tuple[int, int],
    assignment: IntArray | None,
    options: Options,
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
        As `check`.
    """
    check(scan, options)
    first, last, _ = part.indices(len(scan.angles))
    work, angles = prepare(scan, rows, assignment, options, measures, (first, last)), scan.angles[part]
    out = np.empty((len(angles), rows[1] - rows[0], scan.columns), dtype=np.float32)
    stride = out.size // STATISTICS_PIXELS | 1  # odd, so that the sample does not keep to a few columns
    seen: list[tuple[float, FloatArray]] = []
    mended, blank = Mended(), 0
    lit = 0.0 if work.references is None else _light(work.references.mean_beam()[work.core])
    for block in _blocks(first, last, (work.read[1] - work.read[0]) * scan.columns * 4):
        frames = read(scan.projections, work.read, block)
        if not all_finite(frames):
            frames[~np.isfinite(frames)] = np.nan
        if work.references is not None:
            _subtract_darks(frames, block.start, work.references)
            seen.append(_transmitted(frames[:, work.core], stride))
            blank += sum(_light(frame) < LIGHT * lit for frame in frames[:, work.core])
        for number, frame in enumerate(frames, block.start):
            mended += correct(frame, number, work, out[number - first])
    stripes.remove_all(out, angles, options.stripes)
    return out, SlabStatistics(
        *_photons(seen, measures.gain),
        repaired=mended.repaired,
        dead=0 if work.references is None else int(work.references.dead[work.core].sum()),
        empty_rows=mended.empty,
        zingers=None if work.limit is None else mended.struck,
        stripes=stripes.strength(out, angles, noise_of_flats(work)),
        afterglow=measures.afterglow,
        blank=blank,
        saturated=measures.saturated,
    )


def _subtract_darks(frames: FloatArray, first: int, references: References) -> None:
    for number, frame in enumerate(frames, first):
        np.subtract(frame, references.dark(number), out=frame)


def _transmitted(frames: FloatArray, stride: int) -> tuple[float, FloatArray]:
    """Lowest value of a block, and a sample of them all."""
    return float(np.fmin.reduce(frames, axis=None)), frames.ravel()[::stride].copy()


def _light(frame: FloatArray) -> float:
    """Mean of a frame, dark subtracted, what is no number counting as none."""
    total = float(frame.sum(dtype=np.float64))
    return (total if np.isfinite(total) else float(np.nan_to_num(frame, posinf=0, neginf=0).sum())) / max(frame.size, 1)


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
