"""Removal of zingers, pixels hit by a stray particle or ray, found within each frame alone."""

from dataclasses import dataclass

import numpy as np

from tomodenoise.common.arrays import FloatArray, IntArray

# Rows around a slab that affect its zingers: the ring lies two pixels away, and a zinger covers up to 3 x 3 pixels
REACH = 3

_Y, _X = (offset.ravel() - 2 for offset in np.indices((5, 5)))
RING = np.stack([_Y, _X])[:, np.maximum(abs(_Y), abs(_X)) == 2]
SPOT = np.stack([_Y, _X])[:, np.maximum(abs(_Y), abs(_X)) < 2]


@dataclass(frozen=True)
class Noise:
    """Variance of a pixel = gain * level + floor, the level in units of the file with the dark subtracted."""

    gain: float
    floor: float


@dataclass(frozen=True)
class Threshold:
    """Smallest height of a zinger above its surroundings: the root of slope * level + offset."""

    slope: FloatArray  # (rows, columns) float32; NaN where no zingers are sought
    offset: FloatArray  # (rows, columns) float32


def threshold(noise: Noise, deviations: float, beam: FloatArray) -> Threshold:
    """Compute the threshold for transmissions.

    Parameters
    ----------
    deviations : height in standard deviations of the noise.
    beam : (rows, columns) signal at a transmission of 1, units of the file.

    Notes
    -----
    One photon is added to the variance: where none is expected, a few are not yet a zinger.
    """
    beam = np.where(beam > 0, beam, np.nan)
    floor = noise.gain**2 + noise.floor
    slope = deviations**2 * noise.gain / beam
    offset = deviations**2 * floor / beam**2
    return Threshold(slope.astype(np.float32), offset.astype(np.float32))


def remove(frame: FloatArray, limit: Threshold, rows: slice = slice(None), *, structured: bool = True) -> IntArray:
    """Replace zingers by the median of their surroundings, in place.

    Parameters
    ----------
    frame : (rows, columns) float32, transmission.
    limit : threshold, for the same pixels.
    rows : range of rows in which to replace zingers, all by default.
    structured : whether the frame shows more than noise and zingers.

    Returns
    -------
    (z,) positions of the replaced pixels in the flattened frame; some may be listed twice.

    Notes
    -----
    A zinger exceeds each of the 16 pixels that are two rows or columns away, the border of its 5 x 5 window. Those
    of its eight neighbours that exceed the same border are replaced as well. Lines, edges and fringes extend to the
    border and stay; so does the weaker of two zingers this close. Without structure, exceeding the median of the
    border is enough. Pixels without any row two away, above or below, are skipped.
    """
    start, stop, _ = rows.indices(len(frame))
    place = _candidates(frame, limit, slice(max(0, start - 1), stop + 1), np.fmax if structured else np.fmin)
    if not place.size:
        return np.empty(0, dtype=np.int64)
    ring = np.sort(_around(frame, place, RING), axis=1)  # NaN last
    known = np.isfinite(ring).sum(axis=1)
    index = np.arange(len(ring))
    middle = (ring[index, (known - 1) // 2] + ring[index, known // 2]) / 2
    level = ring[index, known - 1] if structured else middle
    slope = limit.slope[tuple(place)]
    offset = limit.offset[tuple(place)]
    level = level + np.sqrt(slope * np.maximum(level, 0) + offset)
    high = frame[tuple(place)] > level
    place, middle, level = place[:, high], middle[high], level[high]
    which, part = np.nonzero(_around(frame, place, SPOT) > level[:, None])
    rows, columns = place[:, which] + SPOT[:, part]
    struck = rows * frame.shape[1] + columns
    frame.reshape(-1)[struck] = middle[which]
    return np.asarray(struck)


def number_within(struck: IntArray, rows: slice, columns: int) -> int:
    """Count the pixels that `remove` replaced in some rows of a frame, given its number of columns."""
    if not struck.size:
        return 0
    inside = struck[(struck >= rows.start * columns) & (struck < rows.stop * columns)]
    return len(np.unique(inside))


def remove_from_references(frames: FloatArray, noise: Noise, deviations: float) -> None:
    """Replace zingers in flats or darks, in place; a single frame stays unchanged.

    Parameters
    ----------
    frames : (n, rows, columns) float32, in order of time.

    Notes
    -----
    The criterion is the excess over the lower median in time, which contains the gains of the pixels and hot pixels.
    In a single frame these look like zingers, and replacing them in flats but not in projections makes rings.
    """
    usual = np.partition(frames, (len(frames) - 1) // 2, axis=0)[(len(frames) - 1) // 2]
    variance = noise.gain * np.maximum(usual, 0) + noise.gain**2 + noise.floor
    limit = Threshold(np.zeros_like(usual), (deviations**2 * variance).astype(np.float32))
    for frame in frames:
        excess = frame - usual
        struck = remove(excess, limit, structured=False)
        frame.reshape(-1)[struck] = (usual + excess).reshape(-1)[struck]


def _candidates(frame: FloatArray, limit: Threshold, rows: slice, higher: np.ufunc) -> IntArray:
    """Return the places (2, p) above the `higher` of the two pixels two columns away: zingers and little else."""
    lines = frame[rows]
    sides = np.empty_like(lines)
    higher(lines[:, :-4], lines[:, 4:], out=sides[:, 2:-2])
    sides[:, :2], sides[:, -2:] = lines[:, 2:4], lines[:, -4:-2]
    height = lines - sides
    np.maximum(height, 0, out=height)
    height *= height
    sides *= limit.slope[rows]
    sides += limit.offset[rows]
    row, column = np.divmod(np.flatnonzero(height > sides), frame.shape[1])
    row += rows.start
    valid = (row >= 2) | (row < len(frame) - 2)
    return np.stack([row[valid], column[valid]])


def _around(frame: FloatArray, place: IntArray, offsets: IntArray) -> FloatArray:
    """Return the values (p, offsets) around each place (2, p), NaN outside the frame."""
    rows, columns = place[:, :, None] + offsets[:, None]
    inside = (rows >= 0) & (rows < frame.shape[0]) & (columns >= 0) & (columns < frame.shape[1])
    values = frame[np.clip(rows, 0, frame.shape[0] - 1), np.clip(columns, 0, frame.shape[1] - 1)]
    return np.where(inside, values, np.float32(np.nan))
