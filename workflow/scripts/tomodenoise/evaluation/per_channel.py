"""Figures of merit of each channel or each time step, and their verdicts."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from tomodenoise.common.arrays import BoolArray, FloatArray
from tomodenoise.evaluation import figures_of_merit
from tomodenoise.evaluation.evidence import Evidence
from tomodenoise.evaluation.profile import Profile
from tomodenoise.evaluation.verdicts import LITTLE_GAIN, OFF, UNSURE, Level, Verdict

KEPT: Mapping[str, Sequence[str]] = {
    "sample": ("holds",),
    "split_loss": ("split_loss",),
    "umse": ("umse", "umse_given", "upsnr", "upsnr_given"),
    "cross_frc": ("valid_to", "half"),
    "calibration": ("slope", "slope_error"),
    "truth": ("psnr_raw", "psnr_denoised", "psnr_half"),
}
"""Figure to the values of it that are kept."""

NAMED = 6  # largest number of channels or steps named in a sentence
CERTAIN = 3.0  # standard errors by which a slope must exceed zero for unseen data to confirm an image
WORSE = 1.0  # decibels by which the error outside the training steps may exceed that inside before it is reported


def judge(
    evidence: Iterable[tuple[int, Evidence]], labels: Sequence[str], window: Sequence[int], axis: str
) -> Profile | None:
    """Judge the channels or steps one by one, holding the images of only one; None if there are none.

    Parameters
    ----------
    evidence : see `cases.series`.
    axis, labels, window : as in `Profile`.
    """
    places: list[int] = []
    values: dict[str, list[float | None]] = {key: [] for keys in KEPT.values() for key in keys}
    absent: dict[str, dict[str, Any]] = {}
    for place, images in evidence:
        places.append(place)
        judgement = figures_of_merit.judge(images, KEPT)
        for name, keys in KEPT.items():
            for key in keys:
                value = judgement.values.get(name, {}).get(key)
                values[key].append(float(value) if value is not None and np.isfinite(value) else None)
        for name, reason in judgement.absent.items():
            absent.setdefault(name, {"reason": reason, "places": []})["places"].append(place)
    kept = {key: line for key, line in values.items() if any(value is not None for value in line)}
    return Profile(axis, places, kept, absent, labels, window) if places else None


def steps(count: int, seconds: float | None) -> list[str]:
    """Name time steps; `seconds` is the time from one to the next."""
    return [f"step {step}" + ("" if seconds is None else f" ({step * seconds:.4g} s)") for step in range(count)]


def verdicts(profile: Profile) -> list[Verdict]:
    """Return verdicts on the changes from channel to channel or step to step."""
    write = _channels if profile.axis == "channel" else _steps
    return [Verdict("along", level, text) for level, text in write(profile)]


def _channels(profile: Profile) -> Iterator[tuple[Level, str]]:
    empty = (profile.line("holds") == 0) | (profile.line("slope") < CERTAIN * profile.line("slope_error"))
    if empty.any():
        text = f"Unseen data confirm no structure in the image of {_names(profile, empty)}"
        yield "bad", f"{text}: it is hardly more than noise. Do not interpret structure in it."
    if not empty.all():
        yield from _gains(profile, ~empty)
        yield from _slopes(profile, ~empty, "channels", "bad")


def _gains(profile: Profile, part: BoolArray) -> Iterator[tuple[Level, str]]:
    if "umse" not in profile.figures:
        return
    gain = profile.line("upsnr") - profile.line("upsnr_given")
    known = part & np.isfinite(gain)
    poor = part & (gain < LITTLE_GAIN)
    if known.any():
        ends = dict.fromkeys(f"{end:.1f}" for end in (gain[known].min(), gain[known].max()))
        text = f"Denoising lowers the error by {' to '.join(ends)} dB in {known.sum()} of {len(gain)} channels"
        yield ("note", f"{text}, but only slightly in {_names(profile, poor)}.") if poor.any() else ("good", f"{text}.")
    if (part & ~known).any():
        yield "note", f"The error of {_names(profile, part & ~known)} is too small to measure on these pixels."


def _steps(profile: Profile) -> Iterator[tuple[Level, str]]:
    places = np.array(profile.places)
    inside = (places >= profile.window[0]) & (places < profile.window[1])
    yield from _drift(profile.line("umse"), inside)
    yield from _slopes(profile, inside, "training steps", "bad")
    yield from _slopes(profile, ~inside, "steps without training", "note")


def _drift(error: FloatArray, inside: BoolArray) -> Iterator[tuple[Level, str]]:
    """Compare the error of the training steps with that of the others."""
    known = np.isfinite(error)
    if not ((known & inside).any() and (known & ~inside).any()):
        return
    within, beyond = (float(error[known & part].mean()) for part in (inside, ~inside))
    if within > 0 and beyond > 0:
        change = 10 * np.log10(beyond / within)
        text = f"The error is {abs(change):.1f} dB {'higher' if change > 0 else 'lower'} outside the training steps"
        yield ("bad", f"{text}: train on steps that show the process.") if change > WORSE else ("good", f"{text}.")


def _slopes(profile: Profile, part: BoolArray, what: str, level: Level) -> Iterator[tuple[Level, str]]:
    slope = profile.line("slope")
    error = profile.line("slope_error")
    sure = part & (error <= UNSURE)
    off = sure & (np.abs(slope - 1) > OFF + 2 * error)
    unsure = part & ~sure
    if off.any():
        ends = f"slope {slope[off].min():.2f} to {slope[off].max():.2f}"
        yield level, f"Grey values are wrong in {off.sum()} of {part.sum()} {what}: {_names(profile, off)} ({ends})."
    elif sure.any():
        yield "good", f"Grey values are right on average in {sure.sum()} of {part.sum()} {what}."
    if unsure.any() and "slope" in profile.figures:
        yield "note", f"Grey values cannot be checked in {_names(profile, unsure)}: too much noise."


def _names(profile: Profile, chosen: BoolArray) -> str:
    """List the labels of some places, at most `NAMED`."""
    labels = [profile.labels[place] for place, named in zip(profile.places, chosen, strict=True) if named]
    more = f" and {len(labels) - NAMED} more" if len(labels) > NAMED else ""
    return ", ".join(labels[:NAMED]) + more
