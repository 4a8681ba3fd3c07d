"""Figures of each channel or each time step, one after the other, and what they say in words."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tomodenoise.common.arrays import BoolArray, FloatArray
from tomodenoise.evaluation import figures_of_merit
from tomodenoise.evaluation.context import UNSURE, Level, Verdict
from tomodenoise.evaluation.evidence import Evidence
from tomodenoise.evaluation.verdicts import LITTLE_GAIN, OFF

KEPT: Mapping[str, Sequence[str]] = {
    "sample": ("holds",),
    "split_loss": ("split_loss",),
    "umse": ("umse", "umse_given", "upsnr", "upsnr_given"),
    "cross_frc": ("valid_to", "half"),
    "calibration": ("slope", "slope_error"),
    "truth": ("psnr_raw", "psnr_denoised", "psnr_half"),
}
"""Figure to those of its values that are followed."""

NAMED = 6
"""Channels or steps that a sentence names at most."""

CERTAIN = 3.0
"""Errors that a slope must lie above zero for data that the network did not see to confirm its image."""

WORSE = 1.0
"""Decibels by which the error outside of the training steps may exceed that inside before it is reported."""


@dataclass(frozen=True)
class Along:
    """Figures along an axis."""

    axis: str
    """`channel` or `step`."""
    places: tuple[int, ...]
    """Numbers of the channels or steps."""
    figures: Mapping[str, list[float | None]]
    """Value, as `KEPT` names it, to one for each place; None where a place does not support it."""
    absent: Mapping[str, Mapping[str, Any]]
    """Figure to the `places` that do not support it, and the `reason` of the first."""


def gather(axis: str, evidence: Iterable[tuple[int, Evidence]]) -> Along | None:
    """Judge place after place, in memory one at a time; None where there is none."""
    places: list[int] = []
    values: dict[str, list[float | None]] = {key: [] for keys in KEPT.values() for key in keys}
    absent: dict[str, dict[str, Any]] = {}
    for place, shown in evidence:
        places.append(place)
        judgement = figures_of_merit.judge(shown, names=KEPT)
        for name, keys in KEPT.items():
            found = judgement.figures[name].values if name in judgement.figures else {}
            for key in keys:
                value = found.get(key)
                values[key].append(float(value) if value is not None and np.isfinite(value) else None)
        for name, reason in judgement.absent.items():
            absent.setdefault(name, {"reason": reason, "places": []})["places"].append(place)
    if not places:
        return None
    kept = {key: line for key, line in values.items() if any(value is not None for value in line)}
    return Along(axis, tuple(places), kept, absent)


def verdicts(along: Along, labels: Sequence[str], window: Sequence[int] = (0, 0)) -> list[Verdict]:
    """Put what changes along channels or steps into words.

    Parameters
    ----------
    labels : of all channels or steps.
    window : time steps that the model was trained on, [start, stop).
    """
    write = _channels if along.axis == "channel" else _steps
    return [Verdict("along", level, text) for level, text in write(along, labels, window)]


def _channels(along: Along, labels: Sequence[str], _: Sequence[int]) -> Iterator[tuple[Level, str]]:
    slope = _line(along, "slope")
    empty = (_line(along, "holds") == 0) | (slope < CERTAIN * _line(along, "slope_error"))
    if empty.any():
        text = f"Unseen data confirm nothing of the image of {_some(along, labels, empty)}"
        yield "bad", f"{text}: it is hardly more than noise. Do not read structure out of it."
    if not empty.all():
        yield from _gains(along, labels, ~empty)
        yield from _slopes(along, labels, ~empty, "channels", "bad")


def _gains(along: Along, labels: Sequence[str], part: BoolArray) -> Iterator[tuple[Level, str]]:
    if "umse" not in along.figures:
        return
    gain = _line(along, "upsnr") - _line(along, "upsnr_given")
    known, poor = part & np.isfinite(gain), part & (gain < LITTLE_GAIN)
    if known.any():
        ends = dict.fromkeys(f"{end:.1f}" for end in (gain[known].min(), gain[known].max()))
        text = f"Denoising lowers the error by {' to '.join(ends)} dB in {known.sum()} of {len(gain)} channels"
        yield ("note", f"{text}, by little in {_some(along, labels, poor)}.") if poor.any() else ("good", f"{text}.")
    if (part & ~known).any():
        yield "note", f"The error of {_some(along, labels, part & ~known)} is too small to measure on these pixels."


def _steps(along: Along, labels: Sequence[str], window: Sequence[int]) -> Iterator[tuple[Level, str]]:
    places = np.array(along.places)
    inside = (places >= window[0]) & (places < window[1])
    yield from _drift(_line(along, "umse"), inside)
    yield from _slopes(along, labels, inside, "training steps", "bad")
    yield from _slopes(along, labels, ~inside, "steps without training", "note")


def _drift(error: FloatArray, inside: BoolArray) -> Iterator[tuple[Level, str]]:
    """Compare the error of the steps that the model was trained on with that of the others."""
    known = np.isfinite(error)
    if not ((known & inside).any() and (known & ~inside).any()):
        return
    within, beyond = (float(error[known & part].mean()) for part in (inside, ~inside))
    if within > 0 and beyond > 0:
        change = 10 * np.log10(beyond / within)
        where = "higher" if change > 0 else "lower"
        text = f"The error is {abs(change):.1f} dB {where} outside of the training steps"
        yield ("bad", f"{text}: train on steps that show the process.") if change > WORSE else ("good", f"{text}.")


def _slopes(
    along: Along, labels: Sequence[str], part: BoolArray, what: str, level: Level
) -> Iterator[tuple[Level, str]]:
    slope, error = _line(along, "slope"), _line(along, "slope_error")
    sure = part & (error <= UNSURE)
    off, unsure = sure & (np.abs(slope - 1) > OFF + 2 * error), part & ~sure
    if off.any():
        ends = f"slope {slope[off].min():.2f} to {slope[off].max():.2f}"
        yield level, f"Grey values are off in {off.sum()} of {part.sum()} {what}: {_some(along, labels, off)} ({ends})."
    elif sure.any():
        yield "good", f"Grey values are right on average in {sure.sum()} of {part.sum()} {what}."
    if unsure.any() and "slope" in along.figures:
        yield "note", f"Grey values cannot be checked in {_some(along, labels, unsure)}: too much noise."


def _line(along: Along, key: str) -> FloatArray:
    """Values along the axis; NaN where there are none."""
    line = along.figures.get(key, [None] * len(along.places))
    return np.array([np.nan if value is None else value for value in line], dtype=float)


def _some(along: Along, labels: Sequence[str], chosen: BoolArray) -> str:
    numbers = [along.places[i] for i in np.flatnonzero(chosen)]
    more = f" and {len(numbers) - NAMED} more" if len(numbers) > NAMED else ""
    return ", ".join(labels[number] for number in numbers[:NAMED]) + more
