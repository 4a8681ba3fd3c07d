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


def decide(own_gain: float | None, found: Grades, options: Shelf) -> Decision:
    """Judge a model by its grades on the held-out part of new scans.

    Parameters
    ----------
    own_gain : decibels by which it lowered the error on its own scans; None if its file does not say.
    found : grades on the new scans.
    """
    if not math.isfinite(found.slope) or found.gain is None:
        return Decision("trained", "its error on this scan cannot be measured")
    if own_gain is None:
        return Decision("tuned", "its file does not say how well it did on its own scans")
    lost = own_gain - found.gain
    apart = abs(found.slope - 1)
    figures = (
        f"on the held-out part it lowers the error by {found.gain:.2f} dB, on its own scans by {own_gain:.2f} dB; slope"
        f" {found.slope:.3f}"
    )
    if lost > options.tune:
        return Decision("trained", f"{figures}: more than shelf.tune {options.tune:g} dB short")
    if lost > options.use:
        return Decision("tuned", f"{figures}: more than shelf.use {options.use:g} dB short")
    if apart > options.slope:
        return Decision("tuned", f"{figures}: more than shelf.slope {options.slope:g} from 1")
    return Decision("used", f"{figures}: good enough")
