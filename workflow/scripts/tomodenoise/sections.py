"""The section reconstructions of a scan on disk, and the weighted means that all else is made of."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tomodenoise import geometry, grid, splitting, volumes
from tomodenoise.arrays import BoolArray, FloatArray


@dataclass(frozen=True)
class Sections:
    """Where the sections of one scan lie, and how they were formed."""

    array: Path
    channels: int
    depth: int
    size: int
    """Edge of a slice, pixels."""
    split: splitting.Split
    radius: float
    """Pixels, of the disc around the axis that all projections have seen."""
    unions: tuple[tuple[int, ...], ...]
    """Sections in each of the S stored reconstructions: one, or several where these do not add up."""

    @property
    def additive(self) -> bool:
        """Whether each section is stored alone, and any union is the weighted mean of its sections."""
        return all(len(members) == 1 for members in self.unions)

    @property
    def shares(self) -> FloatArray:
        """Weight (S,) of each stored reconstruction in the full one."""
        return self.mixing(range(len(self.split.sections)))

    @property
    def visible(self) -> BoolArray:
        """Mask (y, x) of the field of view."""
        return grid.field_of_view(self.size, self.radius)

    def mixing(self, members: Sequence[int]) -> FloatArray:
        """Weights (S,) that make the mean of what is stored the reconstruction of the union of some sections.

        Raises
        ------
        ValueError
            Where the union is not stored and reconstructions do not add up.
        """
        if self.additive:
            return splitting.mixing(members, [part.share for part in self.split.sections])
        weights = np.zeros(len(self.unions), dtype=np.float32)
        weights[self.unions.index(tuple(sorted(members)))] = 1
        return weights

    def read(self, start: int, stop: int) -> FloatArray:
        """Read rows of all that is stored: (S, channel, z, y, x) float32, attenuation per pixel.

        There is always an axis of channels, of length 1 where a scan has but one.
        """
        return volumes.read(self.array, (slice(None), slice(None), slice(start, stop)))


def describe(results: Path) -> Sections:
    """Find the sections of a scan in its folder of results."""
    split = splitting.from_json(json.loads((results / "split.json").read_text()))
    radius = geometry.read(results / "center.json").radius
    array = results / "sections.zarr"
    count, channels, depth, _, size = volumes.open_array(array).shape
    unions = splitting.stored(split.roles, additive=count == len(split.sections))
    return Sections(array, channels, depth, size, split, radius, unions)


def mix(sections: FloatArray, weights: FloatArray) -> FloatArray:
    """Weighted mean of stored reconstructions, (S, …) to (…) float32.

    FBP is additive: with the sections' shares as weights this *is* the reconstruction of their union.
    """
    mixed = np.zeros(sections.shape[1:], dtype=np.float32)
    for section, weight in zip(sections, weights, strict=True):
        if weight:
            mixed += weight * section
    return mixed
