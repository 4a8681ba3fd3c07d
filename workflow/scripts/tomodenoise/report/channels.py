"""Channels of a slice before and after, and what a few voxels hold along all channels."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from tomodenoise.common.arrays import FloatArray
from tomodenoise.report import curves, greys, pictures

INSIDE = 0.45
"""Radius of the disc that grey windows are taken from, of the slice's edge."""


@dataclass(frozen=True)
class Channels:
    """What the page shows of a scan of several channels, all of its middle slice."""

    labels: tuple[str, ...]
    """Of the channels shown, such as "2theta 5.31 deg"."""
    images: FloatArray
    """(2, channel, y, x) before and after, of the channels shown."""
    voxels: tuple[tuple[int, int], ...]
    """y and x of each."""
    curves: FloatArray
    """(2, voxel, all channels) before and after."""
    values: FloatArray
    """(all channels,)"""
    axis: str
    """What the values are, such as "2theta / deg"."""


@dataclass(frozen=True)
class Shown:
    """One channel."""

    label: str
    window: tuple[float, float]
    before: pictures.Picture
    after: pictures.Picture


@dataclass(frozen=True)
class Drawn:
    """Channels as the page holds them."""

    shown: Sequence[Shown]
    spectra: Sequence[tuple[str, str]]
    """Name of a voxel, and its spectrum as SVG."""


def draw(channels: Channels, key: str) -> Drawn:
    """Turn channels into pictures and plots; each channel has a grey window of its own, from the denoised slice.

    Parameters
    ----------
    key : unique on the page.
    """
    factor = pictures.reduction(channels.images[1])
    pairs = zip(channels.labels, *channels.images, strict=True)
    shown = [_shown(label, before, after, factor) for label, before, after in pairs]
    spectra = [
        (f"Voxel at x = {x}, y = {y}", _spectrum(channels, number, f"{key} voxel {number}"))
        for number, (y, x) in enumerate(channels.voxels)
    ]
    return Drawn(shown, spectra)


def _shown(label: str, before: FloatArray, after: FloatArray, factor: int) -> Shown:
    y, x = (np.arange(size) - (size - 1) / 2 for size in after.shape)
    limits = greys.window(after, np.hypot(y[:, None], x) < INSIDE * len(after))
    scale = greys.linear(*limits)
    return Shown(label, limits, *(pictures.picture(image, scale, factor) for image in (before, after)))


def _spectrum(channels: Channels, number: int, key: str) -> str:
    before, after = channels.curves[:, number]
    # Few channels are points that a line only guides the eye along.
    marker = "o" if len(channels.values) <= 64 else ""

    def fill(axes: Axes) -> None:
        axes.plot(channels.values, before, marker, ls="-", color=curves.MUTED, ms=2.5, lw=1.0, label="raw")
        axes.plot(channels.values, after, marker, ls="-", color=curves.ACCENT, ms=3, lw=1.7, label="denoised")
        axes.set_xlabel(channels.axis)
        if np.array_equal(channels.values, np.round(channels.values)):
            axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.set_ylabel("value per pixel")
        axes.legend(frameon=False, ncols=2)

    return curves.draw(fill, key)
