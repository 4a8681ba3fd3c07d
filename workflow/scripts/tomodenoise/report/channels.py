"""Some channels of the middle slice before and after, and the spectra of a few voxels."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from tomodenoise.common.arrays import FloatArray
from tomodenoise.denoising import greys, previews
from tomodenoise.denoising.spectra import Chosen
from tomodenoise.report import curves, pictures
from tomodenoise.report.curves import Chart
from tomodenoise.report.pictures import Picture

INSIDE = 0.45
"""Radius of the disc that grey windows are taken from, as a share of the slice's edge."""


def images(chosen: Chosen, described: Mapping[str, Any]) -> list[tuple[str, tuple[float, float], list[Picture]]]:
    """Return label, grey window, and the pictures before and after of each channel shown.

    Each channel has its own window, from the denoised slice.

    Parameters
    ----------
    chosen : content of the middle slice, see `spectra.choose`.
    described : all channels, as stored in the image: `labels`, `values`, `name` and `unit` of the values.
    """
    factor = previews.reduction(chosen["images"][1, 0], pictures.LARGEST_SIDE)
    y, x = (np.arange(size) - (size - 1) / 2 for size in chosen["images"].shape[2:])
    inside = np.hypot(y[:, None], x) < INSIDE * len(y)
    shown = []
    for channel, before, after in zip(chosen["channels"], *chosen["images"], strict=True):
        window = greys.window(after, inside)
        pair = [pictures.picture(image, greys.linear(*window), factor) for image in (before, after)]
        shown.append((described["labels"][channel], window, pair))
    return shown


def spectra(chosen: Chosen, described: Mapping[str, Any], key: str) -> list[Chart]:
    """Draw the spectrum of each voxel before and after; `key` is unique on the page."""
    return [
        Chart("", f"Voxel at x = {x}, y = {y}", _spectrum(before, after, described, f"{key} voxel {x} {y}"))
        for (y, x), before, after in zip(chosen["voxels"], *chosen["curves"], strict=True)
    ]


def _spectrum(before: FloatArray, after: FloatArray, described: Mapping[str, Any], key: str) -> str:
    values = np.asarray(described["values"], dtype=np.float64)
    # A few channels are points; the line only guides the eye.
    marker = "o-" if len(values) <= 64 else "-"
    unit = f" / {described['unit']}" if described["unit"] else ""

    def fill(axes: Axes) -> None:
        axes.plot(values, before, marker, **curves.RAW, label="raw")
        axes.plot(values, after, marker, **curves.DENOISED, label="denoised")
        if np.array_equal(values, np.round(values)):
            axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.set(xlabel=f"{described['name']}{unit}", ylabel="value per pixel")
        axes.legend(ncols=2)

    return curves.draw(fill, key)
