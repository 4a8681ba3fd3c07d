"""TIFF files of frames: what their headers state, and rows of their pixels."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import tifffile

from tomodenoise.common import paths
from tomodenoise.common.errors import UserError

MAGIC = {b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+"}
NAMES = {".tif", ".tiff"}
# Exceptions that tifffile raises over inconsistent bytes of a file
FAILURES = (tifffile.TiffFileError, OSError, ValueError, KeyError, IndexError, TypeError, RuntimeError, MemoryError)


@dataclass(frozen=True)
class Layout:
    """Frames of a file."""

    size: tuple[int, int]  # rows and columns
    dtype: np.dtype[np.generic]  # as stored, with its byte order
    offsets: tuple[int | None, ...]  # of each frame in the file, bytes; None if it must be decoded


def is_tiff(file: Path) -> bool:
    """Return whether a file begins like a TIFF file; False if it cannot be opened."""
    try:
        if not file.is_file():  # reading a pipe would block
            return False
        with file.open("rb") as stream:
            return stream.read(4) in MAGIC
    except (OSError, ValueError):
        return False


def within(folder: Path) -> list[Path]:
    """Return the files in a folder that are named like TIFF files, in no particular order; none without access."""
    try:
        return [file for file in folder.iterdir() if file.suffix.lower() in NAMES]
    except OSError:
        return []


def layout(file: Path) -> Layout:
    """Read the header of a TIFF file.

    Raises
    ------
    UserError
        If it is not a TIFF file of grey frames of one size, is cut short, or its compression cannot be decoded here.
    """
    paths.check(file, f"{file}: no such file: correct its path")
    if not is_tiff(file):
        raise UserError(f"{file} is not a TIFF file: correct the pattern, or copy the file again if it should be one")
    state = file.stat()
    return _layout(file, state.st_size, state.st_mtime_ns)


def read(file: Path, page: int, rows: tuple[int, int]) -> np.ndarray:
    """Read some rows [start, stop) of a frame, (rows, columns) as stored.

    Of a frame that is stored as it is, only these rows are read; of a compressed one, the strips or tiles with them.

    Raises
    ------
    UserError
        If the file has changed, or its data are damaged.
    """
    known = layout(file)
    if page >= len(known.offsets) or rows[1] > known.size[0]:
        raise UserError(f"{file} has changed since its header was read: run the workflow again")
    start = known.offsets[page]
    if start is None:
        return _decoded(file, page, rows)
    columns = known.size[1]
    skipped = start + rows[0] * columns * known.dtype.itemsize
    values = np.fromfile(file, known.dtype, (rows[1] - rows[0]) * columns, offset=skipped)
    return values.reshape(-1, columns)


@lru_cache(maxsize=1 << 15)
def _layout(file: Path, size: int, _modified: int) -> Layout:
    """Read a header once per job; the modification time is part of the cache key."""
    with _opened(file) as content:
        series = content.series
        if len(series) != 1:
            shapes = " and ".join(str(images.shape) for images in series[:2])
            raise UserError(f"{file} holds images of several shapes, {shapes}: keep frames of one size in it")
        images = series[0]
        if images.ndim < 2 or images.axes[-2:] != "YX" or images.dtype.kind not in "iuf":
            raise UserError(
                f"{file} holds {images.dtype} with axes {images.axes}, which are not grey frames: save them as such"
            )
        offsets, end = _offsets(file, images)
        if end > size:
            raise UserError(f"{file} ends before its pixels, it has {size} of {end} bytes: copy it again")
        dtype = images.dtype.newbyteorder(content.byteorder)
        return Layout((int(images.shape[-2]), int(images.shape[-1])), dtype, tuple(offsets))


def _offsets(file: Path, images: tifffile.TiffPageSeries) -> tuple[list[int | None], int]:
    """Return the offset of each frame, None if it must be decoded, and the end of the last one, bytes."""
    count = int(np.prod(images.shape[:-2]))
    if images.dataoffset is not None:
        frame = int(np.prod(images.shape[-2:])) * images.dtype.itemsize
        return [images.dataoffset + number * frame for number in range(count)], images.dataoffset + count * frame
    _check_compression(file, images.keyframe)
    pages = [page for page in images.pages if page is not None]
    parts = [part for page in pages for part in zip(page.dataoffsets, page.databytecounts, strict=True)]
    end = max((start + length for start, length in parts), default=0)
    if len(pages) != count:  # several frames on a page, as planes of a colour image
        return [None] * count, end
    return [page.dataoffsets[0] if page.is_contiguous else None for page in pages], end


def _check_compression(file: Path, page: tifffile.TiffPage) -> None:
    """Refuse pages whose decoder is not installed."""
    known = page.compression in tifffile.TIFF.DECOMPRESSORS and page.predictor in tifffile.TIFF.UNPREDICTORS
    if not known:
        name = tifffile.COMPRESSION(page.compression).name
        raise UserError(
            f"{file} is compressed with {name} and predictor {page.predictor}, which cannot be decoded here: install"
            " the package imagecodecs (pip install --group tiff), or save the file without compression"
        )


def _decoded(file: Path, page: int, rows: tuple[int, int]) -> np.ndarray:
    import zarr  # noqa: PLC0415 - not part of the environment that plans jobs

    with _opened(file) as content:
        images = content.series[0]
        planes = int(np.prod(images.shape[:-2])) // len(images.pages)  # frames on a page
        stored = images.pages[page // planes]
        if stored is None:
            raise UserError(f"{file} has no page {page // planes}: copy it again")
        array = zarr.open_array(stored.aszarr(), mode="r")
        chosen = array[rows[0] : rows[1]] if array.ndim == 2 else array[page % planes, rows[0] : rows[1]]
        return np.asarray(chosen)


@contextmanager
def _opened(file: Path) -> Iterator[tifffile.TiffFile]:
    """Open a TIFF file; errors that tifffile raises or logs within the block become errors of the user."""
    problems = _Problems()
    logger = logging.getLogger("tifffile")
    logger.addHandler(problems)
    propagates = logger.propagate
    logger.propagate = False
    try:
        with tifffile.TiffFile(file) as content:
            yield content
    except PermissionError as error:
        raise UserError(f"{file} {paths.FORBIDDEN}") from error
    except FAILURES as error:
        raise UserError(f"{file} cannot be read: {_line(error)}: copy it again") from error
    finally:
        logger.removeHandler(problems)
        logger.propagate = propagates
    if problems.lines:
        raise UserError(f"{file} is damaged or cut short: {problems.lines[0]}: copy it again")


class _Problems(logging.Handler):
    """Errors that tifffile logs instead of raising them."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(_line(record.getMessage()))


def _line(error: object) -> str:
    return " ".join(str(error).split())
