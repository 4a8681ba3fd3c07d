"""Section reconstructions of a scan on disk, and their weighted means."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from tomodenoise.common.arrays import BoolArray, FloatArray
from tomodenoise.common.errors import UserError
from tomodenoise.geometry import field_of_view, rotation_axis
from tomodenoise.splitting import by_angle, model
from tomodenoise.splitting.model import Role, Split
from tomodenoise.storage import grid, zarr_arrays


@dataclass(frozen=True)
class Sections:
    """Location and division of the section reconstructions of one scan."""

    array: Path
    channels: int
    depth: int
    size: int
    """Edge of a slice, pixels."""
    split: Split
    radius: float
    """Radius in pixels of the disc around the axis that all projections cover."""
    unions: tuple[tuple[int, ...], ...]
    """Sections in each of the S stored reconstructions: one, or several if reconstructions are not additive."""
    first: int = 0
    """Index in the array of the first reconstruction, for a part of a scan."""

    @property
    def additive(self) -> bool:
        """True if each section is stored alone, so that any union is the weighted mean of its sections."""
        return all(len(members) == 1 for members in self.unions)

    @property
    def shares(self) -> FloatArray:
        """Weights (S,) of the stored reconstructions in the full one."""
        return self.mixing(range(len(self.split.sections)))

    @property
    def visible(self) -> BoolArray:
        """Mask (y, x) of the field of view."""
        return field_of_view.mask(self.size, self.radius)

    def mixing(self, members: Sequence[int]) -> FloatArray:
        """Return weights (S,) that average the stored reconstructions to that of the union of some sections.

        Raises
        ------
        ValueError
            If the union is not stored and reconstructions are not additive.
        """
        if self.additive:
            return by_angle.mixing(members, [part.share for part in self.split.sections])
        wanted = tuple(sorted(members))
        if wanted not in self.unions:
            raise ValueError(f"{self.array}: no reconstruction of the sections {wanted} together is stored")
        weights = np.zeros(len(self.unions), dtype=np.float32)
        weights[self.unions.index(wanted)] = 1
        return weights

    def holds(self, members: Sequence[int]) -> bool:
        """Return whether `mixing` can give the union of some sections."""
        return self.additive or tuple(sorted(members)) in self.unions

    def shape(self, rows: int) -> tuple[int, ...]:
        """Return the shape of some rows of all stored reconstructions, (S, channel, z, y, x)."""
        return len(self.unions), self.channels, rows, self.size, self.size

    def read(
        self,
        start: int,
        stop: int,
        square: tuple[slice, slice] = (slice(None), slice(None)),
        threads: int = 1,
        out: FloatArray | None = None,
    ) -> FloatArray:
        """Read rows of all stored reconstructions, or a square (y, x) of them, as attenuation per pixel.

        Returns
        -------
        (S, channel, z, y, x) float32. The channel axis is always there, with length 1 for a single channel.
        ``threads`` and ``out`` as for `zarr_arrays.read`.
        """
        stored = slice(self.first, self.first + len(self.unions))
        return zarr_arrays.read(self.array, (stored, slice(None), slice(start, stop), *square), threads, out)

    def at(self, time: int) -> "Sections":
        """Return one time step of a dynamic scan; a static scan has one only."""
        sections = self.split.per_step
        return self._part(time * sections, (time + 1) * sections)

    def neighbours(self, time: int, apart: int) -> "Sections":
        """Return the steps from ``apart`` before a step to ``apart`` after it, as sections of one scan."""
        part = self._part(time - apart, time + apart + 1)
        total = sum(section.share for section in part.split.sections)
        shared = tuple(replace(section, share=section.share / total) for section in part.split.sections)
        return replace(part, split=replace(part.split, sections=shared))

    def around(self, time: int, count: int) -> list["Sections"]:
        """Return ``count`` consecutive time steps around one; the first and last steps are repeated beyond the ends."""
        reach = count // 2
        return [self.at(int(near)) for near in grid.repeated_edge(time - reach, time + reach + 1, self.split.times)]

    def trained(self, window: Sequence[int] | None) -> list["Sections"]:
        """Return the parts that training takes inputs and targets from, see `by_angle.trained`."""
        return [self._part(*run) for run in by_angle.trained(self.split, window)]

    def _part(self, start: int, stop: int) -> "Sections":
        if self.split.times == 1:
            return self
        roles = self.split.roles if stop - start == self.split.members else (Role((0,), ()),)
        split = replace(self.split, sections=self.split.sections[start:stop], roles=roles, times=1)
        return replace(self, split=split, unions=tuple((i,) for i in range(stop - start)), first=start)


def describe(results: Path) -> Sections:
    """Describe the sections in the results folder of a scan.

    Raises
    ------
    UserError
        If the stored reconstructions come from another version or other settings.
    """
    split = model.read(results / "split.json")
    radius = rotation_axis.read(results / "center.json").radius
    array = results / "sections.zarr"
    count, channels, depth, _, size = zarr_arrays.open_array(array).shape
    alone = split.times > 1 or count == len(split.sections)
    unions = tuple((i,) for i in range(count)) if alone else by_angle.stored(split.roles, additive=False)
    if len(unions) != count:
        raise UserError(
            f"{array} holds {count} reconstructions instead of {len(unions)}: run again with `-R reconstruct`"
        )
    return Sections(array, channels, depth, size, split, radius, unions)


def rounded(slices: FloatArray) -> FloatArray:
    """Round float32 to 11 significant bits, as many as half precision has, to nearest even.

    The other 13 are zeros, so that a lossless codec halves noisy slices. The relative error is at most 2⁻¹¹; values
    below 1e-38 have fewer significant bits. Infinities and what is not a number stay.
    """
    bits = slices.view(np.uint32)
    nearest = (bits + (0xFFF + (bits >> 13 & 1))) & np.uint32(0xFFFFE000)
    return np.where(np.isfinite(slices), nearest.view(np.float32), slices)


def mix(sections: FloatArray, weights: FloatArray) -> FloatArray:
    """Return the weighted mean of stored reconstructions, (S, …) to (…) float32.

    FBP is additive: with the shares of the sections as weights this *is* the reconstruction of their union.
    """
    mixed = np.zeros(sections.shape[1:], dtype=np.float32)
    for section, weight in zip(sections, weights, strict=True):
        if weight:
            mixed += weight * section
    return mixed
