"""A dynamic scan in the report: a strip of a region, a cut along time, an animation, and a chart that shows drift."""

import io
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from PIL import Image

from tomodenoise.common.arrays import FloatArray, IntArray
from tomodenoise.common.blocks import busiest_square
from tomodenoise.denoising.greys import Scale
from tomodenoise.evaluation.time_series import Series
from tomodenoise.report import curves, pictures
from tomodenoise.report.curves import BLACK, DENOISED, RAW, Chart

TILES, FRAMES = 8, 48
"""Largest number of steps in the strip and in the animation, which skip others."""

GAP = 2
"""White pixels between tiles."""

REGION = 96
"""Smallest edge of the region, pixels; a third of the slice if that is larger."""

SECONDS, WIDEST = 8.0, 256
"""Approximate duration of the animation; and pixels across up to which its slices are enlarged."""

STRIP = "The region of the middle slice that changes most, raw above, denoised below, at steps {}."
CUT = (
    "Row y = {} of the middle slice; time runs down; raw left, denoised right. Vertical smearing means that steps leak"
    " into each other."
)
ANIMATION = "The middle slice, step by step; raw left, denoised right."
TRAINED = "Shaded: steps {} to {}, on which the model was trained."
OVER_TIME = (
    "While the lines stay level, the model still fits. A rising error means that the sample has become unlike the"
    " training data. The error is estimated from neighbouring steps, so slow changes lower both the noise and the error"
    " shown."
)


def section(series: Series, scale: Scale, key: str) -> list[Chart]:
    """Picture a series; `key` is unique on the page.

    Returns
    -------
    Strip, cut, animation and, if there are enough steps, the chart over time.
    """
    rows, columns = region(series.after)
    shown = _spread(len(series.after), TILES)
    crop = np.s_[:, rows, columns]
    tiles = [_joined(state[crop][shown], GAP) for state in (series.before, series.after)]
    strip = _enlarged(_joined([row.T for row in tiles], GAP).T, 900)
    steps = ", ".join(_moment(int(step), series.seconds) for step in shown)
    y = rows.start + int(np.argmax(series.after[crop].std(axis=0).mean(axis=1)))
    cut = _joined([series.before[:, y], series.after[:, y]], 2 * GAP)
    cut = _enlarged(cut.repeat(max(1, 100 // len(cut)), axis=0), 600)
    charts = [
        Chart("", STRIP.format(steps), picture=pictures.picture(strip, scale)),
        Chart("", CUT.format(y * series.factor), picture=pictures.picture(cut, scale)),
        Chart("", ANIMATION, picture=_animation(series, scale)),
    ]
    if np.isfinite(series.umse).sum() > 1:
        start, stop = series.window
        trained = TRAINED.format(start, stop - 1) if stop > start else "The model was trained on other scans."
        charts.append(Chart("", f"{trained} {OVER_TIME}", _chart(series, key)))
    return charts


def region(slices: FloatArray) -> tuple[slice, slice]:
    """Find the rows and columns of the square of slices (t, y, x) with the largest mean deviation over time."""
    size = slices.shape[1]
    edge = min(size, max(REGION, size // 3))
    return busiest_square(slices.std(axis=0), edge)


def _spread(count: int, most: int) -> IntArray:
    """Choose at most so many steps, evenly spread, the first and the last among them."""
    return np.unique(np.linspace(0, count - 1, most).round().astype(int))


def _joined(images: Sequence[FloatArray] | FloatArray, gap: int) -> FloatArray:
    """Put images side by side, with white columns between them."""
    padded = [np.pad(image, ((0, 0), (0, gap)), constant_values=np.inf) for image in images]
    return np.concatenate(padded, axis=1)[:, :-gap]


def _enlarged(image: FloatArray, width: int) -> FloatArray:
    """Repeat the pixels of a small picture so that it stays sharp when shown wide."""
    factor = max(1, width // image.shape[1])
    return image.repeat(factor, axis=0).repeat(factor, axis=1)


def _animation(series: Series, scale: Scale) -> pictures.Picture:
    """Animate raw next to denoised, as a picture that needs no script."""
    frames = []
    for step in _spread(len(series.after), FRAMES):
        pair = [_enlarged(state[step], WIDEST) for state in (series.before, series.after)]
        frames.append(Image.fromarray(scale.encode(_joined(pair, 2 * GAP))))
    buffer = io.BytesIO()
    pause = round(1000 * SECONDS / len(frames))
    frames[0].save(
        buffer, "WEBP", save_all=True, append_images=frames[1:], duration=pause, loop=0, quality=50, method=4
    )
    return pictures.Picture(pictures.data_uri(buffer.getvalue()), frames[0].height, frames[0].width)


def _chart(series: Series, key: str) -> str:
    """Draw noise, residual and error over time."""
    steps = np.arange(len(series.umse))
    error = np.sqrt(np.where(series.umse > 0, series.umse, np.nan))

    def fill(axes: Axes) -> None:
        curves.shade(axes, series.window)
        axes.plot(steps, series.noise, **RAW, label="noise of raw")
        axes.plot(steps, series.residual, "--", color=BLACK, linewidth=1.1, label="removed")
        axes.plot(steps, error, "o-", **DENOISED, label="remaining error (√uMSE)")
        axes.set_ylim(bottom=0)
        axes.set(xlabel="time step", ylabel="attenuation per pixel")
        axes.legend(loc="upper center", bbox_to_anchor=(0.5, 1.14), ncols=3)

    return curves.draw(fill, key)


def _moment(step: int, seconds: float) -> str:
    return f"{step}" if np.isnan(seconds) else f"{step} ({step * seconds:.4g} s)"
