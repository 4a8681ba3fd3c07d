"""A part of the dose of a scan, judged by the data left out and compared with the full dose."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from tomodenoise.common.arrays import BoolArray, FloatArray
from tomodenoise.denoising import inference
from tomodenoise.evaluation import baselines, comparison, dose_channels, held_out_slices
from tomodenoise.evaluation.aside import Process, halves
from tomodenoise.evaluation.dose_answer import NETWORK, RAW, REUSED
from tomodenoise.evaluation.figures_of_merit import if_any
from tomodenoise.evaluation.held_out_slices import Slices
from tomodenoise.metrics import contrast, edges, independent, merit, pieces
from tomodenoise.metrics.support import Unsupported
from tomodenoise.networks.models import Model
from tomodenoise.scans.description import runs
from tomodenoise.scans.thinning import Thinning
from tomodenoise.storage.sections import Sections

FILTERS = ("median", "tv")
"""Filters that are tuned on the data left out; the one with the smaller error is shown."""

Denoise = Mapping[str, Any]
"""`input` and `ensemble`, see the section `denoise`."""


@dataclass(frozen=True, eq=False)
class Dosed:
    """Sections of a scan or of a part of it, and the model that is trained on them."""

    sections: Sections
    model: Model
    slices: Slices
    """Slices to judge the model on."""


@dataclass(frozen=True, eq=False)
class Part:
    """The judged slices of a part of the dose, (z, y, x) each: the mean of all channels."""

    thinning: Thinning
    slices: Slices
    full: FloatArray
    """Denoised, from the full dose."""
    aside: tuple[FloatArray, FloatArray]
    results: Mapping[str, FloatArray]
    setting: str
    """Of the filter."""
    shared: float = 0.0
    """Variance of noise that both halves left out may share, because of the standard error of the gain."""
    channels: Mapping[str, Any] | None = None
    """See `dose_channels.judge`."""


@dataclass(frozen=True, eq=False)
class Reference:
    """Where all results of a part are measured, as found in the slices of the full dose."""

    mask: BoolArray
    classes: tuple[BoolArray, BoolArray] | None
    places: edges.Edges | None
    bright: bool | None
    """Whether the phase to measure is the bright one; None if there is only one phase."""


def choose(sections: Sections, model: Model, identity: Mapping[str, object], rows: list[int] | None) -> Dosed:
    """Choose the slices that a model is judged on, see `held_out_slices.choose`."""
    return Dosed(sections, model, held_out_slices.choose(sections.at(0), model, identity, rows))


def collect(
    whole: Dosed, part: Dosed, thinning: Thinning, process: Process, denoise: Denoise, time: int = 0, doubt: float = 0.0
) -> Part:
    """Denoise a part of the dose with its own model and with that of the full dose, and reconstruct the data left out.

    Parameters
    ----------
    time : step of a dynamic scan.
    doubt : relative standard error of the gain that photons were split with.

    Raises
    ------
    Unsupported
        If both models held out other slices.
    """
    slices = common(whole.slices, part.slices)
    aside = halves(process, thinning, slices.runs, time)
    raw, network = denoised(part.sections, part.model, slices, denoise, time)
    _, reused = denoised(part.sections, whole.model, slices, denoise, time)
    _, full = denoised(whole.sections, whole.model, slices, denoise, time)
    share = thinning.share if thinning.by == "photons" else None
    results = {RAW: raw, NETWORK: network, REUSED: reused}
    channels = dose_channels.judge(results, aside, slices.mask, share)
    first, second = (images.mean(axis=0) for images in aside)
    means = {name: images.mean(axis=0) for name, images in results.items()}
    noise = float(np.var((first - second)[:, slices.mask]) / 2 * thinning.of("first").share)  # at full dose
    name, setting, filtered = _best_filter(
        means[RAW], (first, second), slices.mask, float(np.sqrt(noise / thinning.share))
    )
    ordered = {RAW: means[RAW], name: filtered, NETWORK: means[NETWORK], REUSED: means[REUSED]}
    return Part(thinning, slices, full.mean(axis=0), (first, second), ordered, setting, doubt * noise, channels)


def common(whole: Slices, part: Slices) -> Slices:
    """Return the slices and pixels that neither model learned from."""
    if not whole.trained:
        return part
    rows = np.intersect1d(whole.rows, part.rows)
    mask = whole.mask & part.mask
    if not (len(rows) and mask.any()):
        raise Unsupported("the training held out other slices than at full dose, so none can be compared")
    return replace(part, runs=tuple(runs(rows)), mask=mask)


def study(
    whole: Dosed,
    parts: Sequence[tuple[Thinning, Dosed]],
    process: Process,
    denoise: Denoise,
    time: int = 0,
    doubt: float = 0.0,
) -> tuple[list[dict[str, Any]], dict[str, FloatArray]]:
    """Judge parts of the dose one after the other, each as `collect`.

    Returns
    -------
    Of each part what `judge` returns, or `absent`, the reason why it is not judged; and the `pictures` of all, their
    names behind the fraction of the dose.
    """
    judged: list[dict[str, Any]] = []
    shown: dict[str, FloatArray] = {}
    for thinning, own in parts:
        try:
            part = collect(whole, own, thinning, process, denoise, time, doubt)
        except Unsupported as reason:
            judged.append({"fraction": thinning.fraction, "absent": str(reason)})
            continue
        judged.append(judge(part))
        shown |= {f"{thinning.fraction:g}/{name}": image for name, image in pictures(part).items()}
    return judged, shown


def judge(part: Part) -> dict[str, Any]:
    """Return the figures of a part of the dose in plain values.

    Returns
    -------
    `full`: figures of the full dose on the same slices, see `_of_image`; `results`: the same for each result, with
    those of `independent.Against`; None for what the data do not support.
    """
    mask = part.slices.mask
    bright = if_any(lambda: pieces.is_bright(part.full, mask))
    places = if_any(lambda: edges.detect(part.full, mask))
    reference = Reference(mask, if_any(lambda: contrast.classes(part.full, mask)), places, bright)
    results = {}
    for name, image in part.results.items():
        against = if_any(lambda image=image: independent.compare(image, *part.aside, mask, part.shared))  # type: ignore[misc]
        histograms = _histograms(image, part.full, reference)
        results[name] = (asdict(against) if against else {}) | _of_image(image, reference) | histograms
    return {
        "fraction": part.thinning.fraction,
        "rows": [list(run) for run in part.slices.runs],
        "pixels": len(part.slices.rows) * int(mask.sum()),
        "filter": part.setting,
        "full": _of_image(part.full, reference),
        "results": results,
        **({"channels": part.channels} if part.channels else {}),
    }


def pictures(part: Part) -> dict[str, FloatArray]:
    """Return the region of the middle slice with the most edges: `full`, and each result."""
    middle = len(part.full) // 2
    box = comparison.region(part.full[middle], part.slices.mask)
    return {name: image[middle][box] for name, image in {"full": part.full, **part.results}.items()}


def _histograms(image: FloatArray, full: FloatArray, reference: Reference) -> dict[str, float]:
    """Return the distance of the histogram of each material from that at full dose, relative to their contrast."""
    if reference.classes is None:
        return {}
    dark, bright = reference.classes
    step = float(full[bright].mean(dtype=float) - full[dark].mean(dtype=float))
    materials = {"histogram_dark": dark, "histogram_bright": bright}
    return {key: contrast.histogram_distance(image, full, part) / step for key, part in materials.items()}


def _of_image(image: FloatArray, reference: Reference) -> dict[str, Any]:
    """Measure contrast, edges and the pieces of the phase."""
    places = reference.places
    width = if_any(lambda: edges.measure(image, places)) if places else None
    values = {
        "contrast": contrast.cnr(image, *reference.classes) if reference.classes else None,
        "edges": width.fwhm if width else None,
        "edges_error": width.error if width else None,
    }
    if reference.bright is None:
        return values
    bright = reference.bright
    phase = if_any(lambda: pieces.measure(image, reference.mask, bright=bright))
    if phase is None:
        return values
    return values | asdict(phase) | {"bright": bright}


def denoised(
    scan: Sections, model: Model, slices: Slices, denoise: Denoise, time: int
) -> tuple[FloatArray, FloatArray]:
    """Return slices (channel, z, y, x) before and after denoising, as for the product."""
    how = {"time": time, "mode": denoise["input"], "ensemble": int(denoise["ensemble"])}
    pairs = [pair for run in slices.runs for pair in inference.denoise(model, scan, run, **how)]
    before, after = (np.stack([images[number] for images in pairs], axis=1) for number in (0, 1))
    return before, after


def _best_filter(
    raw: FloatArray, aside: tuple[FloatArray, FloatArray], mask: BoolArray, noise: float
) -> tuple[str, str, FloatArray]:
    """Return name, setting and result of the filter with the smallest error."""
    target = np.mean(aside, axis=0)
    found = []
    for name in FILTERS:
        chosen = baselines.FILTERS[name]
        strength = baselines.tune(chosen, raw, target, mask, noise)
        result = np.stack([chosen.apply(image, strength, noise) for image in raw])
        found.append((merit.umse(result, *aside, mask), name, chosen.strength.format(strength), result))
    _, name, setting, result = min(found, key=lambda entry: entry[0])
    return name, setting, result
