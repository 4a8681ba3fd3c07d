"""Close a scan of 180 degrees with its own mirror image and make the seam smooth.

The spectrum of a full sinogram vanishes where the angular frequency exceeds the column frequency times the radius
of the object. With A and B the spectra of the views before and (flipped) after the seam, a center c gives
A + exp(-2i w c) B, so the energy in the forbidden region, for all c at once, is one inverse FFT of the cross
spectrum. The region is that of Vo et al. (2014), "Reliable method for calculating the center of rotation in
parallel-beam tomography", Opt. Express 22, 19078; taking it only near the seam and in closed form is ours.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import fft

from tomodenoise.arrays import FloatArray, IntArray
from tomodenoise.centering.matching import Spectrum, curves, peak, uncertainty, window

VIEWS = 256  # on each side of the seam
PARTS = 4  # of the spectrum, each an estimate of its own
NOISY = 0.05  # pixels of spread from which on it is noise that limits
ENOUGH = 4  # rows, each an estimate of its own, that make noise the likelier trouble


@dataclass(frozen=True)
class Seam:
    """The center that closes a scan."""

    center: float  # pixels
    spread: float  # pixels, standard error
    agreement: FloatArray  # (row, 2 FINE center), higher where the seam is smoother


def close(
    views: Callable[[int, IntArray], FloatArray], rows: int, columns: int, angles: FloatArray, start: float
) -> Seam:
    """Find the center that leaves the least energy where no object has any.

    Parameters
    ----------
    views : row and indices of views to (view, column) float32, line integrals.
    angles : (angle,) radians, a scan of about 180 degrees in any order, the gap at its seam at most two steps.
    start : a center good to 1/32 of the columns.
    """
    plain = _close(views, (rows, columns), angles, start, falling=0)
    if plain.spread < NOISY:
        return plain
    # Low angular frequencies stand out of the noise, but what is wrong with a scan as a whole disturbs them most.
    low = _close(views, (rows, columns), angles, start, falling=1)
    return low if rows >= ENOUGH or low.spread < plain.spread else plain


def _close(
    views: Callable[[int, IntArray], FloatArray],
    shape: tuple[int, int],
    angles: FloatArray,
    start: float,
    falling: int,
) -> Seam:
    rows, columns = shape
    before, after, step = _around_seam(angles)

    def cross(row: int, edges: FloatArray, weight: FloatArray) -> Spectrum:
        return _cross(before.of(views, row), after.of(views, row), edges, weight)

    best = start
    agreement: FloatArray = np.empty(0)
    for _ in range(3):  # each pass windows the views about the center of the pass before
        edges = window(columns, best)
        weight = _forbidden(len(before.weight), step, columns, min(best, columns - 1 - best) + 1, falling)
        agreement = curves(np.array([cross(row, edges, weight) for row in range(rows)]), columns)
        best = peak(agreement.sum((0, 1)), best, columns / 32)
    each = agreement.sum(1) if rows >= 4 else agreement.reshape(rows * PARTS, -1)
    return Seam(best, uncertainty(each, best, columns / 32), agreement.sum(1))


@dataclass(frozen=True)
class _Blend:
    """Views at given angles, each interpolated between two measured ones."""

    lower: IntArray
    upper: IntArray
    weight: FloatArray  # of the upper view

    def of(self, views: Callable[[int, IntArray], FloatArray], row: int) -> FloatArray:
        weight = self.weight[:, None]
        return np.asarray((1 - weight) * views(row, self.lower) + weight * views(row, self.upper), dtype=np.float32)


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


def _forbidden(views: int, step: float, columns: int, radius: float, falling: int) -> FloatArray:
    """Weight of (angular, column) frequencies: zero where an object of `radius` has energy.

    The factor 1.2 and 3 bins allow for the windows. Beyond, the weights fall with the angular frequency to the power
    `falling`, as the spectrum of the seam's step does and noise does not.
    """
    angular = 2 * np.pi * np.abs(fft.fftfreq(2 * views, step))[:, None]
    length = fft.next_fast_len(2 * columns, real=True)
    column = 2 * np.pi * fft.rfftfreq(length)
    forbidden = angular > 1.2 * radius * column + 3 * np.pi / (views * step)
    return np.asarray(forbidden / np.maximum(angular, 1e-9) ** falling)


def _cross(before: FloatArray, after: FloatArray, edges: FloatArray, weight: FloatArray) -> Spectrum:
    """Cross spectrum (part, frequency) of both sides of the seam in the forbidden region."""
    views, columns = before.shape
    length = fft.next_fast_len(2 * columns, real=True)
    rim = (edges > 0) & (edges < 1)
    level = (before[:, rim].mean() + after[:, rim].mean()) / 2 if rim.any() else np.float32(0)
    fade = (np.sin(np.pi * (np.arange(2 * views) + 0.5) / (2 * views)) ** 2).astype(np.float32)[:, None]
    used = int(weight.any(0).sum())  # the lowest frequencies; the others are allowed at every angular frequency
    first = fft.rfft((before - level) * edges * fade[:views], length)[:, :used]
    second = fft.rfft((after - level) * edges * fade[views:], length)[:, :used]
    # The views after the seam come second: a shift by `views` is a sign in angular frequency.
    sign = np.where(np.arange(2 * views) % 2, 1, -1)[:, None]
    cross = fft.fft(first, 2 * views, axis=0) * np.conj(fft.fft(np.conj(second), 2 * views, axis=0)) * sign
    products = np.sum(cross * weight[:, :used], axis=0)
    spectrum = np.zeros((PARTS, length // 2 + 1), np.complex128)
    for part in range(PARTS):
        spectrum[part, part:used:PARTS] = products[part::PARTS]
    return spectrum
