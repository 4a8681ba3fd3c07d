"""The two views at the seam of a scan of 180 degrees, each estimated from all views near it.

A scan of 180 degrees followed by its own mirror image is a scan of 360 degrees, smooth across the seam only at the
right center. The spectrum of a full sinogram vanishes where the angular frequency exceeds the column frequency times
the radius of the object [Vo et al. 2014, Opt. Express 22, 19078]. A step at the seam has energy there, and its matched
filter gives the best estimate of the view on either side: for each column frequency, a mean over as many views as this
property allows. Estimating both views and matching them like any other pair is our addition.
"""

from dataclasses import dataclass

import numpy as np
from scipy import fft

from tomodenoise.common.arrays import FloatArray, IntArray

VIEWS = 256  # on each side of the seam


@dataclass(frozen=True)
class Blend:
    """Views at given angles, each interpolated between two measured ones."""

    lower: IntArray
    upper: IntArray
    weight: FloatArray  # of the upper view

    def of(self, views: FloatArray, place: IntArray) -> FloatArray:
        """Interpolate views (row, view, column), given the position `place` (angle,) of each view of the scan."""
        weight = self.weight[:, None].astype(np.float32)
        return np.asarray((1 - weight) * views[:, place[self.lower]] + weight * views[:, place[self.upper]])


@dataclass(frozen=True)
class Seam:
    """Evenly spaced views before and after the seam, nearest first."""

    before: Blend
    after: Blend
    step: float  # radians

    @property
    def views(self) -> IntArray:
        """Ascending indices of the measured views."""
        return np.unique(np.concatenate([self.before.lower, self.before.upper, self.after.lower, self.after.upper]))


@dataclass(frozen=True)
class Ends:
    """Views on both sides of the seam."""

    first: FloatArray  # (row, column) view after the seam
    last: FloatArray  # (row, column) view before it, not flipped
    # (frequency,) for a period of 2 columns: noise variance of either side over that of a measured view; infinite for
    # frequencies that are not estimated
    gain: FloatArray
    variance: FloatArray  # (column,) noise variance of a measured view

    @property
    def odd(self) -> "Ends":
        """Difference of both, free of stationary structures; mirroring about the axis changes its sign."""
        difference = self.first - self.last
        return Ends(difference, -difference, self.gain, 2 * self.variance)

    @property
    def even(self) -> "Ends":
        """Sum of both."""
        total = self.first + self.last
        return Ends(total, total, self.gain, 2 * self.variance)

    def binned(self, factor: int) -> "Ends":
        """Average `factor` neighbouring columns; a remainder at the right is dropped."""
        columns = len(self.variance) // factor

        def average(values: FloatArray) -> FloatArray:
            parts = values[..., : columns * factor].reshape(*values.shape[:-1], columns, factor)
            return np.asarray(parts.mean(axis=-1))

        variance = average(self.variance) / factor
        return Ends(average(self.first), average(self.last), self.gain[: columns + 1], variance)


def around(angles: FloatArray) -> Seam:
    """Find the seam of a scan of about 180 degrees; `angles` (angle,) in radians, in any order."""
    turn = np.sort(np.mod(angles, 2 * np.pi))
    start = turn[(np.argmax(np.diff(turn, append=turn[0] + 2 * np.pi)) + 1) % len(turn)]
    # A tiny shift keeps the first view from wrapping around to the end.
    run = np.mod(angles - start + 1e-6, 2 * np.pi) - 1e-6
    order = np.argsort(run, kind="stable")
    order = order[np.diff(run[order], prepend=-1.0) > 1e-5]
    run = run[order]
    step = float(run[-1] - run[0]) / (len(run) - 1)

    def at(targets: FloatArray) -> Blend:
        upper = np.clip(np.searchsorted(run, targets), 1, len(run) - 1)
        weight = (targets - run[upper - 1]) / (run[upper] - run[upper - 1])
        return Blend(order[upper - 1], order[upper], np.clip(weight, -2, 3))

    outward = step * np.arange(min(VIEWS, len(run) // 2))
    return Seam(at(run[0] + np.pi - step - outward), at(run[0] + outward), step)


def estimate(before: FloatArray, after: FloatArray, step: float, radius: float, variance: FloatArray) -> Ends:
    """Estimate the views at the seam.

    Parameters
    ----------
    before, after : (row, view, column) views on both sides, outward from the seam.
    step : angle between views, radians.
    radius : radius of the object about the axis, pixels.
    variance : (column,) noise variance of a view.
    """
    filters = _filters(before.shape[1], step, before.shape[2], radius)
    gain = np.full(before.shape[2] + 1, np.inf)
    gain[: filters.shape[1]] = np.sum(filters**2, axis=0)
    return Ends(_apply(filters, after), _apply(filters, before), gain, variance)


def _filters(views: int, step: float, columns: int, radius: float) -> FloatArray:
    """Return the weight of each view in the mean, (view, frequency), for frequencies with a forbidden region.

    The factor of 1.2 and the 3 bins allow for the window over the views.
    """
    angular = 2 * np.pi * np.abs(fft.fftfreq(2 * views, step))[:, None]
    column = np.pi / columns * np.arange(columns + 1)
    forbidden = angular > 1.2 * radius * column + 3 * np.pi / (views * step)
    used = int(forbidden.any(axis=0).sum())
    fade = np.sin(np.pi * (np.arange(2 * views) + 0.5) / (2 * views)) ** 2
    sided = np.where(np.arange(2 * views) < views, -fade, fade)
    matched = fft.ifft(forbidden[:, :used] * fft.fft(sided)[:, None], axis=0).real * fade[:, None]
    return np.asarray(matched[views:] / matched[views:].sum(axis=0))


def _apply(filters: FloatArray, views: FloatArray) -> FloatArray:
    """Filter views (row, view, column), continued by their mirror images, and sum them over the views."""
    columns = views.shape[-1]
    used = filters.shape[1]
    result = np.empty((len(views), columns))
    for row, sinogram in enumerate(views):
        spectrum = fft.rfft(np.concatenate([sinogram, sinogram[:, ::-1]], axis=1))[:, :used]
        result[row] = fft.irfft(np.sum(spectrum * filters, axis=0), 2 * columns)[:columns]
    return result
