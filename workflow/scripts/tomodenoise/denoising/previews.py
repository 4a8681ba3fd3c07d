"""Slices of a volume for the report, averaged over its channels, collected slab by slab during denoising."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np

from tomodenoise.common.arrays import FloatArray, IntArray
from tomodenoise.common.blocks import block_mean
from tomodenoise.common.errors import UserError
from tomodenoise.denoising import spectra

SLICES = 21
"""Largest number of axial slices spread over the height; odd, so that the middle one is among them."""

EDGE = 512
"""Largest edge of these in pixels: larger slices are averaged in blocks to save memory."""


FAR = 0.5
"""Distance from the range of a raw slice, relative to it or to `scale`, from which a denoised value is a stray.

A slice without noise is hardly less noisy than before, so no sound result leaves the range by much.
"""


@dataclass(frozen=True)
class Slice:
    """One slice of a volume before and after denoising."""

    axis: str
    """z, y or x: the axis normal to it."""
    index: int
    """Position along this axis, in voxels from 0."""
    before: FloatArray
    """(rows, columns), attenuation per pixel."""
    after: FloatArray
    factor: int = 1
    """Each pixel is the mean of factor x factor pixels of the volume."""


class Views(NamedTuple):
    """Views of a volume in the report."""

    planes: list[Slice]
    """Through the middle: axial, coronal, sagittal, in full resolution."""
    slices: list[Slice]
    """Axial ones in order of their rows, averaged in blocks."""


@dataclass(frozen=True)
class Planes:
    """Contribution of a slab to these views."""

    coronal: FloatArray
    """(2, z, x) before and after."""
    sagittal: FloatArray
    """(2, z, y) before and after."""
    axial: FloatArray
    """(2, y, x) before and after, or (2, 0, 0) in a slab without the middle slice."""
    start: int
    """First row of the slab."""
    depth: int
    """Rows of the volume."""
    slices: dict[int, FloatArray] = field(default_factory=dict)
    """Row of the volume to (2, y, x), averaged in blocks."""
    channels: dict[str, FloatArray | IntArray] = field(default_factory=dict)
    """Result of `spectra.choose` for the middle slice of a scan with several channels."""

    @classmethod
    def empty(cls, rows: tuple[int, int], depth: int, size: int) -> "Planes":
        """Allocate the planes for the rows [start, stop) of a slab."""
        edge = size if rows[0] <= depth // 2 < rows[1] else 0
        side = np.empty((2, rows[1] - rows[0], size), dtype=np.float32)
        return cls(side, side.copy(), np.empty((2, edge, edge), dtype=np.float32), rows[0], depth)

    def add(self, number: int, before: FloatArray, after: FloatArray) -> None:
        """Add slice ``number`` of the slab, (channel, y, x) before and after, to the views."""
        row = self.start + number
        pair = [state[0] if len(state) == 1 else state.mean(axis=0) for state in (before, after)]
        for state, image in enumerate(pair):
            self.coronal[state, number] = image[image.shape[0] // 2]
            self.sagittal[state, number] = image[:, image.shape[1] // 2]
            if row == self.depth // 2:
                self.axial[state] = image
        if row in heights(self.depth):
            self.slices[row] = np.stack([block_mean(image, reduction(image)) for image in pair])
        if row == self.depth // 2 and len(before) > 1:
            self.channels.update(spectra.choose(before, after))

    def save(self, path: Path, strays: int) -> None:
        """Write the planes and the number of strays of the slab to an npz file."""
        planes = {"axial": self.axial, "coronal": self.coronal, "sagittal": self.sagittal}
        slices = {f"slice {row}": pair for row, pair in self.slices.items()}
        np.savez(path, allow_pickle=False, strays=np.array(strays), **planes, **slices, **self.channels)


def strays(before: FloatArray, after: FloatArray, scale: Sequence[float]) -> int:
    """Count the voxels (channel, y, x) whose denoised values are far outside the range of the raw slice.

    A network can amplify what it was not trained on, such as the corners outside the field of view, or another scan.

    Parameters
    ----------
    scale : (channel,) of the network's normalisation; slices of nothing but air have a smaller range.
    """
    low, high = before.min(axis=(1, 2), keepdims=True), before.max(axis=(1, 2), keepdims=True)
    beyond = FAR * np.maximum(high - low, np.reshape(scale, (-1, 1, 1)))
    return int(((after < low - beyond) | (after > high + beyond)).sum())


def concerns(count: int) -> list[str]:
    """Warn of strays, in at most one line."""
    message = (
        f"{count} voxels of the denoised volume are far outside the range of the reconstruction: the network was not"
        " trained on such data; look at the whole volume, corners included, and do not use these voxels"
    )
    return [message] if count else []


def heights(depth: int) -> IntArray:
    """Choose rows evenly spread over the height of a volume, including the middle one, depth // 2; all of a few."""
    count = SLICES if depth > SLICES else depth
    places: IntArray = (2 * np.arange(count) + 1) * depth // (2 * count)
    return places


def load(path: Path) -> dict[str, FloatArray]:
    """Read the file that `Planes.save` wrote."""
    with np.load(path, allow_pickle=False) as arrays:
        return dict(arrays)


def join(parts: Sequence[Mapping[str, FloatArray]]) -> Views:
    """Join the saved planes of the slabs of a volume, in order; parts of other time steps are empty.

    Raises
    ------
    UserError
        If none of them holds the middle slice.
    """
    axial = next((part["axial"] for part in parts if part["axial"].size), None)
    if axial is None:
        raise UserError("no file in figures/planes holds the middle slice: run again with -R denoise_slab")
    coronal, sagittal = (np.concatenate([part[name] for part in parts], axis=1) for name in ("coronal", "sagittal"))
    depth, size = coronal.shape[1:]
    planes = [
        Slice("z", depth // 2, *axial),
        Slice("y", size // 2, *coronal),
        Slice("x", size // 2, *sagittal),
    ]
    rows = {int(name.split()[1]): pair for part in parts for name, pair in part.items() if name.startswith("slice ")}
    factor = reduction(axial[0])
    return Views(planes, [Slice("z", row, rows[row][0], rows[row][1], factor) for row in sorted(rows)])


def reduction(image: FloatArray, largest: int = EDGE) -> int:
    """Return the smallest block size that averages an image to at most ``largest`` pixels a side."""
    side: int = max(image.shape)
    return math.ceil(side / largest)
