"""Duration and learning rate of a training."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tomodenoise.training.options import Train

ROUNDS = 2
"""Rounds on projected copies that "auto" takes for few angles."""

FEW_ANGLES = 0.6
"""Projections per column below which rounds pay within the same budget [measured: yes at 0.5, no at 0.75]."""

COPIED = 12
"""Rows of a block that is copied, at most."""


def iterations(budget: Train, pixels: int) -> int:
    """Return the number of steps, of ``pixels`` pixels each, that the budget allows."""
    by_pixels = math.ceil(budget.pixels / pixels)
    return min(by_pixels, budget.iterations or by_pixels)


def shortened(train: Mapping[str, Any], share: float) -> dict[str, Any]:
    """Return the section `train` with a share of its budget, and two evaluations at least."""
    fewer = {
        "pixels": max(1.0, share * train["pixels"]),
        "evaluations": max(2, math.ceil(share * train["evaluations"])),
    }
    if train.get("iterations"):
        fewer["iterations"] = max(1, math.ceil(share * train["iterations"]))
    if train.get("minutes"):
        fewer["minutes"] = share * train["minutes"]
    return {**train, **fewer}


def goals(budget: Train, total: int) -> list[int]:
    """Return the iterations after which to evaluate the model, evenly spread up to the ``total``."""
    ends = np.linspace(0, total, budget.evaluations + 1)[1:]
    return [int(goal) for goal in np.unique(np.ceil(ends))]


def share(budget: Train, done: int, total: int, seconds: float) -> float:
    """Return the share of the budget that is spent, 0 to 1."""
    limit = (budget.minutes or math.inf) * 60
    return min(1.0, max(done / total, seconds / limit))


def out_of_patience(budget: Train, held_out: Sequence[float]) -> bool:
    """Return whether the best held-out loss is too many evaluations ago."""
    since_best = len(held_out) - 1 - int(np.argmin(np.nan_to_num(held_out, nan=math.inf)))
    return since_best >= (budget.patience or math.inf)


def improving(held_out: Sequence[float]) -> bool:
    """Return whether the held-out loss was still falling at the end: its smallest value is in the last quarter.

    The learning rate falls to zero in any case, so a flat end does not mean that a longer training is no better.
    """
    best = int(np.argmin(np.nan_to_num(held_out, nan=math.inf))) + 1 if held_out else 0
    return best > 0.75 * (len(held_out) - 1)


def one_cycle(spent: float, peak: float) -> float:
    """Return the learning rate after a share of the budget [Smith & Topin, arXiv:1708.07120].

    As in torch's OneCycleLR, it rises from 1/25 of the peak to the peak in the first 30 % and falls to nearly zero,
    along half cosines. It depends on the share alone, so an interrupted or extended training needs no stored state.
    """
    rising = spent < 0.3
    part = spent / 0.3 if rising else (spent - 0.3) / 0.7
    wave = (1 - math.cos(math.pi * part)) / 2
    low, height = (peak / 25, wave) if rising else (peak / 25e4, 1 - wave)
    return low + (peak - low) * height
