"""A dose study in the report: a table with a row for each part of the dose, charts, and pictures of one region."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, MaxNLocator, NullLocator

from tomodenoise.common.arrays import FloatArray
from tomodenoise.evaluation.dose_answer import FULL, NETWORK, RAW, REUSED
from tomodenoise.report import curves, words
from tomodenoise.report.curves import ACCENT, BLACK, DENOISED, LINE, MUTED, Chart

COLUMNS = (
    ("error", "Error, rms", "from the data left out", ".3g"),
    ("slope", "Grey values", "slope, 1 is correct", ".3f"),
    ("correlated_to", "Correlated up to", "cycles per pixel", ".3f"),
    ("contrast", "Contrast to noise", "higher is better", ".1f"),
    ("histogram_dark", "Histogram, dark", "distance from full dose", ".1%"),
    ("histogram_bright", "Histogram, bright", "relative to the contrast", ".1%"),
    ("edges", "Edge width, px", "lower is sharper", ".2f"),
    ("volume", "Volume fraction", "of the {} phase", ".4f"),
    ("number", "Pieces", "of that phase", ".0f"),
    ("diameter", "Mean size, px", "diameter", ".2f"),
)
"""Figure, its name, how to read it, and its format."""

ERRORS = (
    "Error against the truth, estimated from the data left out, ± one standard error. Dashed: the network of the full"
    " dose, applied to smaller parts."
)
CHANNELS = (
    "Error of each channel against the truth, estimated from the data left out, ± one standard error. The error of the"
    " raw slices of the full dose is calculated from that of the largest part. A gap: too small to measure."
)
PROFILE = "The middle row of the region above: denoised at full dose and at each part of it."
EDGES = "Width of edges ± one standard error; within the band, widths count as unchanged."

STYLES: Mapping[str, Mapping[str, Any]] = {
    RAW: {"color": MUTED, "linewidth": 1.1},
    NETWORK: DENOISED,
    REUSED: {**DENOISED, "linestyle": "--", "linewidth": 1.1},
}
FILTER: Mapping[str, Any] = {"color": BLACK, "linewidth": 1.1, "linestyle": ":"}


@dataclass(frozen=True, eq=False)
class Study:
    """A dose study."""

    answer: str
    limits: Mapping[str, float]
    parts: Sequence[Mapping[str, Any]]
    """Judged parts of the dose, the largest first, see `evaluation.dose.judge`."""
    absent: Mapping[str, str]
    """Part of the dose to the reason why it is not judged."""
    pictures: Mapping[str, FloatArray]
    """`full`, and fraction/result, of the same region."""
    labels: Sequence[str] = ()
    """Of the channels."""

    @property
    def columns(self) -> list[tuple[str, str, str, str]]:
        """Columns of the table, see `COLUMNS`."""
        phase = next((part["full"].get("bright") for part in self.parts), None)
        named = "bright" if phase else "dark"
        return [(key, title, how.format(named), form) for key, title, how, form in COLUMNS]

    @property
    def terms(self) -> str:
        """What counts as unchanged, in one line."""
        sizes = self.limits["sizes"]
        within = "a standard error" if sizes == 1 else f"{sizes:g} standard errors"
        return (
            f"Sizes count as unchanged within {within} of the full dose, edges if they widen by less than"
            f" {self.limits['resolution']:.0%}. All on slices that no training used."
        )

    @property
    def rows(self) -> list[tuple[str, list[str]]]:
        """Rows of the table: the full dose and each part of it, denoised, with a text for each column."""
        full = [("100 %", _texts(self.parts[0]["full"]))] if self.parts else []
        return full + [(_percent(part), _texts(part["results"][NETWORK])) for part in self.parts]

    @property
    def others(self) -> list[tuple[str, list[str]]]:
        """Rows of the other results: part of the dose and what was done to it."""
        return [
            (f"{_percent(part)}, {_named(name, part)}", _texts(result))
            for part in self.parts
            for name, result in part["results"].items()
            if name != NETWORK
        ]

    @property
    def shown(self) -> list[tuple[str, FloatArray]]:
        """Captions and pictures, in the order of the table, without those of the reused network."""
        kept = [(key, image) for key, image in self.pictures.items() if not key.endswith(REUSED)]
        return [(_caption(key), image) for key, image in kept]


def of(values: Mapping[str, Any], pictures: Mapping[str, FloatArray]) -> Study:
    """Return a study from `dose.json` and its pictures."""
    judged = [part for part in values["parts"] if "absent" not in part]
    absent = {_percent(part): part["absent"] for part in values["parts"] if "absent" in part}
    return Study(values["answer"], values["limits"], judged, absent, pictures, values.get("labels") or ())


def read_pictures(file: Path) -> dict[str, FloatArray]:
    """Read the pictures by name; that of the full dose, which all parts have, once."""
    with np.load(file, allow_pickle=False) as arrays:
        images = dict(arrays)
    full = [key for key in images if key.endswith("/full")]
    return ({"full": images[full[0]]} if full else {}) | {key: images[key] for key in images if key not in full}


def charts(study: Study, key: str) -> list[Chart]:
    """Draw error and edge width over the dose; `key` is unique on the page."""
    drawn = []
    if any(part["results"][NETWORK].get("error") is not None for part in study.parts):
        drawn.append(Chart("Error", ERRORS, curves.draw(partial(_errors, study=study), f"{key} error")))
    if study.parts and study.parts[0]["full"].get("edges"):
        drawn.append(Chart("Resolution", EDGES, curves.draw(partial(_edges, study=study), f"{key} edges")))
    if "full" in study.pictures:
        drawn.append(Chart("Line profile", PROFILE, curves.draw(partial(_profile, study=study), f"{key} profile")))
    if any(part.get("channels") for part in study.parts):
        drawn.append(Chart("Channel by channel", CHANNELS, curves.draw(partial(_channels, study=study), f"{key} each")))
    return drawn


def _profile(axes: Axes, study: Study) -> None:
    """Draw the middle row of the pictures: the full dose and the parts of it, denoised."""
    row = len(study.pictures["full"]) // 2
    named = [f"{part['fraction']:g}" for part in study.parts]
    axes.plot(study.pictures["full"][row], color=BLACK, linewidth=1.1, label="full dose")
    for number, (name, part) in enumerate(zip(named, study.parts, strict=True)):
        if f"{name}/{NETWORK}" in study.pictures:
            line = study.pictures[f"{name}/{NETWORK}"][row]
            alpha = 1 - 0.6 * number / len(named)
            axes.plot(line, color=ACCENT, linewidth=1.1, alpha=alpha, label=_percent(part))
    axes.set(xlabel="pixel of the region", ylabel="grey value")
    axes.legend(loc="best")


def _channels(axes: Axes, study: Study) -> None:
    """Draw the error of each channel at each part of the dose, and that of the raw slices of the full dose."""
    parts = [part for part in study.parts if part.get("channels")]
    for number, part in enumerate(parts):
        alpha = 1 - 0.6 * number / len(parts)
        _each(axes, part["channels"][NETWORK], f"{_percent(part)}, network", {**DENOISED, "alpha": alpha})
    if full := parts[0]["channels"].get(FULL):
        _each(axes, full, FULL, STYLES[RAW])
    curves.log(axes)
    axes.set(xlabel="channel", ylabel="error, rms")
    if study.labels:
        axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
        axes.set_xlabel(f"channel, {study.labels[0]} to {study.labels[-1]}")
    axes.legend(loc="best")


def _each(axes: Axes, found: Mapping[str, Any], label: str, style: Mapping[str, Any]) -> None:
    pairs = zip(found["error"], found["error_error"], strict=True)
    values, errors = zip(*(_rms(*pair) for pair in pairs), strict=True)
    axes.errorbar(range(len(values)), values, errors, label=label, marker="o", **{"markersize": 3, **style})


def _errors(axes: Axes, study: Study) -> None:
    for name, style in _lines(study):
        _line(axes, study, name, "error", style, _rms)
    curves.log(axes)
    axes.set(ylabel="error, rms")
    _over_dose(axes, study)


def _edges(axes: Axes, study: Study) -> None:
    width = study.parts[0]["full"]["edges"]
    change = study.limits["resolution"]
    axes.axhspan(width * (1 - change), width * (1 + change), color=LINE, linewidth=0)
    for name, style in _lines(study):
        if name in {NETWORK, REUSED}:
            _line(axes, study, name, "edges", style, lambda value, error: (value, error))
    axes.plot(1, width, "o", color=BLACK, markersize=3.5, label="full dose")
    axes.set(ylabel="edge width, pixels")
    _over_dose(axes, study)


def _line(axes: Axes, study: Study, name: str, key: str, style: Mapping[str, Any], convert: Any) -> None:  # noqa: ANN401
    """Draw a figure of the results with a name over the dose, with error bars; all filters are one line."""
    points = []
    for part in study.parts:
        others = [result for other, result in part["results"].items() if other not in STYLES]
        result = part["results"].get(name, others[0])
        if result.get(key) is not None:
            points.append((part["fraction"], *convert(result[key], result[f"{key}_error"])))
    if points:
        dose, values, errors = zip(*points, strict=True)
        axes.errorbar(dose, values, errors, label=name, marker="o", **{"markersize": 3, **style})


def _lines(study: Study) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield the names of the results, the filter being one of them, and their styles."""
    yield RAW, STYLES[RAW]
    filters = dict.fromkeys(name for part in study.parts for name in part["results"] if name not in STYLES)
    yield " or ".join(filters), FILTER
    yield NETWORK, STYLES[NETWORK]
    yield REUSED, STYLES[REUSED]


def _over_dose(axes: Axes, study: Study) -> None:
    doses = [part["fraction"] for part in study.parts] + [1.0]
    axes.set(xscale="log", xlabel="part of the dose")
    axes.xaxis.set_major_locator(FixedLocator(doses))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xticklabels([f"{dose:.3g}" for dose in doses])
    axes.legend(loc="best")


def _rms(error: float, spread: float) -> tuple[float, float]:
    """Return the root of a mean squared error, and its standard error; NaN if it is not above zero."""
    root = math.sqrt(error) if error > 0 else math.nan
    return root, spread / (2 * root)


def _percent(part: Mapping[str, Any]) -> str:
    return f"{100 * part['fraction']:.3g} %"


def _named(name: str, part: Mapping[str, Any]) -> str:
    return name if name in STYLES else f"{name}, {part['filter']}"


def _caption(key: str) -> str:
    if key == "full":
        return "full dose, denoised"
    fraction, name = key.split("/")
    return f"{100 * float(fraction):.3g} %, {name}"


def _decimals(error: float) -> int:
    """Return the decimals that show one digit of an error."""
    return max(0, -math.floor(math.log10(error)))


def _texts(result: Mapping[str, Any]) -> list[str]:
    texts = []
    for key, _, _, form in COLUMNS:
        value = result.get(key)
        error = result.get(f"{key}_error")
        if key == "error" and value is not None and error is not None:
            value, error = _rms(value, error)
        if error and value is not None and math.isfinite(value):
            texts.append(f"{value:.{_decimals(error)}f} ± {error:.{_decimals(error)}f}".replace("-", words.MINUS))
        else:
            texts.append(words.number(value, form))
    return texts
