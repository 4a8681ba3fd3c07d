"""Each figure in a sentence: the numbers, what they mean, and what to do where something is wrong."""

import math
from collections.abc import Callable, Iterator, Mapping

from tomodenoise.evaluation import shared_noise
from tomodenoise.evaluation.context import UNSURE, Context, Level, Values, Verdict

OFF = 0.03
"""Distance of a slope from 1 that is reported, beyond two standard errors."""

LOST = 0.05
"""Correlation of the residual with edges, above that of noise, from which on it shows the sample."""

SHOWN = 0.03
"""Share of the residual's variance in rings or along edges from which on a person sees them.

Measured: ten residuals in which they are seen have 0.037 to 0.34, one with a trace of them 0.027, and nine in which
they are not 0.023 at most.
"""

WEAK = 0.9
"""Of the noise, the strength of a residual below which noise is left."""

WIDER = 1.15
"""Edges that denoising widens by more than this are blurred."""

BETTER = 0.998
"""A filter or model is better where its loss is below this multiple of the network's."""

FEW_ANGLES, FEW_SAMPLED = 1.0, 0.5
"""Projections per column and section, and the part of the width that all angles must sample in full."""

STREAKED = 0.8
"""Least slope that streaks of few angles may explain."""

FEW_PHOTONS = 3.0
"""-log(n + 1/2) of Poisson counts is off by 0.02 at a mean of 3, and by more below."""

LITTLE_GAIN, CLEAN = 3.0, 40.0
"""Decibels of a gain that is little; and of slices whose noise is a hundredth of the grey values' range."""


def verdicts(figures: Mapping[str, Values], context: Context) -> list[Verdict]:
    """Put the figures of a judgement into words.

    Parameters
    ----------
    figures : name to values, see `judging`.
    """
    return [
        Verdict(name, level, text)
        for name, write in WRITERS.items()
        if name in figures
        for level, text in write(figures[name], context)
    ]


def _sample(v: Values, _: Context) -> Iterator[tuple[Level, str]]:
    if v["left_out"]:
        yield "bad", f"{v['left_out']} judged slices hold values that are not finite. Look at the projections there."
    if not v["holds"]:
        text = "The judged rows hold no sample that both halves of the data show, so the network is not rated on them."
        yield "note", f"{text} Check the center, and the rows that are reconstructed."


def _umse(v: Values, context: Context) -> Iterator[tuple[Level, str]]:
    if v["umse"] <= 2 * v["umse_error"] or v["umse_given"] <= 0:
        yield "note", "The network's error is too small to measure on these pixels."
        return
    gain = v["upsnr"] - v["upsnr_given"]
    uncertain = 2 * 10 / math.log(10) * math.hypot(v["umse_error"] / v["umse"], v["umse_given_error"] / v["umse_given"])
    change = "lowers" if gain > 0 else "raises"
    text = f"Denoising {change} the error by {abs(gain):.1f} dB, to an uPSNR of {v['upsnr']:.1f} dB"
    if v["upsnr"] < 0:
        yield "bad", f"{text}: the error is larger than the range of the grey values. {context.advice}."
    elif gain >= LITTLE_GAIN:
        yield "good", f"{text}."
    elif v["upsnr_given"] > CLEAN:
        yield "note", f"{text}. The noise was below 1 % of the grey values' range: there was little to remove."
    elif gain + uncertain >= LITTLE_GAIN:
        yield "note", f"{text}, known to ± {uncertain:.1f} dB only."
    else:
        yield "bad", f"{text}: too little. {context.advice}."
    if v["sampling"] < FEW_ANGLES:
        few = f"With {v['sampling']:.2f} projections per column and section, streaks count as sample"
        yield "note", f"{few}: the uPSNR is too high. Its differences between networks are right."


def _truth(v: Values, _: Context) -> Iterator[tuple[Level, str]]:
    raw, denoised, half = (f"{v[f'psnr_{name}']:.2f}".replace("inf", "∞") for name in ("raw", "denoised", "half"))
    text = f"Against the truth: PSNR {raw} dB raw and {denoised} dB denoised"
    if math.isfinite(v["ssim_raw"]):
        text += f", SSIM {v['ssim_raw']:.3f} and {v['ssim_denoised']:.3f}"
    yield "note", f"{text}. From half of the data the network makes {half} dB."


def _fsc(v: Values, context: Context) -> Iterator[tuple[Level, str]]:
    if v["resolution"] is None:
        yield "note", "The resolution of the raw data is not known: their halves never cross the half-bit threshold."
        return
    text = f"The raw data resolve {context.length(v['resolution'])} by the half-bit criterion"
    few = f". Below {context.length(1 / v['sampled_to'])} streaks of few angles count as noise"
    yield "note", f"{text}{few if v['sampled_to'] < v['frequency'] else ''}."


def _cross_frc(v: Values, context: Context) -> Iterator[tuple[Level, str]]:
    if v["half"] is None:
        text = f"The denoised slices agree with the sample down to {context.length(1 / v['valid_to'])}"
        yield "good", f"{text} (correlation above 0.5). Finer structure cannot be judged: the data are noise there."
    else:
        yield "note", f"The denoised slices agree with the sample down to {context.length(1 / v['half'])}."


def _calibration(v: Values, context: Context) -> Iterator[tuple[Level, str]]:
    slope, allowed = v["slope"], OFF + 2 * v["slope_error"]
    stated = f"slope {slope:.3f} ± {v['slope_error']:.3f}"
    if v["slope_error"] > UNSURE:
        yield "note", f"Grey values cannot be checked: too much noise ({stated})."
    elif abs(slope - 1) <= allowed:
        yield "good", f"Grey values are right on average: {stated}."
    elif slope > 1:
        yield "bad", f"Contrast is {1 - 1 / slope:.0%} too low ({stated}): the network blurs. {context.advice}."
    elif v["sampling"] < FEW_ANGLES and slope > STREAKED:
        few = f"{v['sampling']:.2f} projections per column and section"
        yield "note", f"Noise is left, or streaks of few angles ({few}) lower the slope ({stated})."
    else:
        yield "bad", f"Noise is left ({stated}), unless sections share it. {context.advice}."


def _contrast(v: Values, context: Context) -> Iterator[tuple[Level, str]]:
    text = f"Contrast to noise of the two main materials: {v['raw']:.1f} raw, {v['denoised']:.1f} denoised."
    yield ("good", text) if v["denoised"] > v["raw"] else ("bad", f"{text} {context.advice}.")


def _edges(v: Values, context: Context) -> Iterator[tuple[Level, str]]:
    widths = [f"{context.length(v[name])} {name}" for name in ("raw", "denoised")]
    spread = math.hypot(v["raw_spread"], v["denoised_spread"])
    text = f"{v['edges']} edges are {' and '.join(widths)} wide (full width at half maximum, ± {spread:.2g} px)"
    if v["denoised"] <= WIDER * v["raw"]:
        yield "good", f"{text}: not blurred."
    elif v["denoised"] <= v["raw"] + spread:
        yield "note", f"{text}: too uncertain to tell blur."
    else:
        yield "bad", f"{text}: denoising blurs. {context.advice}."


def _residual(v: Values, context: Context) -> Iterator[tuple[Level, str]]:
    strength = v["deviation"] / v["noise"] if v["noise"] else 1.0
    rings, outline = (v[name] or 0.0 for name in ("rings", "outline"))
    stronger = v["outline"] is not None and v["at_edges"] - v["noise_at_edges"] > LOST
    # The edges of rings are edges as well.
    lost = outline >= max(SHOWN, rings) or (rings < SHOWN and stronger)
    if rings >= SHOWN:
        text = f"What was removed shows rings ({rings:.0%} of its variance), and others may be left in the slices"
        yield "bad", f"{text}. Remove them before training: correct.stripes, a stronger method where one is set."
    if lost:
        text = f"What was removed shows the outline of the sample ({outline:.0%} of its variance lies along edges)"
        yield "bad", f"{text}: fine structure was lost. {context.advice}."
    if rings >= SHOWN or lost:
        return
    text = f"What was removed is {strength:.2f} times as strong as the noise"
    if strength < WEAK:
        yield "note", f"{text}: noise is left, or streaks of few angles count as noise."
    elif v["rings"] is None or v["outline"] is None:
        yield "note", f"{text}. Whether it shows rings or edges cannot be seen on these pixels."
    else:
        yield "good", f"{text} and shows neither rings nor edges."


def _coverage(v: Values, _: Context) -> Iterator[tuple[Level, str]]:
    if v["gaps"] and v["missing_wedge"]:
        ranges = "A range of angles has" if v["gaps"] == 1 else f"{v['gaps']} ranges of angles have"
        text = f"{ranges} no projections, {v['missing_wedge']:.1f} of 180 degrees"
        yield "bad", f"{text}: no figure shows what is missing there."
    if v["sampled_diameter"] < FEW_SAMPLED * v["columns"]:
        text = f"{v['projections']} projections fully sample a disc of {v['sampled_diameter']:.0f} px around the axis"
        yield "note", f"{text}. Outside of it fine structure has streaks."


def _counts(v: Values, _: Context) -> Iterator[tuple[Level, str]]:
    text = f"One pixel in a thousand behind the sample gets {v['low_photons']:.1f} photons or fewer"
    if v["low_photons"] < FEW_PHOTONS:
        yield "bad", f"{text}: the logarithm is biased, so dense parts look too light. Expose longer."
    else:
        yield "good", f"{text}: enough for an unbiased logarithm."


def _comparison(v: Values, context: Context) -> Iterator[tuple[Level, str]]:
    losses = {name: column["split_loss"] for name, column in v["columns"].items() if name != "raw"}
    own, best = losses["network"], min(losses, key=lambda name: losses[name])
    if losses[best] < BETTER * own:
        text = f"{best} predicts unseen data better than the network (loss {losses[best]:.4g} against {own:.4g})"
        yield "bad", f"{text}. {context.advice}."
    else:
        yield "good", "No filter or model of the comparison predicts unseen data better than the network."


WRITERS: Mapping[str, Callable[[Values, Context], Iterator[tuple[Level, str]]]] = {
    "sample": _sample,
    "umse": _umse,
    "truth": _truth,
    "calibration": _calibration,
    "fsc": _fsc,
    "cross_frc": _cross_frc,
    "edges": _edges,
    "contrast": _contrast,
    "residual": _residual,
    "independence": shared_noise.sentences,
    "coverage": _coverage,
    "counts": _counts,
    "comparison": _comparison,
}
"""In the order in which a person reads them."""
