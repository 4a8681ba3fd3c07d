"""A few representative channels and voxels of a slice that show the effect of denoising in the report."""

from collections.abc import Mapping
from typing import TypeAlias

import numpy as np

from tomodenoise.common.arrays import FloatArray, IntArray
from tomodenoise.geometry import field_of_view

CHANNELS = 6
VOXELS = 4
Chosen: TypeAlias = Mapping[str, FloatArray | IntArray]

INSIDE = 0.45
"""Radius of the disc that voxels are taken from, relative to the slice's edge."""


def choose(before: FloatArray, after: FloatArray) -> Chosen:
    """Choose channels and voxels of a slice.

    Parameters
    ----------
    before, after : (channel, y, x).

    Returns
    -------
    `channels`: up to 6, evenly spread from the one with the most structure to the one with the least; `images`:
    (2, channel, y, x), these channels before and after; `voxels`: (voxel, 2), y and x of up to 4 voxels; `curves`:
    (2, voxel, all channels), their spectra before and after.
    """
    channels = spread(before, after)
    voxels = distinct(after)
    both = np.stack([before, after])
    return {
        "channels": channels,
        "images": both[:, channels],
        "voxels": voxels,
        "curves": both[:, :, voxels[:, 0], voxels[:, 1]].swapaxes(1, 2),
    }


def spread(before: FloatArray, after: FloatArray) -> IntArray:
    """Choose channels, ascending, by their structure: standard deviation after denoising over that of the residual."""
    noise = (before - after).std(axis=(1, 2))
    structure = after.std(axis=(1, 2)) / np.where(noise > 0, noise, 1)
    order = np.argsort(structure, kind="stable")
    places = np.linspace(0, len(order) - 1, min(CHANNELS, len(order))).round().astype(int)
    return np.sort(order[places])


def distinct(after: FloatArray) -> IntArray:
    """Choose voxels (voxel, 2) of distinct spectra: the farthest from the mean, then the farthest from those chosen."""
    from scipy.ndimage import uniform_filter  # noqa: PLC0415 - not installed where only the workflow is planned

    deviation = after.std(axis=(1, 2), keepdims=True)
    scaled = uniform_filter(after / np.where(deviation > 0, deviation, 1), (0, 3, 3))
    places = np.argwhere(field_of_view.mask(after.shape[1], INSIDE * after.shape[1]))
    spectra = scaled[:, places[:, 0], places[:, 1]]
    nearest = np.sum((spectra - spectra.mean(axis=1, keepdims=True)) ** 2, axis=0)
    chosen: list[int] = []
    for _ in range(VOXELS):
        chosen.append(int(np.argmax(nearest)))
        distance = np.sum((spectra - spectra[:, chosen[-1:]]) ** 2, axis=0)
        nearest = distance if len(chosen) == 1 else np.minimum(nearest, distance)
    return places[chosen]
