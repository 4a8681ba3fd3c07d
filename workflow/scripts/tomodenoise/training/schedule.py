"""How long a training goes on, and how fast it learns on the way."""

import math
from collections.abc import Sequence

import numpy as np

from tomodenoise.training.options import Train


def iterations(budget: Train, pixels: int) -> int:
    """Count the steps of ``pixels`` pixels each that the budget allows."""
    by_pixels = math.ceil(budget.pixels / pixels)
    return min(by_pixels, budget.iterations or by_pixels)


def goals(budget: Train, total: int) -> list[int]:
    """Give the iterations after which to judge the model, evenly spread up to the ``total``."""
    ends = np.linspace(0, total, budget.evaluations + 1)[1:]
    return [int(goal) for goal in np.unique(np.ceil(ends))]


def share(budget: Train, done: int, total: int, seconds: float) -> float:
    """Share of the budget that is spent, 0 to 1."""
    limit = (budget.minutes or math.inf) * 60
    return min(1.0, max(done / total, seconds / limit))


def out_of_patience(budget: Train, held_out: Sequence[float]) -> bool:
    """Tell whether the best of the held-out losses lies too far back."""
    since_best = len(held_out) - 1 - int(np.argmin(np.nan_to_num(held_out, nan=math.inf)))
    return since_best >= (budget.patience or math.inf)


def improving(held_out: Sequence[float]) -> bool:
    """Tell whether the held-out loss was still falling at the end: its smallest value is in the last quarter.

    The learning rate falls to zero in any case, so that a flat end does not mean that a longer training is no better.
    """
    best = int(np.argmin(np.nan_to_num(held_out, nan=math.inf))) + 1 if held_out else 0
    return best > 0.75 * (len(held_out) - 1)


def one_cycle(spent: float, peak: float) -> float:
    """Learning rate after a share of the budget [Smith & Topin, arXiv:1708.07120].

    It rises from a 25th to its peak in the first three tenths and falls to next to nothing, along half cosines, as in
    torch's OneCycleLR. A function of the share alone, so that an interrupted or prolonged training goes on without a
    state of the schedule.
    """
    rising = spent < 0.3
    part = spent / 0.3 if rising else (spent - 0.3) / 0.7
    wave = (1 - math.cos(math.pi * part)) / 2
    low, height = (peak / 25, wave) if rising else (peak / 25e4, 1 - wave)
    return low + (peak - low) * height
