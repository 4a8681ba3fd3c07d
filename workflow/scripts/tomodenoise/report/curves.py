"""Plots inside the page, and that of the loss of a training."""

import io
import math
import re
from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np
from matplotlib import style
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

from tomodenoise.common.arrays import FloatArray

BLACK, ACCENT, MUTED, LINE = "#000000", "#0000fe", "#7f7f7f", "#dfdfdf"
INK = {BLACK: "currentColor", ACCENT: "var(--accent)", MUTED: "var(--muted)", LINE: "var(--line)"}
"""Colours of the plots and what the page, light or dark, makes of them."""


def loss_curve(history: Sequence[dict[str, float]], key: str) -> str:
    """Draw the training and the held-out loss over the pixels seen, as SVG to be put inside HTML.

    Parameters
    ----------
    history : one entry per evaluation with `pixels`, `loss` and `held_out_loss`; values may be missing or NaN.
    key : unique on the page, as the picture's internal names are made from it.

    Returns
    -------
    ``<svg>...</svg>``, the same bits each time; empty without a single positive loss.
    """
    pixels = np.array([entry["pixels"] / 1e6 for entry in history])
    losses = {name: _positive(history, name) for name in ("loss", "held_out_loss")}
    if not any(np.isfinite(values).any() for values in losses.values()):
        return ""

    def fill(axes: Axes) -> None:
        axes.plot(pixels, losses["loss"], "o-", color=MUTED, markersize=2.5, linewidth=1.1, label="training")
        axes.plot(pixels, losses["held_out_loss"], "o-", color=ACCENT, markersize=3, linewidth=1.7, label="held out")
        _log(axes)
        axes.set_xlabel("pixels seen, millions")
        axes.set_ylabel("mean squared error")
        axes.legend(frameon=False, loc="upper right", ncols=2)

    return draw(fill, key)


def draw(fill: Callable[[Axes], None], key: str, grid: Literal["both", "x", "y"] = "both") -> str:
    """Draw a plot in the page's style, as SVG to be put inside HTML.

    Parameters
    ----------
    fill : puts lines, labels and legend on the axes, in the colours of `INK`.
    key : unique on the page, as the picture's internal names are made from it.
    grid : axes whose ticks have lines across the plot.
    """
    with style.context(["default", {"svg.fonttype": "none", "svg.hashsalt": key, "font.size": 8.5}]):
        figure = Figure(figsize=(5.6, 2.9), layout="constrained")
        axes = figure.add_subplot()
        fill(axes)
        axes.tick_params(which="both", length=0)
        axes.grid(color=LINE, linewidth=0.7, axis=grid)
        axes.spines[:].set_visible(False)
        buffer = io.StringIO()
        figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None})
    return inline(buffer.getvalue())


def _positive(history: Sequence[dict[str, float]], name: str) -> FloatArray:
    values = np.array([entry.get(name, math.nan) for entry in history], dtype=np.float64)
    return np.where(values > 0, values, math.nan)


def _log(axes: Axes) -> None:
    axes.set_yscale("log")
    low, high = axes.get_ylim()
    # A log locator finds no tick at all within a small part of a decade.
    narrow = high < 10 * low
    axes.yaxis.set_major_locator(MaxNLocator(5) if narrow else LogLocator(subs=(1.0, 2.0, 5.0), numticks=12))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.4g}"))
    axes.yaxis.set_minor_formatter(NullFormatter())


def inline(svg: str) -> str:
    """Free an SVG file from what is of no use inside HTML, and give it the page's colours."""
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>|<style.*?</style>", "", svg, flags=re.DOTALL)
    svg = re.sub(r' xmlns(:\w+)?="[^"]*"| (width|height)="[\d.]+pt"|<g id="[^"]*"', _bare, svg)
    svg = re.sub(r"font: [^;\"]*?([\d.]+px)[^;\"]*", r"font-size: \1", svg)
    for ink, colour in INK.items():
        svg = svg.replace(ink, colour)
    return svg


def _bare(match: re.Match[str]) -> str:
    return "<g" if match[0].startswith("<g") else ""
