"""Each figure in a sentence that says what it means and, where something is wrong, what to do."""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

Level = Literal["good", "note", "bad"]
Values = Mapping[str, Any]

OFF = 0.03
"""A slope this far from 1 is told; beside it two standard errors are allowed."""

CORRELATED = 0.05
IN_TIME = 0.02
LOST = 0.05
"""Correlation of the residual with edges, above that of noise, from which on it shows the sample."""

WIDER = 1.15
"""Edges that denoising widens by more than this are blurred."""

BETTER = 0.998
"""Of the network's loss, that of another which is told to be better."""

FEW_ANGLES = 1.0
FEW_SAMPLED = 0.5
"""Of the width, the part that all angles must sample in full."""

FEW_PHOTONS = 3.0
"""-log(n + 1/2) of Poisson counts is off by 0.02 at a mean of 3, and by more below."""

LITTLE_GAIN = 3.0
AFTERGLOW = 0.01


@dataclass(frozen=True)
class Verdict:
    """What a person reads."""

    figure: str
    level: Level
    text: str


@dataclass(frozen=True)
class Told:
    """What verdicts say beside the figures."""

    pixel_size: float | None
    """Micrometre."""
    flats: int
    divided: bool
    """Whether the configuration asks for flats of its own for each section."""
    afterglow: float | None
    """Share of the light that appears one frame later, as measured on the flats."""


def verdicts(figures: Mapping[str, Values], told: Told) -> list[Verdict]:
    """Put the figures of a judgement into words.

    Parameters
    ----------
    figures : name to values, see `judging`.
    """
    found = []
    for name, write in WRITERS.items():
        if name in figures:
            found += [Verdict(name, level, text) for level, text in write(figures[name], told)]
    return found


def _umse(v: Values, _: Told) -> Iterator[tuple[Level, str]]:
    if v["umse"] <= 0:
        yield "note", "The error of the network is too small to be told from zero on so few pixels."
        return
    gain = v["upsnr"] - v["upsnr_given"]
    text = f"uPSNR {v['upsnr']:.1f} dB: the error is {gain:.1f} dB below that of the slices the network was given"
    yield ("bad", f"{text}; train longer.") if gain < LITTLE_GAIN else ("good", f"{text}.")
    if v["sampling"] < FEW_ANGLES:
        few = f"With {v['sampling']:.2f} projections per column and section, streaks count as truth: take the uPSNR for"
        yield "note", f"{few} optimistic, and its differences between networks for right."


def _truth(v: Values, _: Told) -> Iterator[tuple[Level, str]]:
    text = f"Against the truth: PSNR {v['psnr_raw']:.2f} dB raw and {v['psnr_denoised']:.2f} dB denoised, SSIM"
    text += f" {v['ssim_raw']:.3f} and {v['ssim_denoised']:.3f}."
    yield "note", f"{text} The network on half of the data: {v['psnr_half']:.2f} dB."


def _fsc(v: Values, told: Told) -> Iterator[tuple[Level, str]]:
    if v["resolution"] is None:
        yield "note", "The raw halves of the data cross the half-bit threshold nowhere: their resolution is not told."
    else:
        text = f"The raw data resolve {_length(v['resolution'], told)} by the half-bit criterion"
        few = f"; below {_length(1 / v['sampled_to'], told)} streaks of few angles count as noise"
        yield "note", f"{text}{few if v['sampled_to'] < v['frequency'] else ''}."


def _cross_frc(v: Values, told: Told) -> Iterator[tuple[Level, str]]:
    limit = f"down to {_length(1 / v['valid_to'], told)}; finer structure is noise in the targets and cannot be judged"
    if v["half"] is None:
        yield "good", f"The network's slices correlate with the truth by more than 0.5 {limit}."
    else:
        yield "note", f"The network's slices correlate with the truth by 0.5 at {_length(1 / v['half'], told)}."


def _calibration(v: Values, _: Told) -> Iterator[tuple[Level, str]]:
    slope, allowed = v["slope"], OFF + 2 * v["slope_error"]
    told = f"slope {slope:.3f} ± {v['slope_error']:.3f}"
    if abs(slope - 1) <= allowed:
        yield "good", f"Grey values are right on average: {told}."
    elif slope > 1:
        yield "bad", f"Contrasts are shrunk by {1 - 1 / slope:.0%} ({told}): the network blurs; train longer."
    else:
        yield "bad", f"Noise is left in the slices ({told}): train longer, or look at the independence of the sections."


def _contrast(v: Values, _: Told) -> Iterator[tuple[Level, str]]:
    better = v["denoised"] > v["raw"]
    yield (
        "good" if better else "bad",
        f"Contrast to noise of the two main materials: {v['raw']:.1f} raw, {v['denoised']:.1f} denoised.",
    )


def _edges(v: Values, told: Told) -> Iterator[tuple[Level, str]]:
    widths = [f"{_length(v[name], told)} {name} (spread {v[f'{name}_spread']:.2g} px)" for name in ("raw", "denoised")]
    text = f"{v['edges']} edges have a width at half maximum of {widths[0]} and {widths[1]}"
    spread = math.hypot(v["raw_spread"], v["denoised_spread"])
    if v["denoised"] <= WIDER * v["raw"]:
        yield "good", f"{text}: they are not blurred."
    elif v["denoised"] <= v["raw"] + spread:
        yield "note", f"{text}: within the spread, so nothing can be said of blur."
    else:
        yield "bad", f"{text}: denoising blurs; train longer, or use a larger network."


def _residual(v: Values, _: Told) -> Iterator[tuple[Level, str]]:
    excess = v["at_edges"] - v["noise_at_edges"]
    if excess > LOST:
        text = f"What was removed is stronger at edges (correlation {v['at_edges']:.2f}, of noise"
        yield "bad", f"{text} {v['noise_at_edges']:.2f}): some of the sample went with the noise; train longer."
    else:
        share = v["deviation"] / v["noise"]
        yield "good", f"What was removed has {share:.2f} times the strength of the noise and does not show the edges."


def _independence(v: Values, told: Told) -> Iterator[tuple[Level, str]]:
    *near, far = v["zones"]
    excess = v.get("in_time", 0.0)
    if excess > max(IN_TIME, 4 * v.get("in_time_error", 0.0)):
        seen = f"The noise of frames that follow on each other is correlated ({excess:.3f} ± {v['in_time_error']:.3f})"
        measured = f"; the flats show {told.afterglow:.1%} of afterglow" if told.afterglow is not None else ""
        yield "bad", f"{seen}: expect noise that looks like structure; measure with less afterglow{measured}."
        return
    for number, zone in enumerate(near):
        excess = zone["correlation"] - max(far["correlation"], 0)
        if excess > max(CORRELATED, 3 * zone["error"]):
            expected = v["flats_share"][number] if v["flats_share"] else 0.0
            text = (
                f"Sections' noise is correlated ({zone['correlation']:.2f} within {zone['outer']:.0f} px of the axis)"
            )
            yield "bad", f"{text}: {_cause(zone['correlation'], expected, told)}"
            return
    inner = v["zones"][0]
    text = f"({inner['correlation']:.2f} ± {inner['error']:.2f} within {inner['outer']:.0f} px of the axis"
    text += f", {far['correlation']:.2f} far from it)" if near else ")"
    if v["flats_share"] and v["flats_share"][0] > CORRELATED:
        shared = f"The {told.flats} flats that all sections share correlate their noise by about"
        shared += f" {v['flats_share'][0]:.2f} near the axis, though it is not seen here"
        yield "note", f"{shared} {text}: {_mend(told)}."
    elif inner["error"] > 2 * CORRELATED:
        yield "note", f"No correlation of the sections' noise is seen, but slices are too few to be sure {text}."
    else:
        yield "good", f"The noise of sections is independent {text}."


def _cause(correlation: float, expected: float, told: Told) -> str:
    if expected > correlation / 3:
        return f"{told.flats} flats are too few to be shared; {_mend(told)}"
    if told.afterglow is not None and told.afterglow >= AFTERGLOW:
        return (
            f"{told.afterglow:.1%} of the light appears one frame later, and neighbouring frames are in different"
            " sections; measure with less afterglow, the network keeps this noise"
        )
    return "flats do not explain it; look for rings (correct.stripes), afterglow, and filters along the angles"


def _mend(told: Told) -> str:
    return "take more flats" if told.divided else "set correct.flats: divided"


def _coverage(v: Values, _: Told) -> Iterator[tuple[Level, str]]:
    if v["missing_wedge"]:
        yield "bad", f"A wedge of {v['missing_wedge']:.1f} degrees is missing: no figure here sees what it hides."
    if v["sampled_diameter"] < FEW_SAMPLED * v["columns"]:
        disc = f"a disc of {v['sampled_diameter']:.0f} px around the axis"
        yield "note", f"{v['projections']} projections sample {disc} in full; further out, fine structure has streaks."


def _counts(v: Values, _: Told) -> Iterator[tuple[Level, str]]:
    text = f"Behind the sample one pixel in a thousand sees {v['low_photons']:.1f} photons or fewer"
    if v["low_photons"] < FEW_PHOTONS:
        yield "bad", f"{text}: too few for a right logarithm, so dense parts look too light; expose longer."
    else:
        yield "good", f"{text}: enough for a right logarithm."


def _comparison(v: Values, _: Told) -> Iterator[tuple[Level, str]]:
    losses = {name: column["split_loss"] for name, column in v["columns"].items() if name != "raw"}
    own, best = losses["network"], min(losses, key=lambda name: losses[name])
    if losses[best] < BETTER * own:
        text = f"{best} predicts data that it did not see better than the network (loss {losses[best]:.4g}"
        yield "bad", f"{text} against {own:.4g}): train longer."
    else:
        yield (
            "good",
            "Nothing that is compared with the network predicts data that it did not see better.",
        )


def _length(pixels: float, told: Told) -> str:
    text = f"{pixels:.1f} px" if pixels >= 2 else f"{pixels:.2f} px"
    return f"{text} ({pixels * told.pixel_size:.3g} µm)" if told.pixel_size else text


WRITERS: Mapping[str, Callable[[Values, Told], Iterator[tuple[Level, str]]]] = {
    "umse": _umse,
    "truth": _truth,
    "calibration": _calibration,
    "fsc": _fsc,
    "cross_frc": _cross_frc,
    "edges": _edges,
    "contrast": _contrast,
    "residual": _residual,
    "independence": _independence,
    "coverage": _coverage,
    "counts": _counts,
    "comparison": _comparison,
}
"""In the order in which a person reads them."""
