"""Decision what to do with a model that was found: use it as it is, fine-tune it, or train."""

import math
from dataclasses import dataclass
from typing import Literal

from tomodenoise.shelf.options import Shelf
from tomodenoise.training.grading import Grades

Course = Literal["used", "tuned", "trained"]


@dataclass(frozen=True)
class Decision:
    """What to do, and why."""

    course: Course
    why: str


def decide(own: float | None, found: Grades, options: Shelf) -> Decision:
    """Judge a model by its grades on the held-out part of new scans.

    Parameters
    ----------
    own : its skill on its own scans, decibels; None if its file does not say.
    found : grades on the new scans.
    """
    if not math.isfinite(found.slope) or found.skill is None:
        return Decision("trained", "its error on this scan cannot be measured")
    if own is None:
        return Decision("tuned", "its file does not say how well it did on its own scans")
    figures = (
        f"on the held-out part its error is {found.skill:.2f} dB below that of the best blur, on its own scans"
        f" {own:.2f} dB; slope {found.slope:.3f}"
    )
    if own - found.skill > options.tune:
        return Decision("trained", f"{figures}: more than shelf.tune {options.tune:g} dB short")
    if own - found.skill > options.use:
        return Decision("tuned", f"{figures}: more than shelf.use {options.use:g} dB short")
    if abs(found.slope - 1) > options.slope:
        return Decision("tuned", f"{figures}: more than shelf.slope {options.slope:g} from 1")
    return Decision("used", f"{figures}: good enough")
