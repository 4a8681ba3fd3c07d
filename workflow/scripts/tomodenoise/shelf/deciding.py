"""Decision how to proceed with a model that was found: use it as it is, fine-tune it, or train another one."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from tomodenoise.shelf.options import Shelf

if TYPE_CHECKING:
    from tomodenoise.training.grading import Grades

Course = Literal["used", "tuned", "trained"]


@dataclass(frozen=True)
class Decision:
    """What to do, and why."""

    course: Course
    why: str


def against_blur(skill: float) -> str:
    """Say by how much the error of a model is below or above that of a blur, see `grading.Grades.skill`."""
    return f"{abs(skill):.2f} dB {'below' if skill >= 0 else 'above'}"


def decide(own: float | None, found: Grades, options: Shelf) -> Decision:
    """Judge a model by its grades on the held-out part of new scans.

    Parameters
    ----------
    own : its skill on its own scans, decibels; None if its file does not say.
    found : grades on the new scans.
    """
    if not math.isfinite(found.slope) or found.skill is None:
        return Decision("trained", "its error on this scan cannot be measured")
    short = math.nan if own is None else own - found.skill
    figures = f"on the held-out part its error is {against_blur(found.skill)} that of the best blur"
    figures += "" if own is None else f", on its own scans {against_blur(own)}"
    limits: tuple[tuple[bool, Course, str], ...] = (
        (found.skill <= options.least, "trained", f"it must be below by more than shelf.least, {options.least:g} dB"),
        (own is None, "tuned", "its file does not say how well it did on its own scans"),
        (short > options.tune, "trained", f"falls short by more than shelf.tune, {options.tune:g} dB"),
        (short > options.use, "tuned", f"falls short by more than shelf.use, {options.use:g} dB"),
        (abs(found.slope - 1) > options.slope, "tuned", f"differs from 1 by more than shelf.slope, {options.slope:g}"),
        (True, "used", "good enough"),
    )
    course, limit = next((course, limit) for applies, course, limit in limits if applies)
    return Decision(course, f"{figures}; slope {found.slope:.3f}: {limit}")
