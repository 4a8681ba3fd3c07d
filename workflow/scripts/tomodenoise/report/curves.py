"""Charts inside the page, as SVG in its style, and the chart of a training."""

import io
import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib import style
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

from tomodenoise.report.pictures import Picture

BLACK, ACCENT, MUTED, LINE = "#000000", "#0000fe", "#7f7f7f", "#dfdfdf"
INK = {BLACK: "currentColor", ACCENT: "var(--accent)", MUTED: "var(--muted)", LINE: "var(--line)"}
"""Colours of the charts, and the CSS colours that replace them, so that they follow light and dark mode."""

RAW: Mapping[str, Any] = {"color": MUTED, "linewidth": 1.1, "markersize": 2.5}
DENOISED: Mapping[str, Any] = {"color": ACCENT, "linewidth": 1.7, "markersize": 3}
POINTS: Mapping[str, Any] = {"color": ACCENT, "markersize": 3.5, "fmt": "o"}
"""Styles of lines and of points with error bars."""

STYLE = {
    "svg.fonttype": "none",
    "font.size": 8.5,
    "legend.frameon": False,
    "legend.fontsize": 8,
    "axes.grid": True,
    "axes.axisbelow": "line",
    "grid.color": LINE,
    "grid.linewidth": 0.7,
    **{f"axes.spines.{side}": False for side in ("left", "right", "top", "bottom")},
    **{f"{axis}tick.{kind}.size": 0 for axis in "xy" for kind in ("major", "minor")},
}


class Chart(NamedTuple):
    """A chart, or a picture in its place, and its texts."""

    title: str
    caption: str
    svg: str = ""
    picture: Picture | None = None


def loss_curve(history: Sequence[dict[str, float]], key: str) -> str:
    """Draw the training and the held-out loss over the number of pixels seen.

    Parameters
    ----------
    history : one entry per evaluation with `pixels`, `loss` and `held_out_loss`; values may be missing or NaN.
    key : as for `draw`.

    Returns
    -------
    ``<svg>...</svg>``; empty if no loss is positive.
    """
    pixels = [entry["pixels"] / 1e6 for entry in history]
    losses = [[entry.get(name, math.nan) for entry in history] for name in ("loss", "held_out_loss")]
    values = np.array(losses, dtype=np.float64)
    training, held_out = np.where(values > 0, values, math.nan)
    if not np.isfinite([training, held_out]).any():
        return ""

    def fill(axes: Axes) -> None:
        axes.plot(pixels, training, "o-", **RAW, label="training")
        axes.plot(pixels, held_out, "o-", **DENOISED, label="held out")
        log(axes)
        axes.set(xlabel="pixels seen, millions", ylabel="mean squared error")
        axes.legend(loc="upper right", ncols=2)

    return draw(fill, key)


def draw(fill: Callable[[Axes], None], key: str) -> str:
    """Draw a chart in the page's style.

    Parameters
    ----------
    fill : draws lines, labels and legend, in the colours of `INK`.
    key : unique on the page; the identifiers inside the SVG are derived from it.

    Returns
    -------
    ``<svg>...</svg>``, the same bytes each time.
    """
    with style.context(["default", {**STYLE, "svg.hashsalt": key}]):
        figure = Figure(figsize=(5.6, 2.9), layout="constrained")
        fill(figure.add_subplot())
        buffer = io.StringIO()
        figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None})
    return _inline(buffer.getvalue())


def shade(axes: Axes, window: Sequence[int]) -> None:
    """Shade the time steps [start, stop) that the model was trained on."""
    start, stop = window
    if stop > start:
        axes.axvspan(start - 0.5, stop - 0.5, color=LINE, linewidth=0)


def log(axes: Axes) -> None:
    """Set a logarithmic vertical axis with plain numbers, and with ticks even within a small part of a decade."""
    axes.set_yscale("log")
    low, high = axes.get_ylim()
    # A log locator finds no tick at all within a small part of a decade.
    narrow = high < 10 * low
    axes.yaxis.set_major_locator(MaxNLocator(5) if narrow else LogLocator(subs=(1.0, 2.0, 5.0), numticks=12))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.4g}"))
    axes.yaxis.set_minor_formatter(NullFormatter())


def _inline(svg: str) -> str:
    """Strip an SVG file of what HTML does not need, and give it the page's colours."""
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>|<style.*?</style>", "", svg, flags=re.DOTALL)
    svg = re.sub(r' xmlns(:\w+)?="[^"]*"| (width|height)="[\d.]+pt"|(?<=<g) id="[^"]*"', "", svg)
    svg = re.sub(r"font: [^;\"]*?([\d.]+px)[^;\"]*", r"font-size: \1", svg)
    for ink, colour in INK.items():
        svg = svg.replace(ink, colour)
    return svg
