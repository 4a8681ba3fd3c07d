"""Quality of each channel or each time step: curves along them, and a table."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from tomodenoise.common.arrays import FloatArray
from tomodenoise.report import curves, words
from tomodenoise.report.curves import ACCENT, BLACK, LINE, MUTED

COLUMNS = (
    ("upsnr_given", "uPSNR input, dB", ".1f"),
    ("upsnr", "uPSNR network, dB", ".1f"),
    ("slope", "Slope", ".3f"),
    ("half", "Correlation 0.5 at, cycles per px", ".3f"),
    ("split_loss", "Split loss", ".4g"),
    ("psnr_raw", "PSNR raw, dB", ".1f"),
    ("psnr_denoised", "PSNR denoised, dB", ".1f"),
)
"""Value, its name, and its format."""

OPEN = 12
"""Rows of a table up to which it is unfolded."""


@dataclass(frozen=True)
class Drawn:
    """What the page shows of a scan's channels or steps."""

    title: str
    plots: list[tuple[str, str]]
    """SVG and caption."""
    columns: list[str]
    rows: list[tuple[str, list[str]]]
    unfolded: bool
    missing: dict[str, str]
    """Figure that some channels or steps do not support, to which and why."""


def draw(along: Mapping[str, Any], names: Mapping[str, str], key: str) -> Drawn:
    """Draw curves and lay out a table.

    Parameters
    ----------
    along : of `quality.json`.
    names : of figures.
    key : unique on the page.
    """
    figures: Mapping[str, Sequence[float | None]] = along["figures"]
    labels = [along["labels"][place] for place in along["places"]]
    columns = [column for column in COLUMNS if column[0] in figures]
    rows = [
        (label, [_text(figures[name][number], form) for name, _, form in columns])
        for number, label in enumerate(labels)
    ]
    plots = [(curves.draw(fill, f"{key} {number}"), caption) for number, (fill, caption) in enumerate(_plots(along))]
    return Drawn(
        title="Channel by channel" if along["axis"] == "channel" else "Step by step",
        plots=plots,
        columns=[title for _, title, _ in columns],
        rows=rows,
        unfolded=len(rows) <= OPEN,
        missing=_missing(along, names),
    )


def _plots(along: Mapping[str, Any]) -> list[tuple[Any, str]]:
    figures, found = along["figures"], []
    if "upsnr" in figures:
        found.append((lambda axes: _errors(axes, along), ERRORS))
    if "slope" in figures:
        caption = SLOPES + (MOTION if along["axis"] == "step" else "")
        found.append((lambda axes: _slopes(axes, along), caption))
    return found


def _errors(axes: Axes, along: Mapping[str, Any]) -> None:
    places = _prepare(axes, along)
    axes.plot(places, _line(along, "upsnr_given"), "o-", color=MUTED, ms=2.5, lw=1.1, label="input")
    axes.plot(places, _line(along, "upsnr"), "o-", color=ACCENT, ms=3, lw=1.7, label="network")
    if "psnr_denoised" in along["figures"]:
        axes.plot(places, _line(along, "psnr_denoised"), "--", color=BLACK, lw=1, label="all data, against the truth")
    axes.set_ylabel("uPSNR, dB")
    axes.legend(frameon=False, ncols=3, fontsize=7.5)


def _slopes(axes: Axes, along: Mapping[str, Any]) -> None:
    places = _prepare(axes, along)
    axes.axhline(1, color=LINE, linewidth=1.5)
    error = 2 * _line(along, "slope_error")
    axes.errorbar(places, _line(along, "slope"), error, fmt="o", color=ACCENT, markersize=3)
    axes.set_ylabel("slope of grey values")
    axes.set_ylim(*_limits(axes))


def _limits(axes: Axes) -> tuple[float, float]:
    """Keep a channel of noise, whose slope may be anything, from flattening the others, and small changes small."""
    low, high = axes.get_ylim()
    return min(max(low, 0.0), 0.9), max(min(high, 2.0), 1.1)


def _prepare(axes: Axes, along: Mapping[str, Any]) -> FloatArray:
    start, stop = along["window"]
    if stop > start:
        axes.axvspan(start - 0.5, stop - 0.5, color=LINE, linewidth=0)
    axes.set_xlabel("channel" if along["axis"] == "channel" else "time step")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    places = np.asarray(along["places"], dtype=np.float64)
    ends = [*places, *([start, stop - 1] if stop > start else [])]
    axes.set_xlim(min(ends) - 0.5, max(ends) + 0.5)
    return places


def _line(along: Mapping[str, Any], key: str) -> FloatArray:
    return np.array([np.nan if value is None else value for value in along["figures"][key]], dtype=np.float64)


def _missing(along: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, str]:
    reasons = {}
    for name, absent in along["absent"].items():
        if name != "truth":
            count, every = len(absent["places"]), len(along["places"])
            where = "" if count == every else f"in {count} of {every}: "
            reasons[names[name]] = f"{where}{absent['reason']}"
    return reasons


def _text(value: float | None, form: str) -> str:
    return words.NOTHING if value is None else f"{value:{form}}".replace("-", "\N{MINUS SIGN}")


ERRORS = "uPSNR of the network and of its input. No point: the error is too small to measure on so few pixels."
SLOPES = "Slope of grey values, with two standard errors: 1 is right."
MOTION = " Motion between steps changes it too. Shaded: steps of training."
