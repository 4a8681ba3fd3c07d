"""Quality on the page: verdicts, plots and the picture of the residual, from `quality.json` and its curves."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from matplotlib.axes import Axes

from tomodenoise.common.arrays import FloatArray
from tomodenoise.evaluation.profile import Profile
from tomodenoise.report import curves, greys, pictures, words
from tomodenoise.report.curves import ACCENT, BLACK, LINE, MUTED

Lines: TypeAlias = Mapping[str, FloatArray]

NAMES = {
    "split_loss": "split loss",
    "umse": "uMSE and uPSNR",
    "fsc": "resolution of the raw data",
    "cross_frc": "correlation with the truth",
    "calibration": "calibration",
    "contrast": "contrast to noise",
    "edges": "width of edges",
    "spectrum": "power spectrum",
    "residual": "residual",
    "independence": "independence of the noise",
    "coverage": "angles",
    "counts": "photons",
    "truth": "error against the truth",
    "all": "everything",
}

DEVIATIONS = 4
"""Standard deviations of the residual to either side of grey in its picture."""

SHOWN = 400
"""Largest side of that picture, pixels."""


@dataclass(frozen=True)
class Quality:
    """The judgement of a scan's denoised volume."""

    judged: Mapping[str, Any] | None
    """Which slices; None if the scan is not judged."""
    verdicts: list[Mapping[str, str]]
    """Each with `level`, good, note or bad, and `text`."""
    figures: Mapping[str, Mapping[str, Any]]
    absent: Mapping[str, str]
    """Figure to the reason."""
    curves: Mapping[str, Lines]
    """Figure to the arrays of its plot."""
    along: Profile | None = None
    """Figures of each channel or time step of a scan that has several."""

    @property
    def bad(self) -> int:
        """Number of verdicts that require action."""
        return sum(verdict["level"] == "bad" for verdict in self.verdicts)

    @property
    def basis(self) -> str:
        """Rows and sections that were judged, in one line."""
        if self.judged is None:
            return "This scan is not judged."
        runs = self.judged["rows"]
        rows = ", ".join(str(start) if stop == start + 1 else f"{start} to {stop - 1}" for start, stop in runs)
        noun = "row" if len(runs) == 1 and runs[0][1] == runs[0][0] + 1 else "rows"
        return f"Judged on {noun} {rows} ({self.judged['why']}). {self.judged.get('told', '')}"

    @property
    def missing(self) -> dict[str, str]:
        """Name of each figure that is absent, to the reason."""
        return {NAMES[name]: reason for name, reason in self.absent.items() if name != "truth"}

    @property
    def numbers(self) -> dict[str, Any]:
        """All figures, for a closer look."""
        return {NAMES[name]: dict(values) for name, values in self.figures.items() if values and name in NAMES}

    @property
    def highlights(self) -> dict[str, str]:
        """Entries of the overview: label to text, a dash where nothing was measured."""
        # Infinite numbers, such as the decibels of an error below zero, are null in JSON.
        complete = {name: values for name, values in self.figures.items() if None not in values.values()}
        return {
            label: text(complete[figure]) if figure in complete else words.NOTHING
            for label, (figure, text) in HIGHLIGHTS.items()
        }


@dataclass(frozen=True)
class Chart:
    """A plot or a picture with its caption."""

    title: str
    svg: str
    picture: pictures.Picture | None
    caption: str


def of(values: Mapping[str, Any], lines: Mapping[str, Lines]) -> Quality:
    """Read the values of `quality.json`; the curves come from `read_curves`."""
    along = Profile(**values["along"]) if "along" in values else None
    return Quality(**{**values, "along": along}, curves=lines)


def read_curves(file: Path) -> dict[str, dict[str, FloatArray]]:
    """Read the curves next to `quality.json`: figure to name to array."""
    lines: dict[str, dict[str, FloatArray]] = {}
    with np.load(file, allow_pickle=False) as arrays:
        for name, array in arrays.items():
            figure, key = name.split("/")
            lines.setdefault(figure, {})[key] = array
    return lines


def charts(quality: Quality, key: str) -> list[Chart]:
    """Draw all plots and the residual; `key` is unique on the page."""
    drawn = []
    for number, (name, title, fill, caption) in enumerate(PLOTS):
        if lines := quality.curves.get(name):
            svg = curves.draw(partial(fill, lines=lines, quality=quality), f"{key} {number}")
            text = f"{NETWORK} {caption}" if name == "fsc" and "cross_frc" in quality.curves else caption
            drawn.append(Chart(title, svg, None, text))
    if "residual" in quality.curves:
        picture = quality.curves["residual"]["picture"]
        limit = DEVIATIONS * quality.figures["residual"]["deviation"] or 1.0
        shown = pictures.picture(picture, greys.linear(-limit, limit), pictures.reduction([picture], SHOWN))
        drawn.append(Chart("What was removed", "", shown, CAPTION.format(words.number(limit, 2))))
    return drawn


def _error(values: Mapping[str, Any]) -> str:
    if values["umse"] <= 2 * values["umse_error"] or values["umse_given"] <= 0:
        return "too small"  # to be measured, as the verdict says
    gain = values["upsnr"] - values["upsnr_given"]
    return f"{abs(gain):.1f} dB {'less' if gain > -0.05 else 'more'}"


def _change(values: Mapping[str, Any]) -> str:
    return f"{words.number(values['raw'], 2)} → {words.number(values['denoised'], 2)}"


HIGHLIGHTS: Mapping[str, tuple[str, Callable[[Mapping[str, Any]], str]]] = {
    "Error": ("umse", _error),
    "Grey values": ("calibration", lambda values: f"slope {values['slope']:.2f}"),
    "Contrast to noise": ("contrast", _change),
    "Edges, px": ("edges", _change),
}
"""Label in the overview to its figure and text."""


def _correlations(axes: Axes, lines: Lines, quality: Quality) -> None:
    frequency = lines["frequency"]
    axes.plot(frequency, lines["halves"], color=MUTED, linewidth=1.1, label="raw, two halves")
    full = np.where(lines["halves"] > lines["half_bit"], lines["full"], np.nan)
    axes.plot(frequency, full, "--", color=MUTED, linewidth=1.1, label="raw, all data: expected")
    axes.plot(frequency, lines["half_bit"], ":", color=BLACK, linewidth=1, label="half-bit threshold")
    if cross := quality.curves.get("cross_frc"):
        axes.plot(cross["frequency"], cross["network"], color=ACCENT, linewidth=1.8, label="network")
    if truth := quality.curves.get("truth"):
        axes.plot(truth["frequency"], truth["half"], "--", color=ACCENT, linewidth=1, label="network, with the truth")
    axes.set(xlim=(0, 0.5), ylim=(-0.05, 1.05), xlabel="cycles per pixel", ylabel="correlation")
    axes.legend(frameon=False, loc="upper right", fontsize=7.5)


def _calibration(axes: Axes, lines: Lines, quality: Quality) -> None:
    ends = [float(lines["levels"][0]), float(lines["levels"][-1])]
    axes.plot(ends, ends, color=LINE, linewidth=1.5)
    axes.errorbar(lines["levels"], lines["means"], 2 * lines["errors"], fmt="o", color=ACCENT, markersize=3.5)
    axes.set(xlabel="network", ylabel="noisy data it did not see")


def _spectrum(axes: Axes, lines: Lines, quality: Quality) -> None:
    axes.plot(lines["frequency"], lines["raw"], color=MUTED, linewidth=1.1, label="raw")
    axes.plot(lines["frequency"], lines["denoised"], color=ACCENT, linewidth=1.8, label="denoised")
    axes.plot(lines["frequency"], lines["residual"], color=BLACK, linewidth=1, label="removed")
    axes.plot(lines["frequency"], lines["noise"], ":", color=BLACK, linewidth=1.4, label="noise")
    axes.set(xlim=(0, 0.5), xlabel="cycles per pixel", ylabel="power", yscale="log")
    axes.legend(frameon=False, loc="upper right", ncols=2, fontsize=7.5)


def _edges(axes: Axes, lines: Lines, quality: Quality) -> None:
    axes.plot(lines["offset"], lines["raw"], "o-", color=MUTED, markersize=2.5, linewidth=1.1, label="raw")
    axes.plot(lines["offset"], lines["denoised"], "o-", color=ACCENT, markersize=2.5, linewidth=1.7, label="denoised")
    axes.set(xlabel="pixels from the edge", ylabel="attenuation per pixel")
    axes.legend(frameon=False, loc="upper left")


def _residual(axes: Axes, lines: Lines, quality: Quality) -> None:
    axes.axhline(0, color=LINE, linewidth=1.5)
    axes.errorbar(lines["levels"], lines["means"], 2 * lines["errors"], fmt="o", color=ACCENT, markersize=3.5)
    axes.set(xlabel="denoised", ylabel="mean of what was removed")


NETWORK = (
    "Network: correlation with noise-free slices, estimated from data it did not see; the line ends where these are"
    " noise."
)
HALVES = "Denoised halves are not compared: blurring alone would make them agree."
LEVELS = "Mean of data the network did not see, against its own value. On the line: right. Steeper: contrast was lost."
NOISE = "Removed should follow noise, the difference of two halves of the data."
PLOTS: tuple[tuple[str, str, Callable[..., None], str], ...] = (
    ("fsc", "Fourier ring correlation", _correlations, HALVES),
    ("calibration", "Grey values", _calibration, LEVELS),
    ("edges", "Edges", _edges, "Mean profile across edges. Steeper is sharper."),
    ("spectrum", "Power spectrum", _spectrum, NOISE),
    ("residual", "Removed, by grey value", _residual, "Zero at every grey value if nothing of the sample is lost."),
)
"""Figure, title, plot and caption."""
CAPTION = "Raw minus denoised, ± {} from black to white. Good: noise only. Bad: outlines of the sample."
