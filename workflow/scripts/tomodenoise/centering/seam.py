"""Close a scan of 180 degrees with its own mirror image and make the seam smooth.

The spectrum of a full sinogram vanishes where the angular frequency exceeds the column frequency times the radius
of the object. With A and B the spectra of the views before and (flipped) after the seam, a center c gives
A + exp(-2i w c) B, so the energy in the forbidden region, for all c at once, is one inverse FFT of the cross
spectrum. The region is that of Vo et al. (2014), "Reliable method for calculating the center of rotation in
parallel-beam tomography", Opt. Express 22, 19078; taking it only near the seam and in closed form is ours.
"""

from dataclasses import dataclass

import numpy as np
from scipy import fft

from tomodenoise.arrays import BoolArray, FloatArray, IntArray
from tomodenoise.centering.matching import despike, vertex

VIEWS = 256  # on each side of the seam
PARTS = 4  # of the spectrum, each an estimate of its own


def close(sinograms: FloatArray, angles: FloatArray, start: float) -> tuple[float, FloatArray]:
    """Center that leaves the least energy where no object has any.

    Parameters
    ----------
    sinograms : (row, angle, column) float32, line integrals.
    angles : (angle,) radians, a scan of about 180 degrees in any order, the gap at its seam at most two steps.
    start : a center good to 1/32 of the columns.

    Returns
    -------
    The center from all rows, and (4 row,) centers from each row and quarter of its frequencies, to tell the scatter.
    """
    columns = sinograms.shape[-1]
    before, after, step = _around_seam(angles)
    reach = max(4, columns // 16)
    best = start
    for _ in range(3):  # each pass windows the views about the center of the pass before
        edges = _flank(columns, best)
        forbidden = _forbidden(len(before.weight), step, columns, min(best, columns - 1 - best) + 1)
        curves = np.concatenate(
            [_seam_energy(despike(before.of(row)), despike(after.of(row)), edges, forbidden) for row in sinograms]
        )
        low = int(np.clip(round(2 * best) - reach, 0, 2 * columns - 2 * reach - 2))
        near = curves[:, low : low + 2 * reach + 1]
        best = (low + vertex(near.sum(0))) / 2
    each = np.array([(low + vertex(curve)) / 2 for curve in near])
    return best, each


@dataclass(frozen=True)
class _Blend:
    """Views at given angles, each interpolated between two measured ones."""

    lower: IntArray
    upper: IntArray
    weight: FloatArray  # of the upper view

    def of(self, row: FloatArray) -> FloatArray:
        weight = self.weight[:, None]
        return np.asarray((1 - weight) * row[self.lower] + weight * row[self.upper], dtype=np.float32)


def _around_seam(angles: FloatArray) -> tuple[_Blend, _Blend, float]:
    """Evenly spaced views before and after the seam, and their angular step."""
    turn = np.sort(np.mod(angles, 2 * np.pi))
    start = turn[(np.argmax(np.diff(turn, append=turn[0] + 2 * np.pi)) + 1) % len(turn)]
    # The smallest shift keeps the first view from wrapping round to the end.
    run = np.mod(angles - start + 1e-6, 2 * np.pi) - 1e-6
    order = np.argsort(run, kind="stable")
    order = order[np.diff(run[order], prepend=-1.0) > 1e-5]
    run = run[order]
    step = float(run[-1] - run[0]) / (len(run) - 1)

    def at(wanted: FloatArray) -> _Blend:
        upper = np.clip(np.searchsorted(run, wanted), 1, len(run) - 1)
        weight = (wanted - run[upper - 1]) / (run[upper] - run[upper - 1])
        return _Blend(order[upper - 1], order[upper], np.clip(weight, -2, 3))

    views = min(VIEWS, len(run) // 2)
    return at(run[0] + np.pi + step * np.arange(-views, 0)), at(run[0] + step * np.arange(views)), step


def _flank(columns: int, center: float) -> FloatArray:
    """Window about `center`, as wide as the detector allows: one inside, a cosine at its edges, zero beyond."""
    half = min(center, columns - 1 - center) + 1
    depth = (half - np.abs(np.arange(columns) - center)) / (0.15 * half)
    return np.asarray((0.5 - 0.5 * np.cos(np.pi * np.clip(depth, 0, 1))).astype(np.float32))


def _forbidden(views: int, step: float, columns: int, radius: float) -> BoolArray:
    """(angular, column) frequencies where no object of `radius` has energy; 1.2 and 3 bins allow for the windows."""
    angular = 2 * np.pi * np.abs(fft.fftfreq(2 * views, step))
    length = fft.next_fast_len(2 * columns, real=True)
    column = 2 * np.pi * fft.rfftfreq(length)
    return np.asarray(angular[:, None] > 1.2 * radius * column + 3 * np.pi / (views * step))


def _seam_energy(before: FloatArray, after: FloatArray, edges: FloatArray, forbidden: BoolArray) -> FloatArray:
    """Energy in the forbidden region against 2 center, less a constant: four curves, each of its own frequencies."""
    views, columns = before.shape
    length = fft.next_fast_len(2 * columns, real=True)
    rim = (edges > 0) & (edges < 1)
    level = (before[:, rim].mean() + after[:, rim].mean()) / 2 if rim.any() else np.float32(0)
    fade = (np.sin(np.pi * (np.arange(2 * views) + 0.5) / (2 * views)) ** 2).astype(np.float32)[:, None]
    used = int(forbidden.any(0).sum())  # the lowest frequencies; the others are allowed at every angular frequency
    first = fft.rfft((before - level) * edges * fade[:views], length)[:, :used]
    second = fft.rfft((after - level) * edges * fade[views:], length)[:, :used]
    # The views after the seam come second: a shift by `views` is a sign in angular frequency.
    sign = np.where(np.arange(2 * views) % 2, -1, 1)[:, None]
    cross = fft.fft(first, 2 * views, axis=0) * np.conj(fft.fft(np.conj(second), 2 * views, axis=0)) * sign
    spectrum = np.zeros((PARTS, length // 2 + 1), np.complex128)
    for part in range(PARTS):
        spectrum[part, part:used:PARTS] = np.sum(cross * forbidden[:, :used], axis=0)[part::PARTS]
    return np.asarray(fft.irfft(spectrum, length)[:, : 2 * columns - 1])
