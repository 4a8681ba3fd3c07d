"""Open a raw scan: recognise its layout, decide what its numbers are, and check that the parts fit."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py

from tomodenoise.errors import UserError
from tomodenoise.scans import dataexchange, nxtomo, sinograms
from tomodenoise.scans.contents import Contents
from tomodenoise.scans.hdf5 import opened
from tomodenoise.scans.identity import identify
from tomodenoise.scans.model import Frames, Scan

LAYOUTS: dict[str, Callable[[h5py.File], Contents | None]] = {
    dataexchange.LOOKED_FOR: dataexchange.find,
    nxtomo.LOOKED_FOR: nxtomo.find,
}

KIND_WORDS = (
    # In this order: "an intensity that is a line integral" is attenuation.
    ("attenuation", "attenuation"),
    ("line integral", "attenuation"),
    ("counts", "counts"),
    ("intensity", "intensity"),
    ("transmission", "intensity"),
)


def open_scan(
    file: Path,
    *,
    input: str = "auto",  # noqa: A002  the name of the key in the configuration
    rows: Sequence[int] | None = None,
    pixel_size: float | None = None,
    channels: Mapping[str, Any] | None = None,
) -> Scan:
    """Read the header of a raw scan.

    Parameters
    ----------
    file : HDF5 file in the Data Exchange or NXtomo layout, recognised by content.
    input : what the numbers are: `counts`, `intensity`, `attenuation`, or `auto` to go by the file.
    rows : start and stop of the detector rows to use; default: all.
    pixel_size : micrometre; default: from the file.
    channels : of a scan of many channels, what its entry in the configuration says of them, see `sinograms.find`.

    Raises
    ------
    UserError
        If anything that later stages need is missing or does not fit.
    """
    file = Path(file)
    with opened(file) as handle:
        contents = _contents(handle) if channels is None else sinograms.find(handle, channels)
        return Scan(
            file=file,
            layout=contents.layout,
            kind=_kind(input, contents),
            rows=_crop(rows, contents.length("z"), file),
            columns=contents.length("t"),
            angles=contents.angles,
            projections=(_located(contents.projections, file),),
            flats=tuple(_located(group, file) for group in contents.flats),
            darks=tuple(_located(group, file) for group in contents.darks),
            pixel_size=contents.pixel_size if pixel_size is None else pixel_size,
            identity=identify(file, [_as_given(each, file) for each in contents.used]),
            steps=contents.steps,
            times=contents.times,
            channels=contents.channels,
            doubts=contents.doubts,
        )


def _contents(file: h5py.File) -> Contents:
    """Ask each layout in turn."""
    for find in LAYOUTS.values():
        if (contents := find(file)) is not None:
            return contents
    raise UserError(f"{file.filename} has no known layout: looked for {'; '.join(LAYOUTS)}: convert it to one of these")


def _kind(wanted: str, contents: Contents) -> str:
    """Decide what the numbers are: by the user, by the words in the file, or by the presence of flats."""
    name = f"{contents.stack.file.filename}: {contents.stack.name}"
    if contents.channels and wanted not in {"auto", "attenuation"}:
        raise UserError(f"{name}: mode xrdct takes numbers that need no -log: leave out correct.input: {wanted}")
    kind = wanted if wanted != "auto" else _guess(contents)
    if kind is None:
        raise UserError(
            f"{name} holds {contents.stack.dtype} without flats: set correct.input to intensity or attenuation"
        )
    if kind == "counts" and not contents.flats:
        raise UserError(
            f"{name}: no flats for counts: add them to the file, or set correct.input to intensity or attenuation"
        )
    return kind


def _guess(contents: Contents) -> str | None:
    for stated in contents.stated:
        for word, kind in KIND_WORDS:
            if word in stated.lower():
                return kind
    return "counts" if contents.flats or contents.stack.dtype.kind in "iu" else None


def _crop(rows: Sequence[int] | None, depth: int, file: Path) -> tuple[int, int]:
    if rows is None:
        return 0, depth
    start, stop = rows
    if not 0 <= start < stop <= depth:
        raise UserError(f"{file}: rows [{start}, {stop}] are not in the detector: choose within [0, {depth}]")
    return start, stop


def _located(frames: Frames, file: Path) -> Frames:
    return replace(frames, file=_as_given(frames.file, file))


def _as_given(target: Path, file: Path) -> Path:
    """Path of a linked file in the manner of the main file's: HDF5 makes it absolute, a product should not be."""
    home = Path.cwd() / file.parent
    if target.is_relative_to(home):
        return file.parent / target.relative_to(home)
    return target
