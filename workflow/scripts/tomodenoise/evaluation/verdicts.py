"""Verdicts: each figure of merit in a sentence, with its meaning, and a remedy if something is wrong."""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from tomodenoise.evaluation.acquisition import Acquisition

Level = Literal["good", "note", "bad"]
Values = Mapping[str, Any]
"""Values of a figure."""

Sentences = Iterator[tuple[Level, str]]

UNSURE = 0.1  # standard error above which a slope shows nothing
OFF = 0.03  # distance of a slope from 1 that is reported, beyond two standard errors
STREAKED = 0.8  # smallest slope that streaks from few angles may explain
LITTLE_GAIN = 3.0  # decibels
CLEAN = 40.0  # uPSNR, decibels, of slices whose noise is a hundredth of the grey values' range
LOST = 0.05  # correlation of the residual with edges, above that of noise, beyond which it shows the sample
# Share of the residual's variance in rings or along edges beyond which they are visible. Measured: 0.037 to 0.34 in ten
# residuals where they are visible, 0.027 in one with a trace of them, and at most 0.023 in nine without.
SEEN = 0.03
WEAK = 0.9  # strength of a residual, relative to the noise, below which noise is left
WIDER = 1.15  # edges that denoising widens by more than this factor are blurred
BETTER = 0.998  # a filter or model is better if its loss is below this multiple of the network's
FEW_ANGLES = 1.0  # projections per column and section
FEW_SAMPLED = 0.5  # part of the width that all angles must sample in full
FEW_PHOTONS = 3.0  # -log(n + 1/2) of Poisson counts is off by 0.02 at a mean of 3, and by more below
CORRELATED = 0.05  # correlation of the noise of sections beyond which it is reported
IN_TIME = 0.02  # the same for consecutive frames, above that of other frames
OWN_ERROR = 0.15  # far from the axis, from the network's own error: above it the noise cannot be compared
MATTERS = 0.05  # difference of two inputs, as a share of the error, that is reported beyond three standard errors
AFTERGLOW = 0.01  # share of the light that may explain a correlation


@dataclass(frozen=True)
class Verdict:
    """A sentence for the user."""

    figure: str
    level: Level
    text: str


def advice(facts: Mapping[str, Any], *, trained: bool) -> str:
    """Return advice on getting a better network.

    Parameters
    ----------
    facts : of the model.
    trained : whether the configuration trains the model on this scan.
    """
    if facts.get("shelf", {}).get("course") == "used":
        return "Lower shelf.use to have the model fine-tuned, or leave out its shelf to train one"
    if not trained:
        return "Fine-tune the model: list this scan under models.NAME.scans, or train a model on this scan"
    if facts.get("improving") is False:
        return "Training had stopped improving: use a larger network (network.width) or more data"
    return "Train longer (train.pixels)"


def on_copies(facts: Mapping[str, Any]) -> list[Verdict]:
    """Say that a model was also trained on copies of its own output; nothing if it was not.

    Parameters
    ----------
    facts : of the model; see `training.rounds`.
    """
    found = facts.get("reprojection")
    if not found or not found["rounds"]:
        return []
    errors = found["errors"]
    lower = 100 * (1 - errors[found["rounds"]] / errors[0])
    text = (
        f"Training on projected copies lowered the error against the measured data, noise included, by {lower:.2g} %."
        " The network removes streaks that the sections contain, so figures based on sections understate its quality."
    )
    return [Verdict("reprojection", "note", text)]


def verdicts(
    figures: Mapping[str, Values], acquisition: Acquisition, better: str, *, copied: bool = False
) -> list[Verdict]:
    """Put figures into words.

    Parameters
    ----------
    figures : name to values, see `figures_of_merit`.
    better : see `advice`.
    copied : whether the network was also trained on copies of its own output, and therefore removes streaks.
    """
    writers = {**WRITERS, "residual": _residual_with_streaks} if copied else WRITERS
    return [
        Verdict(name, level, text)
        for name, write in writers.items()
        if name in figures
        for level, text in write(figures[name], acquisition, better)
    ]


def _sample(v: Values, _: Acquisition, __: str) -> Sentences:
    if v["left_out"]:
        yield (
            "bad",
            f"{v['left_out']} judged slices hold values that are not finite. Check their projections.",
        )
    if not v["holds"]:
        text = "The judged rows hold no sample that both halves of the data show, so the network is not rated on them."
        yield "note", f"{text} Check the center and the rows that are reconstructed."


def _umse(v: Values, a: Acquisition, better: str) -> Sentences:
    if v["umse"] <= 2 * v["umse_error"] or v["umse_given"] <= 0:
        yield "note", "The network's error is too small to measure on these pixels."
        return
    gain = v["upsnr"] - v["upsnr_given"]
    uncertain = 2 * 10 / math.log(10) * math.hypot(v["umse_error"] / v["umse"], v["umse_given_error"] / v["umse_given"])
    change = "lowers" if gain > 0 else "raises"
    text = f"Denoising {change} the error by {abs(gain):.1f} dB, to an uPSNR of {v['upsnr']:.1f} dB"
    if v["upsnr"] < 0:
        yield "bad", f"{text}: the error is larger than the range of the grey values. {better}."
    elif gain >= LITTLE_GAIN:
        yield "good", f"{text}."
    elif v["upsnr_given"] > CLEAN:
        yield "note", f"{text}. The noise was below 1 % of the grey values' range: there was little to remove."
    elif gain + uncertain >= LITTLE_GAIN:
        yield "note", f"{text}, known only to ± {uncertain:.1f} dB."
    else:
        yield "bad", f"{text}: too little. {better}."
    if v["sampling"] < FEW_ANGLES:
        few = f"With {v['sampling']:.2f} projections per column and section, streaks count as sample"
        yield "note", f"{few}: the uPSNR is optimistic, but still ranks networks correctly."


def _truth(v: Values, _: Acquisition, __: str) -> Sentences:
    raw, denoised, half = (f"{v[f'psnr_{name}']:.2f}".replace("inf", "∞") for name in ("raw", "denoised", "half"))
    text = f"Against the truth: PSNR {raw} dB raw and {denoised} dB denoised"
    if v["ssim_raw"] is not None:
        text += f", SSIM {v['ssim_raw']:.3f} and {v['ssim_denoised']:.3f}"
    yield "note", f"{text}. From half of the data the network reaches {half} dB."


def _fsc(v: Values, a: Acquisition, better: str) -> Sentences:
    if v["resolution"] is None:
        yield "note", "The resolution of the raw data is unknown: their halves never cross the half-bit threshold."
        return
    text = f"The raw data resolve {a.length(v['resolution'])} by the half-bit criterion"
    few = f". Below {a.length(1 / v['sampled_to'])} streaks of few angles count as noise"
    yield "note", f"{text}{few if v['sampled_to'] < v['frequency'] else ''}."


def _cross_frc(v: Values, a: Acquisition, better: str) -> Sentences:
    if v["half"] is None:
        text = f"The denoised slices agree with the sample down to {a.length(1 / v['valid_to'])}"
        yield "good", f"{text} (correlation above 0.5). Finer structure cannot be judged: the data are noise there."
    else:
        yield "note", f"The denoised slices agree with the sample down to {a.length(1 / v['half'])}."


def _calibration(v: Values, a: Acquisition, better: str) -> Sentences:
    slope = v["slope"]
    stated = f"slope {slope:.3f} ± {v['slope_error']:.3f}"
    if v["slope_error"] > UNSURE:
        yield "note", f"Grey values cannot be checked: too much noise ({stated})."
    elif abs(slope - 1) <= OFF + 2 * v["slope_error"]:
        yield "good", f"Grey values are right on average: {stated}."
    elif slope > 1:
        yield "bad", f"Contrast is {1 - 1 / slope:.0%} too low ({stated}): the network blurs. {better}."
    elif v["sampling"] < FEW_ANGLES and slope > STREAKED:
        few = f"{v['sampling']:.2f} projections per column and section"
        yield "note", f"Noise is left, or streaks of few angles ({few}) lower the slope ({stated})."
    else:
        yield "bad", f"Noise is left ({stated}), unless the sections share noise. {better}."


def _contrast(v: Values, a: Acquisition, better: str) -> Sentences:
    text = f"Contrast to noise of the two main materials: {v['raw']:.1f} raw, {v['denoised']:.1f} denoised."
    yield ("good", text) if v["denoised"] > v["raw"] else ("bad", f"{text} {better}.")


def _edges(v: Values, a: Acquisition, better: str) -> Sentences:
    widths = [f"{a.length(v[name])} {name}" for name in ("raw", "denoised")]
    spread = math.hypot(v["raw_spread"], v["denoised_spread"])
    text = f"{v['edges']} edges are {' and '.join(widths)} wide (full width at half maximum, ± {spread:.2g} px)"
    if v["denoised"] <= WIDER * v["raw"]:
        yield "good", f"{text}: not blurred."
    elif v["denoised"] <= v["raw"] + spread:
        yield "note", f"{text}: too uncertain to detect blur."
    else:
        yield "bad", f"{text}: denoising blurs. {better}."


def _residual(v: Values, a: Acquisition, better: str) -> Sentences:
    strength = v["deviation"] / v["noise"] if v["noise"] else 1.0
    rings, outline = (v[name] or 0.0 for name in ("rings", "outline"))
    stronger = v["outline"] is not None and v["at_edges"] - v["noise_at_edges"] > LOST
    # Rings have edges as well.
    lost = outline >= max(SEEN, rings) or (rings < SEEN and stronger)
    if rings >= SEEN:
        text = f"What was removed shows rings ({rings:.0%} of its variance), and more may be left in the slices"
        yield "bad", f"{text}. Remove them before training: set correct.stripes, or a stronger method if one is set."
    if lost:
        text = f"What was removed shows the outline of the sample ({outline:.0%} of its variance lies along edges)"
        yield "bad", f"{text}: fine structure was lost. {better}."
    if rings >= SEEN or lost:
        return
    text = f"What was removed is {strength:.2f} times as strong as the noise"
    if strength < WEAK:
        yield "note", f"{text}: noise is left, or streaks of few angles count as noise."
    elif v["rings"] is None or v["outline"] is None:
        yield "note", f"{text}. Whether it shows rings or edges cannot be determined from so few pixels."
    else:
        yield "good", f"{text} and shows neither rings nor edges."


def _residual_with_streaks(v: Values, a: Acquisition, better: str) -> Sentences:
    """Leave open whether lines and rings in the residual are structure, because streaks look like both."""
    sentences = list(_residual(v, a, better))
    if any(level == "bad" for level, _ in sentences):
        text = "What was removed shows lines or rings, as streaks of few angles do"
        yield "note", f"{text}. No figure can tell whether it holds structure of the sample: look at it."
    else:
        yield from sentences


def _independence(v: Values, a: Acquisition, _: str) -> Sentences:
    if v.get("in_time", 0.0) > max(IN_TIME, 4 * v.get("in_time_error", 0.0)):
        yield _in_time(v, a)
        return
    *near, far = v["zones"]
    for number, zone in enumerate(near):
        excess = zone["correlation"] - max(far["correlation"], 0)
        if excess > max(CORRELATED, 3 * zone["error"]):
            expected = v["flats_share"][number] if v["flats_share"] else 0.0
            text = f"correlation {zone['correlation']:.2f} within {zone['outer']:.0f} px of the axis"
            yield "bad", f"Sections share noise: {text}. {_cause(zone['correlation'], expected, a)}."
            return
    inner = v["zones"][0]
    text = f"{inner['correlation']:.2f} ± {inner['error']:.2f} within {inner['outer']:.0f} px of the axis"
    text += f", {far['correlation']:.2f} far from it" if near else ""
    if v["flats_share"] and v["flats_share"][0] > CORRELATED:
        shared = f"{a.flats} flats shared by all sections are expected to correlate their noise by about"
        yield "note", f"{shared} {v['flats_share'][0]:.2f} near the axis; measured: {text}. {a.more_flats}."
    elif far["correlation"] > OWN_ERROR:
        yield "note", f"Whether sections share noise is unknown: the network's own error is too large ({text})."
    elif inner["error"] > 2 * CORRELATED:
        yield "note", f"Sections share no visible noise, but the slices are too few to be sure ({text})."
    else:
        yield "good", f"The noise of the sections is independent (correlation {text})."


def _in_time(v: Values, a: Acquisition) -> tuple[Level, str]:
    text = f"The noise of consecutive frames is correlated by {v['in_time']:.3f} ± {v['in_time_error']:.3f}"
    if a.afterglow is None:
        return "note", f"{text}: suspect afterglow, a filter along the angles, or too short a training."
    if a.afterglow < AFTERGLOW:
        return "note", f"{text}, but the flats show no afterglow: suspect a filter along the angles or the training."
    text = f"{text} (the flats show {a.afterglow:.1%} afterglow)"
    return "bad", f"{text}: noise may look like structure. Measure with less afterglow."


def _cause(correlation: float, expected: float, a: Acquisition) -> str:
    if expected > correlation / 3:
        return f"{a.flats} flats are too few to be shared. {a.more_flats}"
    if a.afterglow is not None and a.afterglow >= AFTERGLOW:
        return f"{a.afterglow:.1%} of the light appears one frame later. Measure with less afterglow"
    return "The flats do not explain it: look for rings (correct.stripes), afterglow, and filters along the angles"


def _input(v: Values, _: Acquisition, __: str) -> Sentences:
    if v["umse"] <= 0:
        return
    share = v["gain"] / v["umse"]
    if abs(v["gain"]) <= 3 * v["gain_error"] or abs(share) < MATTERS:
        yield "good", "All sections together and the mean of the results for parts of them are equally good inputs."
    elif share > 0:
        yield "good", f"All sections together are a better input than parts of them: the error is {share:.0%} lower."
    else:
        text = f"Parts of the sections are a better input than all of them together: the error is {-share:.0%} lower"
        yield "note", f"{text}. Set denoise.input: sections."


def _coverage(v: Values, _: Acquisition, __: str) -> Sentences:
    if v["gaps"] and v["missing_wedge"]:
        ranges = "A range of angles has" if v["gaps"] == 1 else f"{v['gaps']} ranges of angles have"
        text = f"{ranges} no projections, {v['missing_wedge']:.1f} of 180 degrees"
        yield "bad", f"{text}: no figure shows what is missing there."
    if v["sampled_diameter"] < FEW_SAMPLED * v["columns"]:
        text = f"{v['projections']} projections fully sample a disc of {v['sampled_diameter']:.0f} px around the axis"
        yield "note", f"{text}. Outside it, streaks cover fine structure."


def _counts(v: Values, _: Acquisition, __: str) -> Sentences:
    text = f"One pixel in a thousand behind the sample gets {v['low_photons']:.1f} photons or fewer"
    if v["low_photons"] < FEW_PHOTONS:
        yield "bad", f"{text}: the logarithm is biased, so dense parts come out too light. Expose longer."
    else:
        yield "good", f"{text}: enough for an unbiased logarithm."


def _comparison(v: Values, a: Acquisition, better: str) -> Sentences:
    losses = {name: column["split_loss"] for name, column in v["columns"].items() if name != "raw"}
    own = losses["network"]
    best = min(losses, key=lambda name: losses[name])
    if losses[best] < BETTER * own:
        text = f"{best} predicts unseen data better than the network (loss {losses[best]:.4g} against {own:.4g})"
        yield "bad", f"{text}. {better}."
    else:
        yield "good", "No filter or model of the comparison predicts unseen data better than the network."


WRITERS: Mapping[str, Callable[[Values, Acquisition, str], Sentences]] = {
    "sample": _sample,
    "umse": _umse,
    "truth": _truth,
    "calibration": _calibration,
    "fsc": _fsc,
    "cross_frc": _cross_frc,
    "edges": _edges,
    "contrast": _contrast,
    "residual": _residual,
    "independence": _independence,
    "input": _input,
    "coverage": _coverage,
    "counts": _counts,
    "comparison": _comparison,
}
"""Writers of verdicts by figure, in the order of the report."""
