"""Open a raw scan: recognise its layout, decide what its numbers are, and check that the parts fit."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypedDict, Unpack

import h5py
import numpy as np

from tomodenoise.common.errors import UserError
from tomodenoise.scans import dataexchange, hdf5, kinds, links, nxtomo, separate, xrdct
from tomodenoise.scans import images as tiff_images
from tomodenoise.scans.description import Frames, Scan, sized
from tomodenoise.scans.excluding import exclude as leave_out
from tomodenoise.scans.excluding import numbers
from tomodenoise.scans.hdf5 import opened
from tomodenoise.scans.header import Contents, Reader
from tomodenoise.scans.identity import identify
from tomodenoise.scans.images import Projections
from tomodenoise.scans.options import FramesFile
from tomodenoise.scans.origins import Origin, check
from tomodenoise.scans.separate import Separate

# Of the layouts that are recognised by content; `xrdct` reads the sinograms that `mode: xrdct` names
READERS: list[Reader] = [dataexchange.READER, nxtomo.READER]


@dataclass(frozen=True)
class Header:
    """Scan of a whole file, before frames are excluded."""

    scan: Scan
    origins: Mapping[tuple[Path, str], Origin]  # of the stacks that its frames lie in, by file and dataset


class Options(TypedDict, total=False):
    """What to read from a file; None means absent."""

    input: str
    """Quantity stored: `counts`, `intensity`, `attenuation`, or `auto`, the default, to go by the file."""
    rows: Sequence[int] | None
    """Start and stop of the detector rows to use; default: all."""
    pixel_size: float | None
    """Micrometre; default: from the file."""
    channels: Mapping[str, Any] | None
    """Settings of a scan of many channels, see `xrdct.find`."""
    entry: str | None
    """Group of the file that holds the scan; default: the one that the file itself names, else the first."""
    exclude: Mapping[str, Sequence[Any]] | None
    """Frames to leave out, see `excluding.exclude`."""
    flats: FramesFile | None
    """File with frames that replace those in the file, see `separate.read`."""
    darks: FramesFile | None
    """Likewise."""
    images: Projections | None
    """TIFF files of the projections, of which the file is the first; default: it is an HDF5 file."""


def open_scan(file: Path, **options: Unpack[Options]) -> Scan:
    """Read the header of a raw scan.

    Parameters
    ----------
    file : HDF5 file in the Data Exchange or NXtomo layout, recognised by content; or see `Options.images`.

    Raises
    ------
    UserError
        If anything that later stages need is missing or does not fit.
    """
    header = read_header(file, options)
    return finished([header], header.scan, options)


def read_header(file: Path, options: Options) -> Header:
    """Read the header of a file, with all of its frames."""
    file = Path(file)
    with _opened(file, options) as found:
        origins = {stack.place: stack.origin for stack in found.stacks}
        used = [*found.used, *(path for origin in origins.values() for path in origin.files)]
        contents, own = _with_references(_located(found, file), options)
        kind = kinds.decide(options.get("input", "auto"), contents)
    doubts = list(contents.doubts)
    if kind != "counts" and (count := sum(len(group.indices) for group in contents.flats)):
        doubts.append(
            f"the data are taken as {kind}, so {count} flats are not used: if they are counts, set correct.input"
        )
    used = [links.as_given(path, file) for path in used]
    scan = Scan(
        file=file,
        layout=contents.layout,
        kind=kind,
        rows=_crop(options.get("rows"), contents.rows, file),
        columns=contents.columns,
        angles=contents.angles,
        projections=(contents.projections,),
        flats=contents.flats,
        darks=contents.darks,
        pixel_size=contents.pixel_size,
        identity=identify(file, [*used, *(path for part in own for path in part.files)]),
        labels=contents.labels,
        times=contents.times,
        channels=contents.channels,
        doubts=tuple(doubts),
    )
    located = {(links.as_given(place, file), name): origin for (place, name), origin in origins.items()}
    return Header(scan, located | {place: origin for part in own for place, origin in part.origins.items()})


@contextmanager
def _opened(file: Path, options: Options) -> Iterator[Contents]:
    """Read the header of an HDF5 file, which stays open meanwhile, or those of TIFF files."""
    if (images := options.get("images")) is not None:
        yield tiff_images.contents(images)
        return
    channels = options.get("channels")
    with opened(file) as handle:
        yield _contents(handle, options.get("entry")) if channels is None else xrdct.find(handle, channels)


def _with_references(contents: Contents, options: Options) -> tuple[Contents, list[Separate]]:
    """Replace the flats and darks of a file by those in separate files."""
    own = {}
    for kind, frames in (("flats", options.get("flats")), ("darks", options.get("darks"))):
        if frames is None:
            continue
        if contents.channels:
            raise UserError(f"{kind}: mode xrdct takes numbers that need no {kind}: remove the key")
        everything = (contents.projections, *contents.flats, *contents.darks)
        total = sum(len(part.indices) for part in everything)
        size = contents.rows, contents.columns
        at = separate.Projections(size, contents.stacks[0].name, contents.projections.indices, total)
        own[kind] = separate.read(kind, frames, at)
    replaced = {kind: sum(len(group.indices) for group in getattr(contents, kind)) for kind in own}
    doubts = [
        f"{count} {kind} in the file are not used, as the key {kind} names others"
        for kind, count in replaced.items()
        if count
    ]
    groups: dict[str, Any] = {kind: part.groups for kind, part in own.items()}
    return replace(contents, doubts=(*contents.doubts, *doubts), **groups), list(own.values())


def finished(headers: Sequence[Header], scan: Scan, options: Options) -> Scan:
    """Size the pixels of a scan of one or more files, exclude the user's frames, and check the others.

    Raises
    ------
    UserError
        If a frame in use cannot be read, an angle is not finite, or the angles span an impossible range.
    """
    scan = leave_out(sized(scan, options.get("pixel_size")), options.get("exclude"))
    _check_angles(scan)
    origins = {place: origin for header in headers for place, origin in header.origins.items()}
    used: dict[tuple[Path, str], list[Frames]] = {}
    for part in (*scan.projections, *scan.flats, *scan.darks):
        used.setdefault((part.file, part.dataset), []).append(part)
    doubts = [check(origins[at], np.concatenate([part.indices for part in parts])) for at, parts in used.items()]
    return replace(scan, doubts=(*scan.doubts, *filter(None, doubts)))


def _contents(file: h5py.File, entry: str | None) -> Contents:
    """Read one of the entries of a file, in the layout that it has."""
    readers: dict[str, Reader] = {}
    for reader in READERS:
        for name in reader.recognise(file, None):
            readers.setdefault(name, reader)
    if entry is not None:
        return _asked(file, entry.strip("/"), sorted(readers))
    if not readers:
        nxtomo.check_links(file)
        if "bliss" in hdf5.text(file, "publisher", "creator").lower():
            raise UserError(
                f"{file.filename} is a raw BLISS scan: convert it to NXtomo with nxtomomill h52nx, and name the result"
            )
        looked = "; ".join(reader.looks_for for reader in READERS)
        raise UserError(f"{file.filename} has no known layout: looked for {looked}: convert it to one of these")
    default = hdf5.text(file, "default").strip("/").split("/")[0]
    chosen = default if default and default in readers else next(iter(readers))
    contents = readers[chosen].read(file, chosen)
    others = [name for name in readers if name != chosen]
    if not others:
        return contents
    why = "which the file names as its default" if chosen == default else "the first"
    doubt = (
        f"entry {chosen or '/'} is used, {why}; the file also holds {', '.join(name or '/' for name in others)}: set"
        " entry to use another"
    )
    return replace(contents, doubts=(doubt, *contents.doubts))


def _asked(file: h5py.File, entry: str, known: Sequence[str]) -> Contents:
    """Read the entry that the user chose."""
    there = f"there are {', '.join(name or '/' for name in known)}" if known else "there is none"
    group = hdf5.child(file, entry or "/")
    if not isinstance(group, h5py.Group):
        raise UserError(f"{file.filename} has no entry {entry}: {there}: correct the scan's key entry")
    for reader in READERS:
        for name in reader.recognise(file, entry):
            return reader.read(file, name)
    nxtomo.check_links(group)
    raise UserError(f"{file.filename}: entry {entry} holds no frames: {there}: correct the scan's key entry")


def _check_angles(scan: Scan) -> None:
    """Refuse angles that are not finite, and a range that only the wrong units explain: a turn in radians is 6.3."""
    wrong = np.flatnonzero(~np.isfinite(scan.angles))
    if len(wrong):
        number = numbers(scan)[wrong[0]]
        raise UserError(
            f"{scan.file}: angle {number} is {scan.angles[wrong[0]]}, not a finite number: repair it in the file, or"
            f" leave that projection out with exclude: {{projections: [{number}]}}"
        )
    key = "angle_unit" if scan.layout == "tiff" else "their attribute 'units'"
    ends = np.cumsum([len(part.indices) for part in scan.projections])[:-1]
    for part, angles in zip(scan.projections, np.split(scan.angles, ends), strict=True):
        degrees = float(np.degrees(np.ptp(angles)))
        name = f"{part.file if len(ends) else scan.file}: the angles span"
        if 0 < degrees < 6.4:
            raise UserError(f"{name} only {degrees:.3g} degrees: if these are radians, set {key} to radians")
        if degrees > 360 * len(angles):
            raise UserError(f"{name} {degrees / 360:.0f} turns: if these are degrees, set {key} to degrees")


def _crop(rows: Sequence[int] | None, depth: int, file: Path) -> tuple[int, int]:
    if rows is None:
        return 0, depth
    start, stop = rows
    if not 0 <= start < stop <= depth:
        raise UserError(f"{file}: rows [{start}, {stop}] are not in the detector: choose within [0, {depth}]")
    return start, stop


def _located(contents: Contents, file: Path) -> Contents:
    """Name the files of all frames as the user named the main file."""
    projections, *others = (
        replace(frames, file=links.as_given(frames.file, file))
        for frames in (contents.projections, *contents.flats, *contents.darks)
    )
    count = len(contents.flats)
    return replace(contents, projections=projections, flats=tuple(others[:count]), darks=tuple(others[count:]))
