"""Time in the report: a strip of a region, a cut along time, an animation, and figures by which drift is seen."""

import io
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from PIL import Image

from tomodenoise.common.arrays import FloatArray, IntArray
from tomodenoise.common.blocks import busiest_square
from tomodenoise.evaluation.time_series import Series
from tomodenoise.report import curves, pictures
from tomodenoise.report.curves import ACCENT, BLACK, LINE, MUTED
from tomodenoise.report.greys import Scale

TILES = 8
"""Steps in the strip, at most."""

GAP = 2
"""White pixels between tiles."""

REGION = 96
"""Edge of the region, pixels, at least; a third of the slice where that is more."""

FRAMES = 48
"""Of the animation, at most: steps between them are left out."""

SECONDS = 8.0
"""That the animation takes, about."""

WIDEST = 256
"""Pixels of a slice in the animation, at most."""


@dataclass(frozen=True)
class TimeSection:
    """What the page says of a dynamic scan."""

    strip: pictures.Picture
    strip_steps: str
    cut: pictures.Picture
    cut_row: int
    """y of the cut, pixels of the volume."""
    animation: pictures.Picture
    chart: str
    """SVG; empty where there are too few steps."""
    drift: str
    """One line: how the error outside of the window compares with that inside."""
    trained: tuple[int, int]


def section(series: Series, scale: Scale, key: str) -> TimeSection:
    """Picture a series.

    Parameters
    ----------
    series : from `watching.watch`.
    key : unique on the page.
    """
    rows, columns = region(series.after)
    shown = np.unique(np.linspace(0, len(series.after) - 1, TILES).round().astype(int))
    crop = np.s_[:, rows, columns]
    strip = _strip(series.before[crop][shown], series.after[crop][shown])
    row = rows.start + int(np.argmax(series.after[crop].std(axis=0).mean(axis=1)))
    return TimeSection(
        strip=pictures.picture(_enlarged(strip, 900), scale),
        strip_steps=", ".join(_moment(int(step), series.seconds) for step in shown),
        cut=pictures.picture(_enlarged(_cut(series, row), 600), scale),
        cut_row=row * series.factor,
        animation=_animation(series, scale),
        chart=_chart(series, key),
        drift=_drift(series),
        trained=series.window,
    )


def region(slices: FloatArray) -> tuple[slice, slice]:
    """Find the square where most changes in time.

    Parameters
    ----------
    slices : (t, y, x).

    Returns
    -------
    Rows and columns of the square whose mean deviation over time is largest.
    """
    size = slices.shape[1]
    edge = min(size, max(REGION, size // 3))
    return busiest_square(slices.std(axis=0), edge)


def _strip(before: FloatArray, after: FloatArray) -> FloatArray:
    """Tiles side by side, raw above denoised."""
    return np.concatenate([_row(before), _row(after)], axis=0)


def _row(tiles: FloatArray) -> FloatArray:
    framed = np.pad(tiles, ((0, 0), (0, GAP), (0, GAP)), constant_values=np.inf)
    return np.concatenate(list(framed), axis=1)


def _cut(series: Series, row: int) -> FloatArray:
    """Time downwards and x to the right, raw beside denoised; each step is as high as makes it well seen."""
    both = np.concatenate([series.before[:, row], _gap(len(series.before)), series.after[:, row]], axis=1)
    return np.repeat(both, max(1, 100 // len(both)), axis=0)


def _gap(height: int) -> FloatArray:
    return np.full((height, 2 * GAP), np.inf)


def _animation(series: Series, scale: Scale) -> pictures.Picture:
    """Raw beside denoised as an animated picture that needs no script."""
    steps: IntArray = np.unique(np.linspace(0, len(series.after) - 1, FRAMES).round().astype(int))
    enlarged = max(1, WIDEST // series.after.shape[2])
    frames = []
    for step in steps:
        both = np.concatenate([series.before[step], _gap(series.after.shape[1]), series.after[step]], axis=1)
        frames.append(Image.fromarray(scale.encode(both).repeat(enlarged, axis=0).repeat(enlarged, axis=1)))
    buffer, pause = io.BytesIO(), round(1000 * SECONDS / len(frames))
    frames[0].save(
        buffer, "WEBP", save_all=True, append_images=frames[1:], duration=pause, loop=0, quality=50, method=4
    )
    return pictures.Picture(pictures.data_uri(buffer.getvalue(), "image/webp"), frames[0].height, frames[0].width)


def _chart(series: Series, key: str) -> str:
    """Draw noise, residual and error over time."""
    if np.isfinite(series.umse).sum() < 2:
        return ""
    steps = np.arange(len(series.umse))
    error = np.sqrt(np.where(series.umse > 0, series.umse, np.nan))

    def fill(axes: Axes) -> None:
        if series.window[1] > series.window[0]:
            axes.axvspan(series.window[0] - 0.5, series.window[1] - 0.5, color=LINE, linewidth=0)
        axes.plot(steps, series.noise, color=MUTED, linewidth=1.1, label="noise of raw")
        axes.plot(steps, series.residual, "--", color=BLACK, linewidth=1.1, label="removed")
        axes.plot(steps, error, "o-", color=ACCENT, markersize=2.5, linewidth=1.4, label="error left (√uMSE)")
        axes.set_ylim(bottom=0)
        axes.set_xlabel("time step")
        axes.set_ylabel("attenuation per pixel")
        axes.legend(frameon=False, loc="upper center", bbox_to_anchor=(0.5, 1.14), ncols=3)

    return curves.draw(fill, key, grid="y")


def _drift(series: Series) -> str:
    """Compare the error outside of the window with that inside, in dB."""
    steps, (first, last) = np.arange(len(series.umse)), series.window
    inside = (steps >= first) & (steps < last) & np.isfinite(series.umse)
    outside = ~((steps >= first) & (steps < last)) & np.isfinite(series.umse)
    if not (inside.any() and outside.any()):
        return ""
    within, beyond = float(series.umse[inside].mean()), float(series.umse[outside].mean())
    if within <= 0 or beyond <= 0:
        return "The estimated error is too small to compare inside and outside the training window."
    change = 10 * np.log10(beyond / within)
    words = "as large as" if abs(change) < 0.5 else f"{abs(change):.1f} dB {'above' if change > 0 else 'below'}"
    return f"Outside the training window the estimated error is {words} inside."


def _enlarged(image: FloatArray, width: int) -> FloatArray:
    """Repeat pixels of a small picture, so that it is sharp when it is shown wide."""
    factor = max(1, width // image.shape[1])
    return image.repeat(factor, axis=0).repeat(factor, axis=1)


def _moment(step: int, seconds: float) -> str:
    return f"{step}" if np.isnan(seconds) else f"{step} ({step * seconds:.4g} s)"
