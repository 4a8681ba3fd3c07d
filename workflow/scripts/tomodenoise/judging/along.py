"""Figures of each channel or each time step, one after the other, and what they say in words."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tomodenoise.arrays import BoolArray, FloatArray
from tomodenoise.judging import figures
from tomodenoise.judging.evidence import Evidence
from tomodenoise.judging.verdicts import LITTLE_GAIN, OFF, Level, Verdict

KEPT: Mapping[str, Sequence[str]] = {
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

UNSURE = 0.1
"""Error of a slope above which it says nothing."""

WORSE = 1.0
"""Decibels by which the error outside of the steps of training may exceed that inside before it is told."""


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
    for place, each in evidence:
        places.append(place)
        found = figures.judge(each, names=KEPT)
        for name, keys in KEPT.items():
            told = found.figures[name].values if name in found.figures else {}
            for key in keys:
                value = told.get(key)
                values[key].append(value if value is not None and np.isfinite(value) else None)
        for name, reason in found.absent.items():
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
    window : time steps that the model was trained on, first and last plus one.
    """
    tell = _channels if along.axis == "channel" else _steps
    return [Verdict("along", level, text) for level, text in tell(along, labels, window)]


def _channels(along: Along, labels: Sequence[str], _: Sequence[int]) -> Iterator[tuple[Level, str]]:
    if "umse" in along.figures:
        yield from _gains(along, labels)
    if "slope" in along.figures:
        empty = _line(along, "slope") < CERTAIN * _line(along, "slope_error")
        if empty.any():
            text = f"Data that the network did not see confirm nothing of its image of {_some(along, labels, empty)}"
            yield "bad", f"{text}: next to nothing but noise is there; read no structure out of it."
        yield from _slopes(along, labels, ~empty, "channels", "bad")


def _gains(along: Along, labels: Sequence[str]) -> Iterator[tuple[Level, str]]:
    gain = _line(along, "upsnr") - _line(along, "upsnr_given")
    told, poor = np.isfinite(gain), gain < LITTLE_GAIN
    if told.any():
        ends = dict.fromkeys(f"{end:.1f}" for end in (gain[told].min(), gain[told].max()))
        text = f"The error falls by {' to '.join(ends)} dB in {told.sum()} of {len(gain)} channels"
        yield ("note", f"{text}; by little in {_some(along, labels, poor)}.") if poor.any() else ("good", f"{text}.")
    if not told.all():
        yield "note", f"The error is too small to be told from zero on so few pixels in {_some(along, labels, ~told)}."


def _steps(along: Along, labels: Sequence[str], window: Sequence[int]) -> Iterator[tuple[Level, str]]:
    places = np.array(along.places)
    inside = (places >= window[0]) & (places < window[1])
    if "umse" in along.figures and inside.any() and not inside.all():
        error = _line(along, "umse")
        within, beyond = (float(np.nanmean(error[part])) for part in (inside, ~inside))
        if within > 0 and beyond > 0:
            change = 10 * np.log10(beyond / within)
            text = f"Outside of the steps of training the error is {abs(change):.1f} dB"
            text += f" {'above' if change > 0 else 'below'} that inside"
            yield ("bad", f"{text}: train on steps that show the process.") if change > WORSE else ("good", f"{text}.")
    if "slope" in along.figures:
        yield from _slopes(along, labels, inside, "steps of training", "bad")
        yield from _slopes(along, labels, ~inside, "steps that training did not see", "note")


def _slopes(
    along: Along, labels: Sequence[str], part: BoolArray, what: str, level: Level
) -> Iterator[tuple[Level, str]]:
    slope, error = _line(along, "slope"), _line(along, "slope_error")
    sure = error <= UNSURE
    off, told = part & sure & (np.abs(slope - 1) > OFF + 2 * error), part & sure
    if off.any():
        range_ = f"slope {slope[off].min():.2f} to {slope[off].max():.2f}"
        yield (
            level,
            f"Grey values are off in {off.sum()} of {part.sum()} {what}: {_some(along, labels, off)} ({range_}).",
        )
    elif told.any():
        yield "good", f"Grey values are right on average in {told.sum()} of {part.sum()} {what}."
    if (part & ~sure).any():
        yield "note", f"Whether grey values are right cannot be told of {_some(along, labels, part & ~sure)}: noise."


def _line(along: Along, key: str) -> FloatArray:
    return np.array([np.nan if value is None else value for value in along.figures[key]], dtype=float)


def _some(along: Along, labels: Sequence[str], chosen: BoolArray) -> str:
    numbers = [along.places[i] for i in np.flatnonzero(chosen)]
    more = f" and {len(numbers) - NAMED} more" if len(numbers) > NAMED else ""
    return ", ".join(labels[number] for number in numbers[:NAMED]) + more
