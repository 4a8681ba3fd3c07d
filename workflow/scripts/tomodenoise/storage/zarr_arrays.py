"""Zarr arrays whose shards are the outputs of jobs."""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import zarr
from zarr.codecs import BloscCodec, Crc32cCodec

from tomodenoise.common.arrays import FloatArray, IntArray
from tomodenoise.common.errors import UserError
from tomodenoise.storage import grid, shard_format, shard_writer
from tomodenoise.storage.shard_format import Form, Shape
from tomodenoise.storage.shard_writer import Writer

COMPRESSOR = BloscCodec(cname="zstd", clevel=3, shuffle="bitshuffle")

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
    """Write the metadata of an empty float32 array, `zarr.json`, without any shard.

    Parameters
    ----------
    path : the array's folder. Existing shards are kept.
    shape, shard, chunk : extent of the array, of the part that one job writes, and of the part that is read at once.
    names : one for each axis.
    attributes : plain values stored with the array, mainly its provenance.
    compressed : for denoised volumes only, as noisy float32 shrinks by a tenth at a third of the speed.

    Notes
    -----
    Each chunk and each shard index ends with its CRC-32C, and the metadata hold their own SHA-256 as the attribute
    `seal`, so damage is an error and never taken for data.
    """
    scratch = path.parent / f".{path.name}.allocating"
    zarr.create_array(
        scratch,
        shape=shape,
        shards=tuple(-(-s // c) * c for s, c in zip(shard, chunk, strict=True)),
        chunks=chunk,
        dtype="float32",
        compressors=[COMPRESSOR, Crc32cCodec()] if compressed else [Crc32cCodec()],
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
    """Return the chunk of a shard of slices (…, z, y, x): 1 along leading axes, at most `grid.CHUNK` along others."""
    inner = tuple(min(s, c) for s, c in zip(shard[-3:], grid.CHUNK, strict=True))
    return (*(1 for _ in shard[:-3]), *inner)


def open_array(path: Path) -> zarr.Array[Any]:
    """Open an allocated array for reading."""
    try:
        written = json.loads((path / "zarr.json").read_bytes())
        if written["attributes"].get("seal", expected := _seal(written)) != expected:
            raise ValueError("not as it was written")
        return zarr.open_array(path, mode="r")
    except (AttributeError, KeyError, TypeError, ValueError):
        raise UserError(f"{path / 'zarr.json'} is damaged: run Snakemake on this file with --force") from None


@contextmanager
def writing(path: Path, start: Sequence[int], threads: int) -> Iterator[Writer]:
    """Give a writer of a shard, which becomes a file, whole, when the block has ended, unless it raises.

    Parameters
    ----------
    path : the array's folder.
    start : position of the shard's first entry in the array.
    threads : number of threads that encode chunks.
    """
    form = _form(path)
    index = tuple(s // n for s, n in zip(start, form.shard, strict=True))
    with shard_writer.writing(shard_file(path, index), form, threads) as writer:
        yield writer


def write_shard(path: Path, start: Sequence[int], data: FloatArray, threads: int = 1) -> None:
    """Write one whole shard, atomically.

    Parameters
    ----------
    path, start, threads : as for `writing`.
    data : float32, with all axes of the array, cut at its end.
    """
    with writing(path, start, threads) as shard:
        for index, place in shard_format.parts(shard.form.chunk, data.shape):
            shard.put(index, data[place])


def read(path: Path, region: Region, threads: int = 1, out: FloatArray | None = None) -> FloatArray:
    """Read a part of an array, float32.

    Parameters
    ----------
    region : along the first axes, without steps; all of the others.
    threads : number of threads that read chunks.
    out : contiguous array of the part's size to read into, which saves the time of new memory.

    Raises
    ------
    UserError
        If a shard is missing or damaged; it is never taken for data.
    """
    array, form = open_array(path), _form(path)
    ranges = _ranges(array.shape, region)
    shape = tuple(stop - start for start, stop in ranges)
    part = np.empty(shape, np.float32) if out is None else out.reshape(shape)
    for index in _touched(array, region):
        corner = tuple(i * n for i, n in zip(index, form.shard, strict=True))
        low = tuple(max(start, c) for (start, _), c in zip(ranges, corner, strict=True))
        high = tuple(min(stop, c + n) for (_, stop), c, n in zip(ranges, corner, form.shard, strict=True))
        place = tuple(slice(a - start, b - start) for a, b, (start, _) in zip(low, high, ranges, strict=True))
        offset = tuple(a - c for a, c in zip(low, corner, strict=True))
        _read_shard(shard_file(path, index), form, offset, part[place], threads)
    return part[tuple(0 if isinstance(axis, int) else slice(None) for axis in region)]


def shards(path: Path) -> list[Shape]:
    """Return the indices of all shards of an array."""
    array = open_array(path)
    return _touched(array, tuple(slice(0, length) for length in array.shape))


def flaw(path: Path, index: Sequence[int]) -> str | None:
    """Check a shard and describe its defect; None if it is complete, undamaged and finite.

    It is read one chunk at a time.
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
    """Read up to ``most`` rows of projections, spread over the height and averaged over channels.

    Returns
    -------
    (row, angle, column) float32, and the row numbers.
    """
    depth = open_array(path).shape[-2]
    rows = np.unique(np.linspace(0, depth - 1, min(most, depth)).astype(int))
    means = [read_sinograms(path, (row, row + 1), angles)[:, 0].mean(axis=0) for row in rows.tolist()]
    return np.stack(means), rows


def read_sinograms(path: Path, rows: tuple[int, int], angles: slice = slice(None), threads: int = 1) -> FloatArray:
    """Read rows of projections with or without channels: (channel, row, angle, column) float32, a view."""
    lead = (slice(None),) * (open_array(path).ndim - 3)
    part = read(path, (angles, *lead, slice(*rows)), threads)
    return part.reshape(len(part), -1, *part.shape[-2:]).transpose(1, 2, 0, 3)


def attributes(path: Path) -> dict[str, Any]:
    """Read the attributes stored with an array or an image."""
    return {key: value for key, value in zarr.open(path, mode="r").attrs.items() if key != "seal"}


def shard_file(path: Path, index: Sequence[int]) -> Path:
    """Return the file of the shard with this index."""
    return path.joinpath("c", *map(str, index))


def move_metadata(scratch: Path, path: Path) -> None:
    """Move metadata from a scratch folder to their final place, atomically."""
    path.mkdir(parents=True, exist_ok=True)
    (scratch / "zarr.json").replace(path / "zarr.json")
    scratch.rmdir()


def _seal(written: Mapping[str, Any]) -> str:
    """Return the SHA-256 of the metadata of an array without the seal itself."""
    unsealed = {key: value for key, value in written["attributes"].items() if key != "seal"}
    return hashlib.sha256(json.dumps({**written, "attributes": unsealed}, sort_keys=True).encode()).hexdigest()


def _form(path: Path) -> Form:
    """Return the form of an array's shards."""
    return shard_format.form(json.loads((path / "zarr.json").read_bytes()))


def _read_shard(file: Path, form: Form, start: Shape, result: FloatArray, threads: int) -> None:
    try:
        shard_format.read(file, form, start, result, threads)
    except FileNotFoundError:
        raise UserError(f"{file} is missing: run Snakemake on this file to make it again") from None
    except (ValueError, RuntimeError) as error:
        raise UserError(f"{file} is damaged ({error}): run Snakemake on this file with --force") from None


def _ranges(shape: Shape, region: Region) -> list[tuple[int, int]]:
    """Return start and stop along all axes of an array."""
    whole = (*region, *(slice(None) for _ in shape[len(region) :]))
    pairs = zip(whole, shape, strict=True)
    return [(part, part + 1) if isinstance(part, int) else part.indices(length)[:2] for part, length in pairs]


def _touched(array: zarr.Array[Any], region: Region) -> list[Shape]:
    """Return the indices of the shards that hold a part of an array."""
    sizes = array.shards or array.chunks
    ranges = _ranges(array.shape, region)
    touched = [grid.covering(start, stop, size) for (start, stop), size in zip(ranges, sizes, strict=True)]
    return [tuple(axis[i] for axis, i in zip(touched, index, strict=True)) for index in np.ndindex(*map(len, touched))]


def _blocks(array: zarr.Array[Any], index: Sequence[int]) -> Iterator[tuple[slice, ...]]:
    """Yield the parts of a shard, one chunk each in all but the last two axes."""
    sizes = array.shards or array.chunks
    last = array.ndim - 2
    starts = [
        range(i * size, min((i + 1) * size, length), chunk if axis < last else size)
        for axis, (i, size, length, chunk) in enumerate(zip(index, sizes, array.shape, array.chunks, strict=True))
    ]
    for place in np.ndindex(*map(len, starts)):
        yield tuple(slice(axis[i], min(axis[i] + axis.step, axis.stop)) for axis, i in zip(starts, place, strict=True))
