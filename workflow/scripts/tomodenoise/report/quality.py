"""Quality on the page: verdicts, charts and the picture of the residual, from `quality.json` and its curves."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from matplotlib.axes import Axes

from tomodenoise.common.arrays import FloatArray
from tomodenoise.denoising import greys, previews
from tomodenoise.evaluation.profile import Profile
from tomodenoise.report import curves, pictures, words
from tomodenoise.report.curves import ACCENT, BLACK, DENOISED, LINE, MUTED, POINTS, RAW, Chart

Lines: TypeAlias = Mapping[str, FloatArray]
Values: TypeAlias = Mapping[str, Any]

NAMES = {
    "split_loss": "split loss",
    "umse": "uMSE and uPSNR",
    "fsc": "raw FSC",
    "cross_frc": "cross-FRC",
    "calibration": "calibration",
    "contrast": "contrast to noise",
    "edges": "edge width",
    "spectrum": "power spectrum",
    "residual": "residual",
    "independence": "independence of the noise",
    "input": "input of the network",
    "coverage": "angles",
    "counts": "photons",
    "truth": "error against the truth",
    "all": "all figures",
}

COMPARED = (
    ("split_loss", "split loss", "lower is better", ".4g"),
    ("upsnr", "uPSNR, dB", "higher is better", ".2f"),
    ("slope", "slope of grey values", "1 is correct", ".3f"),
    ("contrast", "contrast to noise", "higher is better", ".1f"),
    ("edges", "edge width, px", "lower is sharper", ".2f"),
    ("residual", "residual at edges", "0 is ideal", ".3f"),
    ("psnr", "PSNR, dB", "against the truth", ".2f"),
    ("ssim", "SSIM", "against the truth", ".3f"),
)
"""Rows of the comparison: key, name, how to read it, format."""

DEVIATIONS, SHOWN = 4, 400
"""Of the residual's picture: standard deviations from grey to black and white, and largest side, pixels."""


@dataclass(frozen=True)
class Quality:
    """Judgement of a scan's denoised volume."""

    judged: Values | None
    """The judged slices; None if the scan is not judged."""
    verdicts: list[Mapping[str, str]]
    """Each with `level` (good, note or bad) and `text`."""
    figures: Mapping[str, Values]
    absent: Mapping[str, str]
    """Figure to the reason."""
    curves: Mapping[str, Lines]
    """Figure to the arrays of its chart."""
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
        noun = "row" if rows.isdigit() else "rows"
        return f"Judged on {noun} {rows} ({self.judged['why']}). {self.judged.get('basis', '')}"

    @property
    def missing(self) -> dict[str, str]:
        """Name of each absent figure to the reason."""
        return {NAMES[name]: reason for name, reason in self.absent.items() if name != "truth"}

    @property
    def numbers(self) -> dict[str, Any]:
        """All figures by name."""
        return {NAMES[name]: dict(values) for name, values in self.figures.items() if values and name in NAMES}

    @property
    def highlights(self) -> dict[str, str]:
        """Entries of the overview: label to text, a dash if nothing was measured."""
        # Infinite numbers, such as the decibels of an error below zero, are null in JSON.
        complete = {name: values for name, values in self.figures.items() if None not in values.values()}
        return {
            label: text(complete[figure]) if figure in complete else words.NOTHING
            for label, (figure, text) in HIGHLIGHTS.items()
        }


def of(values: Mapping[str, Any], lines: Mapping[str, Lines]) -> Quality:
    """Return a judgement from the values of `quality.json` and the curves of `read_curves`."""
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
    """Draw all charts and picture the residual; `key` is unique on the page."""
    drawn = []
    for figure, (title, fill, caption) in CHARTS.items():
        if quality.curves.get(figure):
            text = f"{NETWORK} {caption}" if figure == "fsc" and "cross_frc" in quality.curves else caption
            drawn.append(Chart(title, text, curves.draw(partial(fill, arrays=quality.curves), f"{key} {figure}")))
    if "residual" in quality.curves:
        residual = quality.curves["residual"]["picture"]
        limit = DEVIATIONS * quality.figures["residual"]["deviation"] or 1.0
        factor = previews.reduction(residual, SHOWN)
        picture = pictures.picture(residual, greys.linear(-limit, limit), factor)
        drawn.append(Chart("What was removed", REMOVED.format(words.number(limit, ".2g")), picture=picture))
    return drawn


def _error(values: Values) -> str:
    if values["umse"] <= 2 * values["umse_error"] or values["umse_given"] <= 0:
        return "too small to measure"
    gain = values["upsnr"] - values["upsnr_given"]
    return f"{abs(gain):.1f} dB {'lower' if gain > -0.05 else 'higher'}"


def _change(values: Values) -> str:
    return f"{words.number(values['raw'], '.2g')} → {words.number(values['denoised'], '.2g')}"


HIGHLIGHTS: Mapping[str, tuple[str, Callable[[Values], str]]] = {
    "Error": ("umse", _error),
    "Grey values": ("calibration", lambda values: f"slope {values['slope']:.2f}"),
    "Contrast to noise": ("contrast", _change),
    "Edge width, px": ("edges", _change),
}
"""Label in the overview to its figure and text."""


def _correlations(axes: Axes, arrays: Mapping[str, Lines]) -> None:
    lines = arrays["fsc"]
    frequency = lines["frequency"]
    axes.plot(frequency, lines["halves"], **RAW, label="raw, two halves")
    full = np.where(lines["halves"] > lines["half_bit"], lines["full"], np.nan)
    axes.plot(frequency, full, "--", color=MUTED, linewidth=1.1, label="raw, all data (predicted)")
    axes.plot(frequency, lines["half_bit"], ":", color=BLACK, linewidth=1, label="half-bit threshold")
    if cross := arrays.get("cross_frc"):
        axes.plot(cross["frequency"], cross["network"], **DENOISED, label="network")
    if truth := arrays.get("truth"):
        axes.plot(truth["frequency"], truth["half"], "--", color=ACCENT, linewidth=1, label="network, with the truth")
    axes.set(xlim=(0, 0.5), ylim=(-0.05, 1.05), xlabel="cycles per pixel", ylabel="correlation")
    axes.legend(loc="upper right")


def _calibration(axes: Axes, arrays: Mapping[str, Lines]) -> None:
    levels = arrays["calibration"]["levels"]
    axes.plot(levels[[0, -1]], levels[[0, -1]], color=LINE, linewidth=1.5)
    _means(axes, arrays["calibration"])
    axes.set(xlabel="network", ylabel="mean of data it did not see")


def _spectrum(axes: Axes, arrays: Mapping[str, Lines]) -> None:
    lines = arrays["spectrum"]
    axes.plot(lines["frequency"], lines["raw"], **RAW, label="raw")
    axes.plot(lines["frequency"], lines["denoised"], **DENOISED, label="denoised")
    axes.plot(lines["frequency"], lines["residual"], color=BLACK, linewidth=1, label="removed")
    axes.plot(lines["frequency"], lines["noise"], ":", color=BLACK, linewidth=1.4, label="noise")
    axes.set(xlim=(0, 0.5), xlabel="cycles per pixel", ylabel="power", yscale="log")
    axes.legend(loc="upper right", ncols=2)


def _edges(axes: Axes, arrays: Mapping[str, Lines]) -> None:
    lines = arrays["edges"]
    axes.plot(lines["offset"], lines["raw"], "o-", **RAW, label="raw")
    axes.plot(lines["offset"], lines["denoised"], "o-", **DENOISED, label="denoised")
    axes.set(xlabel="distance from the edge, pixels", ylabel="attenuation per pixel")
    axes.legend(loc="upper left")


def _residual(axes: Axes, arrays: Mapping[str, Lines]) -> None:
    axes.axhline(0, color=LINE, linewidth=1.5)
    _means(axes, arrays["residual"])
    axes.set(xlabel="denoised", ylabel="mean of what was removed")


def _means(axes: Axes, lines: Lines) -> None:
    axes.errorbar(lines["levels"], lines["means"], 2 * lines["errors"], **POINTS)


NETWORK = (
    "Network: correlation with noise-free slices, estimated from data it did not see; the line ends where only noise is"
    " left."
)
REMOVED = "Raw minus denoised, ± {} from black to white. Good: only noise. Bad: outlines of the sample."
CHARTS: Mapping[str, tuple[str, Callable[..., None], str]] = {
    "fsc": (
        "Fourier ring correlation",
        _correlations,
        "Denoised halves are not compared with each other: blurring alone would make them agree.",
    ),
    "calibration": (
        "Grey values",
        _calibration,
        "Mean of data the network did not see, by its output. On the line: correct. Steeper: contrast was lost.",
    ),
    "edges": ("Edges", _edges, "Mean profile across edges. Steeper is sharper."),
    "spectrum": (
        "Power spectrum",
        _spectrum,
        "“Removed” should match “noise”, which is the difference between two halves of the data.",
    ),
    "residual": (
        "What was removed, by grey value",
        _residual,
        "Zero at every grey value if no contrast of the sample was removed.",
    ),
}
"""Figure to title, function and caption."""
