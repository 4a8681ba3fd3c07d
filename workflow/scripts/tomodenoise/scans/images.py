"""Frames in TIFF files: one file for each frame, files of several frames, or both."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from tomodenoise.common.arrays import FloatArray, IntArray
from tomodenoise.common.errors import UserError
from tomodenoise.scans import angles, file_names, tiff
from tomodenoise.scans.description import Frames, Images
from tomodenoise.scans.header import Contents
from tomodenoise.scans.options import AngleRange, RawScan
from tomodenoise.scans.origins import Origin


@dataclass(frozen=True)
class Projections:
    """TIFF files of projections, and what the configuration says of their angles."""

    files: tuple[Path, ...]
    angles: str | AngleRange | None = None
    unit: str | None = None


@dataclass(frozen=True)
class Stack:
    """Frames of one size and type."""

    frames: Frames
    size: tuple[int, int]  # rows and columns
    dtype: np.dtype[np.generic]

    @property
    def place(self) -> tuple[Path, str]:
        """First file, and the name of all of them."""
        return self.frames.file, self.frames.dataset

    @property
    def name(self) -> str:
        """Name for messages."""
        return self.frames.dataset

    @property
    def origin(self) -> Origin:
        """Origin without gaps."""
        return Origin(self.name, self.frames.images.files if self.frames.images else ())


def asked(files: Sequence[Path], entry: RawScan) -> Projections | None:
    """Return the settings of a scan for TIFF files; None if its files are HDF5.

    Raises
    ------
    UserError
        If it has keys that TIFF files do not have.
    """
    if not tiff.is_tiff(files[0]):
        if entry.mode != "xrdct" and (entry.angles or entry.angle_unit):
            raise UserError("angles and angle_unit are for TIFF files and for mode: xrdct: remove them")
        return None
    if entry.mode == "xrdct" or entry.entry:
        key = "entry" if entry.entry else "mode: xrdct"
        raise UserError(f"{key} is for HDF5 files, but {files[0]} is a TIFF file: remove the key")
    return Projections(tuple(files), entry.angles, entry.angle_unit)


def contents(asked: Projections) -> Contents:
    """Read the headers of projections.

    Raises
    ------
    UserError
        If the files differ in size or type of their frames, one is missing or damaged, or the angles do not fit.
    """
    stack = open_stack(asked.files)
    count = len(stack.frames.indices)
    kinds = file_names.patterns(asked.files)
    if len(kinds) > 1 and not isinstance(asked.angles, str):
        raise UserError(
            f"{asked.files[0].parent}: {kinds[0]} and {kinds[1]} may be files of two kinds: name the projections by a"
            " pattern, or give the angle of each in a text file"
        )
    gaps = file_names.gaps(asked.files)
    if gaps and not isinstance(asked.angles, str):
        raise UserError(f"{gaps}: copy the missing files, or give the angles of those that exist in a text file")
    name = f"{stack.name} ({gaps})" if gaps else stack.name
    values, listed = angles.read(asked.angles, asked.unit, count, name)
    return Contents(
        layout="tiff",
        stacks=(stack,),
        projections=replace(stack.frames, time=(count - 1) / 2),
        flats=(),
        darks=(),
        angles=values,
        rows=stack.size[0],
        columns=stack.size[1],
        pixel_size=None,
        stated=(),
        used=tuple(listed),
        doubts=(f"{gaps}: assumed lost, because there is an angle for each file",) if gaps else (),
    )


def open_stack(files: Sequence[Path]) -> Stack:
    """Read the headers of all files of a stack, and check that they agree."""
    first, *others = layouts = [tiff.layout(file) for file in files]
    for file, other in zip(files[1:], others, strict=True):
        if (other.size, other.dtype) != (first.size, first.dtype):
            raise UserError(
                f"{file} has frames of {other.size} pixels of type {other.dtype}, but {files[0]} of {first.size} pixels"
                f" of type {first.dtype}: correct the pattern, or copy the file again"
            )
    pages = tuple(len(layout.offsets) for layout in layouts)
    name = str(files[0]) if len(files) == 1 else f"{files[0]} to {files[-1].name}"
    return Stack(
        Frames(files[0], name, np.arange(sum(pages)), 0.0, Images(tuple(files), pages)), first.size, first.dtype
    )


def read(images: Images, rows: tuple[int, int], indices: IntArray) -> FloatArray:
    """Read some rows of some frames, (n, rows, columns) float32.

    Raises
    ------
    UserError
        As `tiff.read`.
    """
    ends = np.cumsum(images.pages)
    blocks = []
    for index in indices.tolist():
        number = int(np.searchsorted(ends, index, side="right"))
        page = index - int(ends[number]) + images.pages[number]
        blocks.append(tiff.read(images.files[number], page, rows).astype(np.float32))
    columns = tiff.layout(images.files[0]).size[1]
    return np.stack(blocks) if blocks else np.empty((0, rows[1] - rows[0], columns), dtype=np.float32)
