"""Three estimators of the center, each blind where another sees.

``mirror``   A view and the view 180 degrees away are mirror images about the axis. Needs such pairs; a scan of 180
             degrees has one or two of them, off by up to an angular step.
``seam``     A scan of 180 degrees followed by its own mirror image is a scan of 360 degrees, smooth across the seam
             only at the right center. Uses the hundred views at each end and allows for the turn between them.
``moments``  The centre of mass of a projection follows a sinusoid about the axis. Needs no opposite views, but the
             whole object inside the field of view and a background of zero.
"""

from dataclasses import dataclass

import numpy as np
from scipy import fft, ndimage

from tomodenoise.arrays import FloatArray, IntArray
from tomodenoise.centering import seam as seams
from tomodenoise.centering.circle import past_opposite
from tomodenoise.centering.fitting import fit, scatter
from tomodenoise.centering.matching import Spectrum, curves, despike, difference, likelihood, peak, uncertainty, window

GROUPS = 8  # of rows, each an estimate of its own
DISTINCT = 5.0  # a match that stands out of all others by so many of their deviations is one, however noisy


@dataclass(frozen=True)
class Estimate:
    """What one estimator says."""

    method: str
    center: float  # pixels, leftmost pixel's centre = 0
    spread: float | None  # pixels, standard error from the scatter over rows, pairs or views; None: not to be trusted


@dataclass(frozen=True)
class Views:
    """Rows of a scan, made ready view by view: without single spikes, and without what stays at one column."""

    sinograms: FloatArray
    """(row, angle, column) float32, line integrals."""
    stripes: FloatArray
    """(row, column) float32, what is taken off every view."""

    def __call__(self, row: int, views: IntArray) -> FloatArray:
        """Give some views of a row, (view, column) float32."""
        return np.asarray(despike(self.sinograms[row][views] - self.stripes[row]), dtype=np.float32)

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.sinograms.shape[0], self.sinograms.shape[2]

    @property
    def groups(self) -> list[IntArray]:
        """Give neighbouring rows that are looked at together."""
        rows = len(self.sinograms)
        return np.array_split(np.arange(rows), min(GROUPS, rows))


def ready(sinograms: FloatArray, *, whole_circle: bool) -> Views:
    """Find what stays at one column: stripes, which do not turn with the sample and would match themselves.

    Over the whole circle all of the mean view goes, as its mirror image about the axis is itself. Else only what is
    narrow in it: the rest belongs to the sample.
    """
    mean = np.stack([despike(sinogram).mean(axis=0, dtype=np.float64) for sinogram in sinograms])
    smooth = 0 if whole_circle else ndimage.median_filter(mean, (1, 11), mode="nearest")
    return Views(sinograms, (mean - smooth).astype(np.float32))


def mirror(views: Views, angles: FloatArray, pairs: IntArray, least: int) -> tuple[Estimate, FloatArray]:
    """Match each view f with its flipped opposite g: f(x) = g(2 center - x).

    Located by the normalised difference, which neither a large overlap nor empty air can win, and refined by the
    agreement within a window about the center. Its spread is None where the noise is all that is seen, or where the
    best match lies at the end of the range: `least` columns of overlap.

    Returns
    -------
    What it says, and the centers (group,) of the groups of rows.
    """
    rows, columns = views.shape
    smooth = max(1.0, columns / 128)
    sums = np.zeros((2, 2 * columns - 2 * least + 1))
    for row in range(rows):
        first, second = (ndimage.gaussian_filter1d(views(row, side), smooth, mode="nearest") for side in pairs.T)
        sums += difference(first, second, least)
    match = sums[0] / np.maximum(sums[1], np.finfo(np.float32).tiny)
    clear = match.max() > 0.5 or match.max() > max(0.1, np.median(match) + DISTINCT * scatter(match))
    start = (least - 1 + int(np.argmax(match))) / 2
    best, agreement = _refine(views, pairs, start)
    together = agreement.sum(1) if rows >= 4 else agreement.sum(0)
    # A view turned by e too much is moved by e times the depth of its features, which varies as the sine of the angle.
    turned = np.abs(np.mean(past_opposite(angles, pairs) * np.exp(1j * angles[pairs[:, 0]]))) * columns / 16
    found = least / 2 + 1 < best + 0.5 < columns - least / 2 - 1 and clear
    error = float(np.hypot(uncertainty(together, best, 2 + columns / 64), turned))
    return Estimate("mirror", best, error if found else None), _each(views, agreement.sum(1), best)


def _refine(views: Views, pairs: IntArray, start: float) -> tuple[float, FloatArray]:
    """Center near `start`, and the agreement (row, part of the pairs, 2 FINE center)."""
    rows, columns = views.shape
    parts = np.array_split(pairs, min(GROUPS, len(pairs)))
    best = start
    agreement: FloatArray = np.empty(0)
    # Each half is weighted by what the other half agrees in: its noise is not that which the weights are for.
    halves: list[tuple[slice, ...]] = [(np.s_[0::2],), (np.s_[1::2],)]
    if rows == 1:
        halves = [(np.s_[:], np.s_[0::2]), (np.s_[:], np.s_[1::2])]
    for _ in range(3):
        edges, near = window(columns, best), min(best, columns - 1 - best) + 1
        spectra = [
            [_cross(views(row, some[:, 0]), views(row, some[:, 1]), edges) for some in parts] for row in range(rows)
        ]
        cross = np.array([[one for one, _ in row] for row in spectra])
        power = np.array([[one for _, one in row] for row in spectra])
        weight = np.empty(power.shape)
        for one, other in zip(halves, halves[::-1], strict=True):
            weight[one] = likelihood(cross[other].sum((0, 1)), power[other].sum((0, 1)), 2 * best, near)
        agreement = curves(np.asarray(cross * weight, np.complex128), columns)
        best = peak(agreement.sum((0, 1)), best, 2 + columns / 64)
    return best, agreement


def _cross(first: FloatArray, second: FloatArray, edges: FloatArray) -> tuple[Spectrum, FloatArray]:
    """Cross spectrum and power, (frequency,), of views and their opposites within a window."""
    length = fft.next_fast_len(2 * len(edges), real=True)
    rim = (edges > 0) & (edges < 1)
    level = (first[:, rim].mean() + second[:, rim].mean()) / 2 if rim.any() else np.float32(0)
    one, two = (fft.rfft((side - level) * edges, length) for side in (first, second))
    return np.sum(one * two, axis=0), np.sum(np.abs(one) ** 2 + np.abs(two) ** 2, axis=0) / 2


def seam(views: Views, angles: FloatArray, start: float) -> tuple[Estimate, FloatArray]:
    """Close the scan at its seam; `start` is a center good to 1/32 of the columns. Returns what `mirror` does."""
    rows, columns = views.shape
    found = seams.close(views, rows, columns, angles, start)
    return Estimate("seam", found.center, found.spread), _each(views, found.agreement, found.center)


def moments(views: Views, angles: FloatArray) -> tuple[Estimate, FloatArray]:
    """Fit center + a cos(angle) + b sin(angle) to the centre of mass of the projections.

    This is the first-order consistency condition of Helgason and Ludwig (Natterer, The Mathematics of Computerized
    Tomography, 1986, section II.4). Its spread is None where the condition cannot hold: the object leaves the field of
    view (more than 1 % of the mean profile is left at its borders) or its mass varies over the angles by over 3 %.
    Returns what `mirror` does.
    """
    sinograms = views.sinograms
    left, peak_, right = _profile(sinograms)
    mass, centroid = centroids(sinograms)
    if not np.isfinite(centroid).all():
        return Estimate("moments", (sinograms.shape[-1] - 1) / 2, None), np.array([])
    model = np.stack([np.ones(len(angles)), np.cos(angles), np.sin(angles)], axis=1)
    (center, *_), (error, *_) = fit(model, centroid)
    each = [fit(model, centroids(sinograms[group])[1])[0][0] for group in views.groups]
    inside = max(abs(left), abs(right)) < 0.01 * peak_ and scatter(mass) < 0.03 * np.median(mass)
    return Estimate("moments", float(center), float(error) if inside else None), np.array(each)


def centroids(sinograms: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Mass and centre of mass (column; nan where there is no mass) of each view, all rows together.

    The background, taken from the lower of the two borders of the mean profile, is off.
    """
    rows, _, columns = sinograms.shape
    left, _, right = _profile(sinograms)
    middle = (columns - 1) / 2
    basis = np.stack([np.ones(columns), np.arange(columns) - middle], axis=1).astype(np.float32)
    sums = np.stack([row @ basis for row in sinograms]).sum(axis=0, dtype=np.float64)
    mass = sums[:, 0] - rows * columns * min(left, right)
    return mass, middle + sums[:, 1] / np.where(mass > 0, mass, np.nan)


def _profile(sinograms: FloatArray) -> tuple[float, float, float]:
    """Left border, peak and right border of the mean over all views."""
    profile = np.stack([row.mean(axis=0) for row in sinograms]).mean(axis=0, dtype=np.float64)
    border = max(1, len(profile) // 50)
    return float(profile[:border].mean()), float(profile.max()), float(profile[-border:].mean())


def _each(views: Views, agreement: FloatArray, center: float) -> FloatArray:
    """Center of each group of rows, from the agreement (row, 2 FINE center) of each row."""
    reach = 2 + views.shape[1] / 32
    return np.array([peak(agreement[group].sum(0), center, reach) for group in views.groups])
