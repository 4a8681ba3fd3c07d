"""What regions of which datasets a virtual dataset of HDF5 is put together from."""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

import h5py
import numpy as np

from tomodenoise.common.arrays import IntArray

UNLIMITED = int(h5py.h5s.UNLIMITED)
NUMBER = re.compile(r"%b|%%")
"""In a name: the number of a block, and a per cent sign."""


@dataclass(frozen=True)
class Region:
    """Blocks at equal distances along each axis, a hyperslab of HDF5."""

    start: tuple[int, ...]
    stride: tuple[int, ...]
    count: tuple[int, ...]
    """Of the blocks; `UNLIMITED` along an axis for as many as there are."""
    block: tuple[int, ...]
    density: float = 1.0
    """Share of the blocks' numbers that is selected; below 1 where the selection is irregular, these being its box."""

    @property
    def growing(self) -> int | None:
        """Axis without a fixed number of blocks."""
        return self.count.index(UNLIMITED) if UNLIMITED in self.count else None

    def positions(self, axis: int, shape: tuple[int, ...]) -> IntArray:
        """Positions along an axis of a dataset of that shape, ascending; those of a fixed count may lie outside."""
        start, stride, count, block = (part[axis] for part in (self.start, self.stride, self.count, self.block))
        number = _blocks(start, stride, shape[axis]) if count == UNLIMITED else count
        found = (start + stride * np.arange(number)[:, None] + np.arange(block)).ravel()
        return found[found < shape[axis]] if count == UNLIMITED else found

    def sizes(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """Count the positions along each axis."""
        return tuple(
            count * block if count != UNLIMITED else len(self.positions(axis, shape))
            for axis, (count, block) in enumerate(zip(self.count, self.block, strict=True))
        )

    def share(self, axis: int, shape: tuple[int, ...]) -> float:
        """Share of each of its entries along an axis of a dataset that it holds."""
        taken = math.prod(size for number, size in enumerate(self.sizes(shape)) if number != axis)
        return self.density * taken / max(math.prod(size for number, size in enumerate(shape) if number != axis), 1)


@dataclass(frozen=True)
class Mapping:
    """A region of a virtual dataset and what it shows."""

    into: Region
    file: str
    """As it stands in the file: "." for the file itself, `%b` for the number of a block."""
    dataset: str
    source: Region | None
    """In the other dataset; None for all of it."""

    @property
    def numbered(self) -> bool:
        """Whether each block has a file or a dataset of its own."""
        return self.into.growing is not None and "%b" in NUMBER.findall(self.file + "\n" + self.dataset)

    def at(self, number: int) -> "Mapping":
        """One block of a numbered mapping, or the only one, with the names that they stand for."""
        axis = self.into.growing
        into = self.into
        if self.numbered and axis is not None:
            start = _with(into.start, axis, into.start[axis] + number * into.stride[axis])
            into = replace(into, start=start, count=_with(into.count, axis, 1))
        return Mapping(into, _named(self.file, number), _named(self.dataset, number), self.source)


def of(found: h5py.Dataset) -> list[Mapping]:
    """Read the mappings of a virtual dataset, in their order."""
    made = found.id.get_create_plist()
    return [
        Mapping(
            _region(made.get_virtual_vspace(number)) or _whole(found.shape),
            made.get_virtual_filename(number),
            made.get_virtual_dsetname(number),
            _region(made.get_virtual_srcspace(number)),
        )
        for number in range(made.get_virtual_count())
    ]


def blocks(mapping: Mapping, shape: tuple[int, ...]) -> Iterator[Mapping]:
    """Parts of a mapping with a file and a dataset each, within a virtual dataset of that shape."""
    yield from (mapping.at(number) for number in range(number_of_blocks(mapping, shape)))


def number_of_blocks(mapping: Mapping, shape: tuple[int, ...]) -> int:
    """Count the parts of a mapping that have a file or a dataset each."""
    into, axis = mapping.into, mapping.into.growing
    if axis is None or not mapping.numbered:
        return 1
    return _blocks(into.start[axis], into.stride[axis], shape[axis])


def _region(space: h5py.h5s.SpaceID) -> Region | None:
    """Read which region of a dataspace is selected; None for all of it."""
    if space.get_select_type() == h5py.h5s.SEL_ALL:
        return None
    if space.get_select_type() == h5py.h5s.SEL_HYPERSLABS and space.is_regular_hyperslab():
        start, stride, count, block = (tuple(map(int, part)) for part in space.get_regular_hyperslab())
        return Region(start, stride, count, block)
    first, last = (tuple(map(int, part)) for part in space.get_select_bounds())
    ones = (1,) * len(first)
    box = tuple(b - a + 1 for a, b in zip(first, last, strict=True))
    return Region(first, ones, ones, box, space.get_select_npoints() / math.prod(box))


def _whole(shape: tuple[int, ...]) -> Region:
    ones = (1,) * len(shape)
    return Region((0,) * len(shape), ones, ones, shape)


def _blocks(start: int, stride: int, length: int) -> int:
    """Count the blocks that begin within an axis."""
    return max(-((start - length) // stride), 0)


def _with(values: tuple[int, ...], place: int, value: int) -> tuple[int, ...]:
    return (*values[:place], value, *values[place + 1 :])


def _named(name: str, number: int) -> str:
    return NUMBER.sub(lambda found: "%" if found[0] == "%%" else str(number), name)
