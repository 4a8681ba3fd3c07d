"""Zarr arrays whose shards are the outputs of jobs."""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import zarr
from zarr.codecs import BloscCodec, Crc32cCodec

from tomodenoise.common.arrays import FloatArray, IntArray
from tomodenoise.common.blocks import block_mean
from tomodenoise.common.errors import UserError
from tomodenoise.storage import grid

CHUNK = (8, 512, 512)
"""Inner chunk of a volume, (z, y, x): small enough for cutting patches, large enough for the disk."""

COMPRESSOR = BloscCodec(cname="zstd", clevel=3, shuffle="bitshuffle")

Shape = tuple[int, ...]
Region = tuple[slice | int, ...]


def allocate(
    path: Path,
    shape: Shape,
    shard: Shape,
    chunk: Shape,
    *,
    names: Sequence[str],
    attributes: dict[str, Any],
    compressed: bool = False,
) -> None:
    """Write the metadata of an empty float32 array, `zarr.json`, and nothing else.

    Parameters
    ----------
    path : the array's folder. Shards that are there already stay as they are.
    shape, shard, chunk : extent of the array, of what one job writes, and of what is read at once.
    names : one for each axis.
    attributes : plain values kept with the array, its provenance above all.
    compressed : noisy float32 shrinks by a tenth at a third of the speed, so only a denoised volume is.

    Notes
    -----
    Each chunk and each shard's index end with their CRC-32C, and the metadata hold the SHA-256 of themselves as the
    attribute `seal`: what is damaged is an error, never taken for data.
    """
    scratch = path.parent / f".{path.name}.allocating"
    zarr.create_array(
        scratch,
        shape=shape,
        shards=tuple(-(-s // c) * c for s, c in zip(shard, chunk, strict=True)),
        chunks=chunk,
        dtype="float32",
        compressors=[
            *([COMPRESSOR] if compressed else []),
            Crc32cCodec(),
        ],
        fill_value=0,
        dimension_names=names,
        attributes=attributes,
        overwrite=True,
    )
    written = json.loads((scratch / "zarr.json").read_text())
    written["attributes"] = attributes | {"seal": _seal(written)}
    (scratch / "zarr.json").write_text(json.dumps(written, indent=1))
    move_metadata(scratch, path)


def chunk(shard: Shape) -> Shape:
    """Chunk of a shard of slices (…, z, y, x): one entry of the leading axes, at most `CHUNK` of the others."""
    inner = tuple(min(s, c) for s, c in zip(shard[-3:], CHUNK, strict=True))
    return (*(1 for _ in shard[:-3]), *inner)


def open_array(path: Path) -> zarr.Array[Any]:
    """Open an allocated array; what is written to it becomes a file even where it is all zeros."""
    try:
        written = json.loads((path / "zarr.json").read_bytes())
        if written["attributes"].get("seal", expected := _seal(written)) != expected:
            raise ValueError("not as it was written")
        array = zarr.open_array(path, mode="r+")
    except (AttributeError, KeyError, TypeError, ValueError):
        raise UserError(f"{path / 'zarr.json'} is damaged: ask Snakemake for this file with --force") from None
    # Without it zarr leaves out a shard that holds nothing but the fill value, and the job's output is missing.
    return array.with_config({"write_empty_chunks": True})


def write_shard(path: Path, start: Sequence[int], data: FloatArray) -> None:
    """Write one whole shard, atomically.

    Parameters
    ----------
    path : the array's folder.
    start : position of the shard's first entry in the array.
    data : float32, as many axes as the array, cut at the array's end.
    """
    array = open_array(path)
    region = tuple(slice(s, s + n) for s, n in zip(start, data.shape, strict=True))
    array[region] = np.ascontiguousarray(data, dtype=np.float32)


def read(path: Path, region: Region) -> FloatArray:
    """Read a part of an array, float32; a shard that is missing or damaged is an error and never taken for data."""
    array = open_array(path)
    for index in _touched(array, region):
        if not (file := shard_file(path, index)).is_file():
            raise UserError(f"{file} is missing: ask Snakemake for this file to make it again")
    try:
        return np.asarray(array[region])
    except (ValueError, RuntimeError) as error:
        damaged = [index for index in _touched(array, region) if flaw(path, index)]
        if not damaged:
            raise
        raise UserError(
            f"{shard_file(path, damaged[0])} is damaged ({error}): ask Snakemake for this file with --force"
        ) from None


def shards(path: Path) -> list[Shape]:
    """Give the indices of all shards of an array."""
    array = open_array(path)
    return _touched(array, tuple(slice(0, length) for length in array.shape))


def flaw(path: Path, index: Sequence[int]) -> str | None:
    """Look for what is wrong with a shard; None if all of it is there, undamaged and finite.

    Rows stream through, a chunk at a time.
    """
    if not shard_file(path, index).is_file():
        return "is missing"
    array = open_array(path)
    try:
        finite = all(np.isfinite(array[block]).all() for block in _blocks(array, index))
    except (ValueError, RuntimeError):
        return "is damaged"
    except OSError as error:
        return f"cannot be read: {error.strerror}"
    return None if finite else "holds values that are not finite"


def read_spread_rows(path: Path, most: int, angles: slice = slice(None)) -> tuple[FloatArray, IntArray]:
    """Read up to ``most`` rows, spread over the height, of some projections, the mean of their channels.

    Returns
    -------
    (row, angle, column) float32, and which rows these are.
    """
    depth = open_array(path).shape[-2]
    rows = np.unique(np.linspace(0, depth - 1, min(most, depth)).astype(int))
    return np.stack([_mean_sinogram(path, int(row), angles) for row in rows]), rows


def read_sinograms(path: Path, rows: tuple[int, int], angles: slice = slice(None)) -> FloatArray:
    """Read rows of projections, with channels or without: (channel, row, angle, column) float32, a view."""
    lead = (slice(None),) * (open_array(path).ndim - 3)
    part = read(path, (angles, *lead, slice(*rows)))
    return part.reshape(len(part), -1, *part.shape[-2:]).transpose(1, 2, 0, 3)


def _mean_sinogram(path: Path, row: int, angles: slice) -> FloatArray:
    return np.asarray(read_sinograms(path, (row, row + 1), angles)[:, 0].mean(axis=0))


def attributes(path: Path) -> dict[str, Any]:
    """Read what is kept with an array or an image."""
    return {key: value for key, value in zarr.open(path, mode="r").attrs.items() if key != "seal"}


def halve(fine: FloatArray) -> FloatArray:
    """Average blocks of 2 x 2 x 2: (z, y, x) float32 to half of it, rounded up, as `block_mean` does."""
    return block_mean(fine, 2)


def shard_file(path: Path, index: Sequence[int]) -> Path:
    """File that holds the shard with this index."""
    return path.joinpath("c", *map(str, index))


def move_metadata(scratch: Path, path: Path) -> None:
    """Move the metadata that were written to a folder of their own to where they belong, at once."""
    path.mkdir(parents=True, exist_ok=True)
    (scratch / "zarr.json").replace(path / "zarr.json")
    scratch.rmdir()


def _seal(written: Mapping[str, Any]) -> str:
    """Sum up the metadata of an array, SHA-256 of all but the seal itself."""
    told = {key: value for key, value in written["attributes"].items() if key != "seal"}
    return hashlib.sha256(json.dumps({**written, "attributes": told}, sort_keys=True).encode()).hexdigest()


def _touched(array: zarr.Array[Any], region: Region) -> list[Shape]:
    """Find the indices of the shards that hold a part of an array."""
    sizes = array.shards or array.chunks
    touched = []
    for part, length, size in zip(region, array.shape, sizes, strict=False):
        start, stop = (part, part + 1) if isinstance(part, int) else part.indices(length)[:2]
        touched.append(grid.covering(start, stop, size))
    touched += [range(-(-n // s)) for n, s in zip(array.shape[len(region) :], sizes[len(region) :], strict=True)]
    return [tuple(axis[i] for axis, i in zip(touched, index, strict=True)) for index in np.ndindex(*map(len, touched))]


def _blocks(array: zarr.Array[Any], index: Sequence[int]) -> Iterator[tuple[slice, ...]]:
    """Parts of a shard, one chunk each in all but the last two axes."""
    sizes, last = array.shards or array.chunks, array.ndim - 2
    starts = [
        range(i * size, min((i + 1) * size, length), chunk if axis < last else size)
        for axis, (i, size, length, chunk) in enumerate(zip(index, sizes, array.shape, array.chunks, strict=True))
    ]
    for place in np.ndindex(*map(len, starts)):
        yield tuple(slice(axis[i], min(axis[i] + axis.step, axis.stop)) for axis, i in zip(starts, place, strict=True))
