"""Where the numbers of a dataset lie, to any depth.

HDF5 puts a virtual dataset together from datasets of other files, which may be virtual themselves, and fills in what it
does not find there.
"""

import math
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import h5py
import numpy as np

from tomodenoise.common.arrays import IntArray
from tomodenoise.common.errors import UserError
from tomodenoise.scans import hdf5, links, mappings, outside
from tomodenoise.scans.mappings import Mapping, Region
from tomodenoise.scans.origins import Gap, Origin, check

LOOKED_AHEAD = 100
"""Numbers of a series of files or datasets that are tried beyond the first that is missing."""


def values(found: h5py.Dataset) -> np.ndarray:
    """Read a whole small dataset.

    Raises
    ------
    UserError
        If HDF5 would fill in a part of it.
    """
    check(find(found, 0), None)
    return np.asarray(found[()])


def find(found: h5py.Dataset, axis: int) -> Origin:
    """Find where the numbers of an open dataset lie, to any depth; ``axis`` is that of the entries to tell apart."""
    return _Search().origin(found, axis)


@dataclass(frozen=True)
class _Source:
    """A dataset that a virtual one takes numbers from."""

    shape: tuple[int, ...]
    axis: int
    """First that is longer than 1; that of its entries."""
    origin: Origin


@dataclass(frozen=True)
class _Search:
    """One search, which opens each file and dataset once."""

    known: dict[tuple[Path, str], _Source | str] = field(default_factory=dict)
    """By file and path; a line where there is none that can be used."""
    within: list[tuple[str, str]] = field(default_factory=list)
    """Datasets whose sources are being looked at, outermost first: the real file and the path of each."""

    def origin(self, found: h5py.Dataset, axis: int) -> Origin:
        made, home = found.id.get_create_plist(), links.home_of(found)
        if made.get_layout() == h5py.h5d.VIRTUAL:
            self.within.append(_identity(found))
            origin = self._virtual(found, axis)
            self.within.pop()
            return origin
        if made.get_external_count():
            return outside.find(found, axis)
        return Origin(f"{home}: {found.name}", (home,))

    def _virtual(self, found: h5py.Dataset, axis: int) -> Origin:
        home, shape = links.home_of(found), found.shape
        name = f"{home}: {found.name}"
        files, gaps, shares = dict.fromkeys([home]), list[Gap](), np.zeros(shape[axis] if shape else 1)
        for mapping in mappings.of(found):
            for part in mappings.blocks(mapping, shape):
                entries = part.into.positions(axis, shape) if shape else np.zeros(1, dtype=np.int64)
                entries = entries[entries < len(shares)]
                source = self._source(home, name, part)
                if isinstance(source, str):
                    gaps.append(Gap(entries, source))
                    shares[entries] = 1
                    continue
                files |= dict.fromkeys(source.origin.files)
                gaps += _gaps(part, source, entries, axis, shape, name)
                shares[entries] += part.into.share(axis, shape) * _least(source, part.source)
            gaps += self._cut_short(home, name, mapping, shape)
        return Origin(name, tuple(files), tuple(gaps), np.minimum(shares.round(9), 1), str(found.fillvalue))

    def _source(self, home: Path, name: str, part: Mapping) -> _Source | str:
        """Find what a part of a virtual dataset is taken from; a line where that cannot be used."""
        file = home if part.file == "." else links.located(home, part.file, links.VIRTUAL)
        if file is None:
            return f"{name} is made of {home.parent / part.file}, which is missing: copy that file there"
        if (file, part.dataset) not in self.known:
            self.known[file, part.dataset] = _ordinary(file, part.dataset) or self._looked_at(file, part.dataset)
        return self.known[file, part.dataset]

    def _looked_at(self, file: Path, path: str) -> _Source | str:
        try:
            with hdf5.opened(file) as opened:
                found = hdf5.dataset(opened, path)
                name = f"{file}: {_absolute(path)}"
                if found is None:
                    wrong = "is a group, not a dataset" if path in opened else "does not exist"
                    return f"{name} {wrong}: is that file complete?"
                if found.dtype.kind not in "biuf":
                    return f"{name} is of type {found.dtype}, which are no numbers: is that the right file?"
                if found.is_virtual and _identity(found) in self.within:
                    return f"{name} is a virtual dataset that is made of itself: repair it"
                hdf5.check_filters(found)
                axis = _longer(found.shape)
                origin = self.origin(found, axis)
                on_the_way = () if links.home_of(found) == file else links.passed(opened, path)
                files = tuple(dict.fromkeys([file, *on_the_way, *origin.files]))
                return _Source(found.shape, axis, Origin(origin.name, files, origin.gaps, origin.shares))
        except UserError as error:
            return str(error)

    def _cut_short(self, home: Path, name: str, mapping: Mapping, shape: tuple[int, ...]) -> Iterator[Gap]:
        """Find whether a series of numbered files or datasets goes on after one that is missing, where HDF5 stops."""
        if not mapping.numbered:
            return
        first = mappings.number_of_blocks(mapping, shape)
        lost = self._source(home, name, mapping.at(first))
        later = (self._source(home, name, mapping.at(first + number)) for number in range(1, LOOKED_AHEAD))
        if isinstance(lost, str) and (first == 0 or any(isinstance(source, _Source) for source in later)):
            yield Gap(None, lost)


def _ordinary(file: Path, path: str) -> _Source | None:
    """Look at a dataset whose numbers are compressed at most, in a tenth of a millisecond; None for any other.

    Of thousands of files nearly all are of this kind. What is wrong with one of the others is found out in its turn.
    """
    access = h5py.h5p.create(h5py.h5p.FILE_ACCESS)
    access.set_file_locking(False, False)
    try:
        content = h5py.h5f.open(os.fsencode(file), h5py.h5f.ACC_RDONLY, access)
        found = h5py.h5d.open(content, path.encode())
        made = found.get_create_plist()
        filters = [made.get_filter(number)[0] for number in range(made.get_nfilters())]
        if (
            made.get_layout() not in {h5py.h5d.CHUNKED, h5py.h5d.CONTIGUOUS}
            or made.get_external_count()
            or found.get_type().get_class() not in {h5py.h5t.INTEGER, h5py.h5t.FLOAT}
            or h5py.h5f.get_name(found) != os.fsencode(file)
            or not all(map(h5py.h5z.filter_avail, filters))
        ):
            return None
    except hdf5.FAILURES:
        return None
    shape = found.shape
    return _Source(shape, _longer(shape), Origin(f"{file}: {_absolute(path)}", (file,)))


def _longer(shape: tuple[int, ...]) -> int:
    """First axis with more than one entry."""
    return next((axis for axis, size in enumerate(shape) if size > 1), 0)


def _gaps(
    part: Mapping, source: _Source, entries: IntArray, axis: int, shape: tuple[int, ...], name: str
) -> Iterator[Gap]:
    """Find which entries of a virtual dataset a source does not give: it does not fit, or has gaps itself."""
    place = f"{source.origin.name}, which has shape {source.shape}"
    sizes = part.into.sizes(shape)
    if part.source is None:
        if _long(sizes) != _long(source.shape):
            yield Gap(entries, f"{name} takes {sizes} numbers from {place}: is that file complete, and the right one?")
            return
        chosen: IntArray = np.arange(source.shape[source.axis] if source.shape else 1)
    else:
        if len(part.source.start) != len(source.shape):
            axes = len(part.source.start)
            yield Gap(entries, f"{name} takes a region of {axes} axes from {place}: is that the right file?")
            return
        given, beyond = part.source.sizes(source.shape), _beyond(part.source, source.shape)
        lacking = entries[math.prod(given) // max(math.prod(sizes) // max(len(entries), 1), 1) :]
        if beyond or len(lacking):
            yield Gap(
                entries if beyond else lacking, f"{name} takes more than there is in {place}: is that file complete?"
            )
        chosen = part.source.positions(source.axis, source.shape)
    for gap in source.origin.gaps:
        lost = np.ones(len(chosen), dtype=bool) if gap.entries is None else np.isin(chosen, gap.entries)
        if lost.any():
            yield Gap(entries[lost] if len(chosen) == len(entries) else entries, gap.reason)


def _beyond(region: Region, shape: tuple[int, ...]) -> bool:
    """Tell whether a region reaches beyond a dataset."""
    return any(region.positions(axis, shape)[-1:] >= size for axis, size in enumerate(shape))


def _least(source: _Source, region: Region | None) -> float:
    """Share of the numbers of a source that lie in some file, the least of the entries that are chosen."""
    shares = source.origin.shares
    if shares is None:
        return 1.0
    chosen = np.arange(len(shares)) if region is None else region.positions(source.axis, source.shape)
    return float(shares[chosen[chosen < len(shares)]].min(initial=1))


def _long(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Shape without axes of length one, over which HDF5 reads in the same order."""
    return tuple(size for size in shape if size != 1)


def _absolute(path: str) -> str:
    return f"/{path.lstrip('/')}"


def _identity(found: h5py.Dataset) -> tuple[str, str]:
    return os.path.realpath(links.home_of(found)), found.name
