"""Search for the files that hold the data of a dataset, through virtual datasets to any depth.

HDF5 composes a virtual dataset of datasets in other files, which may be virtual themselves, and silently replaces
missing data by a fill value.
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

LOOKAHEAD = 100  # numbers of a series of files or datasets that are tried after the first missing one


def values(data: h5py.Dataset) -> np.ndarray:
    """Read a small dataset; refuse one that lacks data, which HDF5 would replace by the fill value."""
    check(find(data, 0), None)
    return np.asarray(data[()])


def find(data: h5py.Dataset, axis: int) -> Origin:
    """Find the files that hold the data of an open dataset, and its gaps in terms of the entries along ``axis``."""
    return _Search().origin(data, axis)


@dataclass(frozen=True)
class _Source:
    """A dataset that a virtual dataset takes data from."""

    shape: tuple[int, ...]
    axis: int  # axis of its entries: the first that is longer than 1
    origin: Origin


@dataclass(frozen=True)
class _Search:
    """A search that opens each file and dataset once."""

    # Sources by file and path; an error message for one that cannot be used
    known: dict[tuple[Path, str], _Source | str] = field(default_factory=dict)
    # Datasets whose sources are being searched, outermost first, as (real path of the file, path in the file)
    within: list[tuple[str, str]] = field(default_factory=list)

    def origin(self, data: h5py.Dataset, axis: int) -> Origin:
        properties = data.id.get_create_plist()
        home = links.home_of(data)
        if properties.get_layout() == h5py.h5d.VIRTUAL:
            self.within.append(_identity(data))
            origin = self._virtual(data, axis)
            self.within.pop()
            return origin
        if properties.get_external_count():
            return outside.find(data, axis)
        return Origin(f"{home}: {data.name}", (home,))

    def _virtual(self, data: h5py.Dataset, axis: int) -> Origin:
        home = links.home_of(data)
        shape = data.shape
        name = f"{home}: {data.name}"
        files = dict.fromkeys([home])
        gaps: list[Gap] = []
        shares = np.zeros(shape[axis] if shape else 1)
        for mapping in mappings.of(data):
            count = mappings.number_of_blocks(mapping, shape)
            for part in map(mapping.at, range(count)):
                entries = part.into.positions(axis, shape) if shape else np.zeros(1, dtype=np.int64)
                entries = entries[entries < len(shares)]
                source = self._source(home, name, part)
                if isinstance(source, str):
                    gaps.append(Gap(entries, source))
                    shares[entries] = 1
                    continue
                files |= dict.fromkeys(source.origin.files)
                gaps += _gaps(part, source, entries, shape, name)
                shares[entries] += part.into.share(axis, shape) * _least(source, part.source)
            gaps += self._cut_short(home, name, mapping, count)
        return Origin(name, tuple(files), tuple(gaps), np.minimum(shares.round(9), 1), str(data.fillvalue))

    def _source(self, home: Path, name: str, part: Mapping) -> _Source | str:
        """Return the source of a part of a virtual dataset, or an error message if it cannot be used."""
        file = home if part.file == "." else links.located(home, part.file, links.VIRTUAL)
        if file is None:
            return f"{name} takes data from {home.parent / part.file}, which is missing: copy that file there"
        if (file, part.dataset) not in self.known:
            self.known[file, part.dataset] = _ordinary(file, part.dataset) or self._examined(file, part.dataset)
        return self.known[file, part.dataset]

    def _examined(self, file: Path, path: str) -> _Source | str:
        try:
            with hdf5.opened(file) as opened:
                data = hdf5.dataset(opened, path)
                name = f"{file}: {_absolute(path)}"
                if data is None:
                    problem = "is a group, not a dataset" if path in opened else "does not exist"
                    return f"{name} {problem}: is that file complete?"
                if data.dtype.kind not in "biuf":
                    return f"{name} has type {data.dtype}, which is not numeric: is that the right file?"
                if data.is_virtual and _identity(data) in self.within:
                    return f"{name} is a virtual dataset that refers to itself: repair it"
                hdf5.check_filters(data)
                axis = _longer(data.shape)
                origin = self.origin(data, axis)
                passed = () if links.home_of(data) == file else links.passed(opened, path)
                files = tuple(dict.fromkeys([file, *passed, *origin.files]))
                return _Source(data.shape, axis, Origin(origin.name, files, origin.gaps, origin.shares))
        except UserError as error:
            return str(error)

    def _cut_short(self, home: Path, name: str, mapping: Mapping, first: int) -> Iterator[Gap]:
        """Report a missing member of a series of numbered sources that continues after it: HDF5 would stop there."""
        if not mapping.numbered:
            return
        missing = self._source(home, name, mapping.at(first))
        later = (self._source(home, name, mapping.at(first + number)) for number in range(1, LOOKAHEAD))
        if isinstance(missing, str) and (first == 0 or any(isinstance(source, _Source) for source in later)):
            yield Gap(None, missing)


def _ordinary(file: Path, path: str) -> _Source | None:
    """Return an intact dataset that is stored in its own file, as nearly all are: fast; None for any other."""
    access = h5py.h5p.create(h5py.h5p.FILE_ACCESS)
    access.set_file_locking(False, False)
    try:
        content = h5py.h5f.open(os.fsencode(file), h5py.h5f.ACC_RDONLY, access)
        data = h5py.h5d.open(content, path.encode())
        properties = data.get_create_plist()
        filters = [properties.get_filter(number)[0] for number in range(properties.get_nfilters())]
        if (
            properties.get_layout() not in {h5py.h5d.CHUNKED, h5py.h5d.CONTIGUOUS}
            or properties.get_external_count()
            or data.get_type().get_class() not in {h5py.h5t.INTEGER, h5py.h5t.FLOAT}
            or h5py.h5f.get_name(data) != os.fsencode(file)
            or not all(map(h5py.h5z.filter_avail, filters))
        ):
            return None
    except hdf5.FAILURES:
        return None
    shape = data.shape
    return _Source(shape, _longer(shape), Origin(f"{file}: {_absolute(path)}", (file,)))


def _longer(shape: tuple[int, ...]) -> int:
    """Return the first axis with more than one entry."""
    return next((axis for axis, size in enumerate(shape) if size > 1), 0)


def _gaps(part: Mapping, source: _Source, entries: IntArray, shape: tuple[int, ...], name: str) -> Iterator[Gap]:
    """Find the entries of a virtual dataset that a source does not provide, as it does not fit or has gaps itself."""
    place = f"{source.origin.name}, which has shape {source.shape}"
    sizes = part.into.sizes(shape)
    if part.source is None:
        if _long(sizes) != _long(source.shape):
            yield Gap(entries, f"{name} takes shape {sizes} from {place}: is that file complete, and the right one?")
            return
        chosen: IntArray = np.arange(source.shape[source.axis] if source.shape else 1)
    else:
        if len(part.source.start) != len(source.shape):
            axes = len(part.source.start)
            yield Gap(entries, f"{name} takes a region with {axes} axes from {place}: is that the right file?")
            return
        available = part.source.sizes(source.shape)
        beyond = any(part.source.positions(at, source.shape)[-1:] >= size for at, size in enumerate(source.shape))
        missing = entries[math.prod(available) // max(math.prod(sizes) // max(len(entries), 1), 1) :]
        if beyond or len(missing):
            yield Gap(
                entries if beyond else missing, f"{name} takes more data than there is in {place}: is it complete?"
            )
        chosen = part.source.positions(source.axis, source.shape)
    for gap in source.origin.gaps:
        lost = np.ones(len(chosen), dtype=bool) if gap.entries is None else np.isin(chosen, gap.entries)
        if lost.any():
            yield Gap(entries[lost] if len(chosen) == len(entries) else entries, gap.reason)


def _least(source: _Source, region: Region | None) -> float:
    """Return the smallest stored fraction of the entries of a source within a region."""
    shares = source.origin.shares
    if shares is None:
        return 1.0
    chosen = np.arange(len(shares)) if region is None else region.positions(source.axis, source.shape)
    return float(shares[chosen[chosen < len(shares)]].min(initial=1))


def _long(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return the shape without axes of length one, which do not change the order in which HDF5 reads."""
    return tuple(size for size in shape if size != 1)


def _absolute(path: str) -> str:
    return f"/{path.lstrip('/')}"


def _identity(data: h5py.Dataset) -> tuple[str, str]:
    return os.path.realpath(links.home_of(data)), data.name
