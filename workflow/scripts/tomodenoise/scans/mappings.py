"""Mappings of an HDF5 virtual dataset: the regions of other datasets that it consists of."""

import math
import re
from dataclasses import dataclass, replace

import h5py
import numpy as np

from tomodenoise.common.arrays import IntArray

UNLIMITED = int(h5py.h5s.UNLIMITED)
NUMBER = re.compile(r"%b|%%")  # placeholders in a name: the number of a block, and an escaped per cent sign


@dataclass(frozen=True)
class Region:
    """Equally spaced blocks along each axis, a hyperslab of HDF5."""

    start: tuple[int, ...]
    stride: tuple[int, ...]
    count: tuple[int, ...]  # number of blocks; `UNLIMITED` along an axis for as many as there are
    block: tuple[int, ...]  # size of a block
    # Selected fraction of the blocks; < 1 for an irregular selection, which is replaced by its bounding box
    density: float = 1.0

    @property
    def growing(self) -> int | None:
        """Axis with an unlimited number of blocks, if any."""
        return self.count.index(UNLIMITED) if UNLIMITED in self.count else None

    def positions(self, axis: int, shape: tuple[int, ...]) -> IntArray:
        """Return the positions along an axis of a dataset of that shape, ascending.

        Those of a fixed number of blocks may lie outside of the dataset.
        """
        start, stride, count, block = (part[axis] for part in (self.start, self.stride, self.count, self.block))
        number = _blocks(start, stride, shape[axis]) if count == UNLIMITED else count
        positions = (start + stride * np.arange(number)[:, None] + np.arange(block)).ravel()
        return positions[positions < shape[axis]] if count == UNLIMITED else positions

    def sizes(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """Return the number of positions along each axis."""
        return tuple(
            count * block if count != UNLIMITED else len(self.positions(axis, shape))
            for axis, (count, block) in enumerate(zip(self.count, self.block, strict=True))
        )

    def share(self, axis: int, shape: tuple[int, ...]) -> float:
        """Return the fraction of each entry along an axis of a dataset of that shape that the region covers."""
        taken = math.prod(size for number, size in enumerate(self.sizes(shape)) if number != axis)
        return self.density * taken / max(math.prod(size for number, size in enumerate(shape) if number != axis), 1)


@dataclass(frozen=True)
class Mapping:
    """A region of a virtual dataset and its source."""

    into: Region
    file: str  # as written in the file: "." for the file itself, `%b` for the number of a block
    dataset: str
    source: Region | None  # region of the source dataset; None for all of it

    @property
    def numbered(self) -> bool:
        """True if each block has a file or a dataset of its own."""
        return self.into.growing is not None and "%b" in NUMBER.findall(self.file + "\n" + self.dataset)

    def at(self, number: int) -> "Mapping":
        """Return one block of a numbered mapping, or the only one, with the placeholders in its names filled in."""
        into = self.into
        axis = into.growing
        if self.numbered and axis is not None:
            start = _with(into.start, axis, into.start[axis] + number * into.stride[axis])
            into = replace(into, start=start, count=_with(into.count, axis, 1))
        return Mapping(into, _named(self.file, number), _named(self.dataset, number), self.source)


def of(data: h5py.Dataset) -> list[Mapping]:
    """Read the mappings of a virtual dataset, in their order."""
    properties = data.id.get_create_plist()
    ones = (1,) * data.ndim
    return [
        Mapping(
            _region(properties.get_virtual_vspace(number)) or Region((0,) * data.ndim, ones, ones, data.shape),
            properties.get_virtual_filename(number),
            properties.get_virtual_dsetname(number),
            _region(properties.get_virtual_srcspace(number)),
        )
        for number in range(properties.get_virtual_count())
    ]


def number_of_blocks(mapping: Mapping, shape: tuple[int, ...]) -> int:
    """Return the number of parts of a mapping, one source dataset each, in a virtual dataset of that shape."""
    into = mapping.into
    axis = into.growing
    if axis is None or not mapping.numbered:
        return 1
    return _blocks(into.start[axis], into.stride[axis], shape[axis])


def _region(space: h5py.h5s.SpaceID) -> Region | None:
    """Read the selected region of a dataspace; None for all of it."""
    if space.get_select_type() == h5py.h5s.SEL_ALL:
        return None
    if space.get_select_type() == h5py.h5s.SEL_HYPERSLABS and space.is_regular_hyperslab():
        start, stride, count, block = (tuple(map(int, part)) for part in space.get_regular_hyperslab())
        return Region(start, stride, count, block)
    first, last = (tuple(map(int, part)) for part in space.get_select_bounds())
    ones = (1,) * len(first)
    box = tuple(b - a + 1 for a, b in zip(first, last, strict=True))
    return Region(first, ones, ones, box, space.get_select_npoints() / math.prod(box))


def _blocks(start: int, stride: int, length: int) -> int:
    """Return the number of blocks that begin within an axis of that length."""
    return max(-((start - length) // stride), 0)


def _with(values: tuple[int, ...], index: int, value: int) -> tuple[int, ...]:
    return (*values[:index], value, *values[index + 1 :])


def _named(name: str, number: int) -> str:
    return NUMBER.sub(lambda match: "%" if match[0] == "%%" else str(number), name)
