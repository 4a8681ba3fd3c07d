"""An OME-Zarr image as one Zip archive that programs read in place: easy to copy, and one file of a quota."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from zipfile import ZIP_STORED, ZipFile, ZipInfo

from tomodenoise.common import files
from tomodenoise.storage import zarr_arrays

BUFFER = 2**20
"""Bytes to copy at a time."""

COMMENT = {"ome": {"version": "0.5"}}


def write(folder: Path, path: Path) -> None:
    """Pack an image atomically; files are stored unchanged, since chunks are already compressed.

    Parameters
    ----------
    folder : of the image.
    path : the archive; bit-identical for the same image.

    Notes
    -----
    As RFC-9 of OME-Zarr requires, metadata come first, beginning with those of the image, nothing is compressed again,
    and the archive's comment states the version.
    """
    with files.replacing(path) as partial, ZipFile(partial, "w", ZIP_STORED) as archive:
        for file in _files(folder):
            info = ZipInfo(file.relative_to(folder).as_posix())
            info.file_size = file.stat().st_size
            info.external_attr = 0o644 << 16
            with file.open("rb") as source, archive.open(info, "w") as target:
                shutil.copyfileobj(source, target, BUFFER)
        archive.comment = json.dumps(COMMENT).encode()


def _files(folder: Path) -> Iterator[Path]:
    """List the files of an image, without shards left by an earlier layout."""
    levels = sorted((file.parent for file in folder.glob("*/zarr.json")), key=lambda level: int(level.name))
    yield folder / "zarr.json"
    yield from (level / "zarr.json" for level in levels)
    for level in levels:
        yield from (zarr_arrays.shard_file(level, index) for index in zarr_arrays.shards(level))
