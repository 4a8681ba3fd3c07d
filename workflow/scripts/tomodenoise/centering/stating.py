"""Result of an estimator, with an error from the scatter over independent parts of the data and a floor."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from tomodenoise.centering.fitting import jackknife
from tomodenoise.common.arrays import FloatArray

PARTS = 8  # of rows, pairs or columns, for independent estimates


@dataclass(frozen=True)
class Estimate:
    """Result of one estimator."""

    method: str
    center: float  # pixels, leftmost pixel's centre = 0
    spread: float | None  # pixels, standard error; None: not trusted
    halves: float | None = None  # pixels between the centers of two halves of the data, for the worse way to halve it
    reason: str | None = None  # reason not to trust it
    floor: float = 0.0  # pixels, the systematic part of `spread`, which no scatter shows
    moved: float = 0.0  # pixels by which the centre of mass leaves its circle, if that is significant


@dataclass(frozen=True)
class Parts:
    """Centers from parts of the data, pixels, for one way to divide it."""

    without: FloatArray  # (part,) from all parts but one
    halves: tuple[float, float] | None  # from every second part, and from the others


def part(curves: FloatArray, best: Callable[[FloatArray], float]) -> Parts | None:
    """Find the centers from parts of the data.

    Parameters
    ----------
    curves : (part, center) curves of the parts, which add up to the curve of all data.
    best : function that finds the center of a curve.

    Returns
    -------
    The centers; None for a single part.
    """
    if len(curves) < 2:
        return None
    total = curves.sum(axis=0)
    halves = best(curves[0::2].sum(axis=0)), best(curves[1::2].sum(axis=0))
    return Parts(np.array([best(total - curve) for curve in curves]), halves)


def state(method: str, center: float, parted: Sequence[Parts | None], floor: float, reason: str | None) -> Estimate:
    """Combine a center and its errors into an estimate.

    Parameters
    ----------
    parted : centers from the data divided by rows, and by pairs, columns or views. The error over each holds the noise
        and the variation along it; their squares add up. If only one division is possible, it counts for both.
    floor : systematic error, pixels, which no scatter shows.
    reason : reason not to trust the estimate, or None.
    """
    known = [parts for parts in parted if parts is not None]
    halves = max((abs(parts.halves[0] - parts.halves[1]) for parts in known if parts.halves), default=None)
    if not known and reason is None:
        reason = "its error cannot be estimated from one row and one view"
    if reason is not None:
        return Estimate(method, center, None, halves, reason)
    error = np.sqrt(2 * np.mean([jackknife(parts.without) ** 2 for parts in known]))
    # Halves differ by about twice the error. They reveal a match that jumps, unlike leaving out a small part.
    error = np.hypot(error, (halves or 0.0) / 2)
    return Estimate(method, float(center), float(np.hypot(error, floor)), halves, floor=floor)
