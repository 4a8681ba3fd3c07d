"""What an estimator says, and how sure it is: the scatter over independent parts of the data, and a floor."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from tomodenoise.centering.fitting import jackknife
from tomodenoise.common.arrays import FloatArray

PARTS = 8  # of rows, pairs or columns, each an estimate of its own


@dataclass(frozen=True)
class Estimate:
    """What one estimator says."""

    method: str
    center: float  # pixels, leftmost pixel's centre = 0
    spread: float | None  # pixels, standard error; None: not to be trusted
    halves: float | None = None  # pixels between the centers of two halves of the data, the worse way to halve it
    reason: str | None = None  # why it is not to be trusted
    floor: float = 0.0  # pixels, the part of `spread` that no scatter shows
    moved: float = 0.0  # pixels by which the centre of mass leaves its circle, where noise does not explain it


@dataclass(frozen=True)
class Parts:
    """Centers of parts of the data, pixels, by one way to part it."""

    without: FloatArray  # (part,) all parts but one
    halves: tuple[float, float] | None  # every second part, and the others


def part(curves: FloatArray, best: Callable[[FloatArray], float]) -> Parts | None:
    """Part the data by curves (part, center) that add up to that of all; `best` finds the center of a curve."""
    if len(curves) < 2:
        return None
    total = curves.sum(axis=0)
    halves = best(curves[0::2].sum(axis=0)), best(curves[1::2].sum(axis=0))
    return Parts(np.array([best(total - one) for one in curves]), halves)


def state(method: str, center: float, parted: Sequence[Parts | None], floor: float, reason: str | None) -> Estimate:
    """Sum up an estimate.

    Parameters
    ----------
    parted : the data parted by rows, and by pairs, columns or views. The error over each holds the noise, and what
        varies along it; their squares add up. Where one way is closed, the other stands for both.
    floor : pixels, what no scatter shows.
    reason : why it is not to be trusted, else None.
    """
    known = [one for one in parted if one is not None]
    halves = max((abs(one.halves[0] - one.halves[1]) for one in known if one.halves), default=None)
    if not known and reason is None:
        reason = "nothing tells how sure it is: there is one row and one view"
    if reason is not None:
        return Estimate(method, center, None, halves, reason)
    error = np.sqrt(2 * np.mean([jackknife(one.without) ** 2 for one in known]))
    # Halves differ by twice the error, more or less. They feel a match that jumps, which leaving out little does not.
    error = np.hypot(error, (halves or 0.0) / 2)
    return Estimate(method, float(center), float(np.hypot(error, floor)), halves, floor=floor)
