"""Some channels of the middle slice before and after, and the spectra of a few voxels."""

from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from tomodenoise.common.arrays import FloatArray
from tomodenoise.denoising import previews
from tomodenoise.report import curves, greys, pictures
from tomodenoise.report.curves import Chart

INSIDE = 0.45
"""Radius of the disc that grey windows are taken from, as a share of the slice's edge."""


@dataclass(frozen=True)
class Channels:
    """Content of the middle slice of a scan of several channels."""

    labels: tuple[str, ...]
    """Of the channels shown, such as "2theta 5.31 deg"."""
    images: FloatArray
    """(2, channel, y, x) before and after, of the channels shown."""
    voxels: tuple[tuple[int, int], ...]
    """(y, x) of each voxel whose spectrum is shown."""
    curves: FloatArray
    """(2, voxel, all channels) before and after."""
    values: FloatArray
    """(all channels,)"""
    axis: str
    """Name and unit of the values, such as "2theta / deg"."""


def images(channels: Channels) -> list[tuple[str, tuple[float, float], pictures.Picture, pictures.Picture]]:
    """Return label, grey window, and pictures before and after of each channel shown.

    Each channel has its own window, from the denoised slice.
    """
    factor = previews.reduction(channels.images[1, 0], pictures.LARGEST_SIDE)
    y, x = (np.arange(size) - (size - 1) / 2 for size in channels.images.shape[2:])
    inside = np.hypot(y[:, None], x) < INSIDE * len(y)
    shown = []
    for label, before, after in zip(channels.labels, *channels.images, strict=True):
        window = greys.window(after, inside)
        scale = greys.linear(*window)
        pair = [pictures.picture(image, scale, factor) for image in (before, after)]
        shown.append((label, window, pair[0], pair[1]))
    return shown


def spectra(channels: Channels, key: str) -> list[Chart]:
    """Draw the spectrum of each voxel before and after; `key` is unique on the page."""
    return [
        Chart("", f"Voxel at x = {x}, y = {y}", _spectrum(channels, number, f"{key} voxel {number}"))
        for number, (y, x) in enumerate(channels.voxels)
    ]


def _spectrum(channels: Channels, number: int, key: str) -> str:
    before, after = channels.curves[:, number]
    # A few channels are points; the line only guides the eye.
    marker = "o-" if len(channels.values) <= 64 else "-"

    def fill(axes: Axes) -> None:
        axes.plot(channels.values, before, marker, **curves.RAW, label="raw")
        axes.plot(channels.values, after, marker, **curves.DENOISED, label="denoised")
        if np.array_equal(channels.values, np.round(channels.values)):
            axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.set(xlabel=channels.axis, ylabel="value per pixel")
        axes.legend(ncols=2)

    return curves.draw(fill, key)
