"""Shard files of Zarr arrays, read and written by several threads.

A shard is a sequence of chunks in any order, and at the end an index: offset and length of each chunk, and its CRC-32C.
zarr-python reads and writes the same files, but copies and checks in a single thread. It stays the one that allocates
arrays and verifies shards.

References: Zarr v3 specification, codecs sharding_indexed, blosc and crc32c.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import google_crc32c
import numpy as np
from numcodecs.blosc import Blosc

from tomodenoise.common.arrays import FloatArray, IntArray

Shape = tuple[int, ...]
Place = tuple[slice, ...]
Bytes = np.ndarray[tuple[int], np.dtype[np.uint8]]

CHECKSUM = 4
"""Bytes of a CRC-32C."""

NO_CHUNK = np.uint64(2**64 - 1)
"""Offset and length of a chunk that is not stored and holds zeros."""

_SHUFFLES = {"noshuffle": Blosc.NOSHUFFLE, "shuffle": Blosc.SHUFFLE, "bitshuffle": Blosc.BITSHUFFLE}


@dataclass(frozen=True)
class Form:
    """Shape and encoding of the shards of an array of float32."""

    shard: Shape
    chunk: Shape
    compressor: Blosc | None

    @property
    def grid(self) -> Shape:
        """Number of chunks of a shard along each axis."""
        return tuple(s // c for s, c in zip(self.shard, self.chunk, strict=True))

    def encode(self, data: FloatArray | Sequence[FloatArray]) -> tuple[Bytes, bytes]:
        """Encode a chunk to its content and checksum; of a chunk that is cut by the array's end zeros fill the rest."""
        plain = np.ascontiguousarray(np.asarray(data, dtype="<f4"))
        plain = plain.reshape((1,) * (len(self.chunk) - plain.ndim) + plain.shape)
        if plain.shape != self.chunk:
            plain = np.pad(plain, [(0, c - n) for n, c in zip(plain.shape, self.chunk, strict=True)])
        content = np.frombuffer(self.compressor.encode(plain), np.uint8) if self.compressor else _bytes(plain)
        return content, _checksum(content)

    def decode(self, stored: Bytes) -> FloatArray:
        """Decode a chunk; ValueError or RuntimeError if it is damaged."""
        content = _content(stored)
        plain = np.frombuffer(self.compressor.decode(content), np.uint8) if self.compressor else content
        return np.asarray(plain.view("<f4").reshape(self.chunk))


def form(metadata: Mapping[str, Any]) -> Form:
    """Read the form of the shards from the metadata of an array, which `zarr_arrays.allocate` wrote."""
    sharding = metadata["codecs"][0]["configuration"]
    blosc = next((codec["configuration"] for codec in sharding["codecs"] if codec["name"] == "blosc"), None)
    shard = tuple(metadata["chunk_grid"]["configuration"]["chunk_shape"])
    return Form(shard, tuple(sharding["chunk_shape"]), _compressor(blosc) if blosc else None)


def read(path: Path, form: Form, start: Shape, result: FloatArray, threads: int = 1) -> None:
    """Read a part of a shard.

    Parameters
    ----------
    start : position of the part in the shard.
    result : is filled with the part.

    Raises
    ------
    ValueError, RuntimeError
        If the shard is damaged in this part, or its index is.
    """
    with path.open("rb", buffering=0) as file:
        index = _index(file.fileno(), form)
        chunks = list(_touched(form, start, result.shape))

        def some(first: int) -> None:
            space = np.empty(0, np.uint8)  # one for all chunks, as new memory takes longer than the copy into it
            for chunk, inside, outside in chunks[first::threads]:
                offset, length = (int(number) for number in index[chunk])
                if offset == NO_CHUNK:
                    result[outside] = 0
                    continue
                space = space if len(space) >= length else np.empty(length, np.uint8)
                result[outside] = form.decode(_read(file.fileno(), offset, space[:length]))[inside]

        if threads == 1:
            some(0)
        else:
            with ThreadPoolExecutor(threads, "read") as pool:
                list(pool.map(some, range(threads)))


def parts(chunk: Shape, shape: Shape) -> Iterator[tuple[Shape, Place]]:
    """Yield the chunks that cover the first ``shape`` entries of a shard: their index, and their place in it."""
    for index in product(*(range(-(-n // c)) for n, c in zip(shape, chunk, strict=True))):
        yield index, tuple(slice(i * c, min((i + 1) * c, n)) for i, c, n in zip(index, chunk, shape, strict=True))


def index_bytes(form: Form, places: Mapping[Shape, tuple[int, int]]) -> bytes:
    """Return the index that ends a shard, from offset and length of its chunks."""
    index = np.full((*form.grid, 2), NO_CHUNK, dtype="<u8")
    for chunk, place in places.items():
        index[chunk] = place
    content = _bytes(index)
    return content.tobytes() + _checksum(content)


def _index(file: int, form: Form) -> IntArray:
    """Read offset and length of each chunk, (…, 2)."""
    size = os.fstat(file).st_size
    length = 16 * int(np.prod(form.grid)) + CHECKSUM
    index = _content(_read(file, size - length, np.empty(length, np.uint8))).view("<u8").reshape(*form.grid, 2)
    stored = index[index[..., 0] != NO_CHUNK]
    if stored.size and (stored.max() > size or (stored.sum(axis=-1) > size).any()):
        raise ValueError("chunks beyond the end of the file")
    return np.asarray(index)


def _touched(form: Form, start: Shape, shape: Shape) -> Iterator[tuple[Shape, Place, Place]]:
    """Yield the chunks that hold a part of a shard: their index, and the places in the chunk and in the part."""
    axes = []
    for first, count, size in zip(start, shape, form.chunk, strict=True):
        axis = []
        for i in range(first // size, -(-(first + count) // size)):
            low, high = max(first, i * size), min(first + count, (i + 1) * size)
            axis.append((i, slice(low - i * size, high - i * size), slice(low - first, high - first)))
        axes.append(axis)
    for chunk in product(*axes):
        index, inside, outside = zip(*chunk, strict=True)
        yield index, inside, outside


def _read(file: int, offset: int, space: Bytes) -> Bytes:
    """Fill ``space`` from a position in a file."""
    done = 0
    while done < len(space):
        count = os.preadv(file, [space.data[done:]], offset + done) if offset >= 0 else 0
        if not count:
            raise ValueError("the file is too short")
        done += count
    return space


def _checksum(content: Bytes) -> bytes:
    return int(google_crc32c.value(content)).to_bytes(CHECKSUM, "little")


def _content(stored: Bytes) -> Bytes:
    """Remove and check the checksum; ValueError if it does not match the content."""
    content = stored[:-CHECKSUM]
    if len(stored) <= CHECKSUM or stored[-CHECKSUM:].tobytes() != _checksum(content):
        raise ValueError("its checksum does not match its content")
    return content


def _bytes(data: np.ndarray[Any, Any]) -> Bytes:
    return data.reshape(-1).view(np.uint8)


def _compressor(settings: Mapping[str, Any]) -> Blosc:
    shuffle = _SHUFFLES[settings["shuffle"]]
    return Blosc(settings["cname"], settings["clevel"], shuffle, settings["blocksize"], settings["typesize"])
