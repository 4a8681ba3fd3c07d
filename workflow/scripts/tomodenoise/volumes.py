"""Zarr arrays whose shards are the outputs of jobs, and the OME-Zarr image on top of them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import zarr
from zarr.codecs import BloscCodec

from tomodenoise import grid
from tomodenoise.arrays import FloatArray, IntArray
from tomodenoise.errors import UserError

CHUNK = (8, 512, 512)
"""Inner chunk of a volume, (z, y, x): small enough for cutting patches, large enough for the disk."""

Shape = tuple[int, ...]


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
    """
    scratch = path.parent / f".{path.name}.allocating"
    zarr.create_array(
        scratch,
        shape=shape,
        shards=tuple(-(-s // c) * c for s, c in zip(shard, chunk, strict=True)),
        chunks=chunk,
        dtype="float32",
        compressors=BloscCodec(cname="zstd", clevel=3, shuffle="bitshuffle") if compressed else None,
        fill_value=0,
        dimension_names=names,
        attributes=attributes,
        overwrite=True,
    )
    _move_metadata(scratch, path)


def allocate_image(
    path: Path,
    shape: Shape,
    pixel_size: float,
    attributes: dict[str, Any],
    name: str,
    channels: Sequence[dict[str, Any]] = (),
    step_seconds: float | None = None,
) -> None:
    """Write the group metadata of an OME-Zarr 0.5 image, `zarr.json`, and nothing else.

    Parameters
    ----------
    path : the group's folder.
    shape : (t, c, z, y, x) of the full resolution.
    pixel_size : micrometre, the same in z, y and x.
    attributes, name : provenance, and the name that viewers show.
    channels : for each of several, its `label` and the values between which viewers show it, `start` and `end`.
    step_seconds : from one time step to the next; None where steps are counted.

    Notes
    -----
    A pyramid level averages whole blocks, so its first pixel's centre lies (2**level - 1) / 2 pixels further in:
    that is the translation beside the scale.
    """
    # Imported where it is needed: it takes two seconds, which every job would pay.
    from ome_zarr.format import FormatV05  # noqa: PLC0415
    from ome_zarr.writer import write_multiscales_metadata  # noqa: PLC0415

    scratch = path.parent / f".{path.name}.allocating"
    levels = grid.pyramid((shape[2], shape[3], shape[4]))
    datasets = [
        {
            "path": str(number),
            "coordinateTransformations": [
                {"type": "scale", "scale": [step_seconds or 1.0, 1.0, *(pixel_size * f for f in factors)]},
                {"type": "translation", "translation": [0.0, 0.0, *(pixel_size * (f - 1) / 2 for f in factors)]},
            ],
        }
        for number, factors in enumerate(_factors(levels))
    ]
    time = {"name": "t", "type": "time"} | ({"unit": "second"} if step_seconds else {})
    axes = [time, {"name": "c", "type": "channel"}]
    axes += [{"name": axis, "type": "space", "unit": "micrometer"} for axis in "zyx"]
    group = zarr.open_group(scratch, mode="w", zarr_format=3, attributes=attributes)
    more = {"metadata": {"omero": _omero(channels)}} if channels else {}
    write_multiscales_metadata(group, datasets, fmt=FormatV05(), axes=axes, name=name, **more)
    _move_metadata(scratch, path)


def _omero(channels: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Tell viewers of channels as OME-Zarr 0.5 has it, all grey and the first one shown."""
    shown = [
        {
            "label": channel["label"],
            "color": "FFFFFF",
            "active": number == 0,
            "window": {key: channel[key] for key in ("start", "end")}
            | {"min": channel["start"], "max": channel["end"]},
        }
        for number, channel in enumerate(channels)
    ]
    return {"channels": shown}


def chunk(shard: Shape) -> Shape:
    """Chunk of a shard of slices (…, z, y, x): one entry of the leading axes, at most `CHUNK` of the others."""
    inner = tuple(min(s, c) for s, c in zip(shard[-3:], CHUNK, strict=True))
    return (*(1 for _ in shard[:-3]), *inner)


def open_array(path: Path) -> zarr.Array[Any]:
    """Open an allocated array; what is written to it becomes a file even where it is all zeros."""
    array = zarr.open_array(path, mode="r+")
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


def read(path: Path, region: tuple[slice | int, ...]) -> FloatArray:
    """Read a part of an array, float32; a shard that is missing is an error and never taken for zeros."""
    array = open_array(path)
    _check_present(path, array, region)
    return np.asarray(array[region])


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
    return zarr.open(path, mode="r").attrs.asdict()


def halve(fine: FloatArray) -> FloatArray:
    """Average blocks of 2 x 2 x 2: (z, y, x) to half of it, rounded up; blocks at an odd end hold what is there."""
    for axis, length in enumerate(fine.shape):
        if length == 1:
            continue
        starts = np.arange(0, length, 2)
        counts = np.diff(starts, append=length).reshape([-1 if i == axis else 1 for i in range(3)])
        fine = np.add.reduceat(fine, starts, axis=axis, dtype=np.float32) / counts.astype(np.float32)
    return fine


def shard_file(path: Path, index: Sequence[int]) -> Path:
    """File that holds the shard with this index."""
    return path.joinpath("c", *map(str, index))


def _check_present(path: Path, array: zarr.Array[Any], region: tuple[slice | int, ...]) -> None:
    shards = array.shards or array.chunks
    touched = []
    for part, length, size in zip(region, array.shape, shards, strict=False):
        start, stop = (part, part + 1) if isinstance(part, int) else part.indices(length)[:2]
        touched.append(grid.covering(start, stop, size))
    touched += [range(-(-n // s)) for n, s in zip(array.shape[len(region) :], shards[len(region) :], strict=True)]
    for index in np.ndindex(*map(len, touched)):
        file = shard_file(path, [axis[i] for axis, i in zip(touched, index, strict=True)])
        if not file.is_file():
            raise UserError(f"{file} is missing: ask Snakemake for this file to make it again")


def _factors(levels: Sequence[Shape]) -> list[tuple[int, ...]]:
    """How many pixels of the full resolution one pixel of each level spans, per axis."""
    spans = [tuple(1 for _ in levels[0])]
    for finer in levels[:-1]:
        spans.append(tuple(f * (2 if n > 1 else 1) for f, n in zip(spans[-1], finer, strict=True)))
    return spans


def _move_metadata(scratch: Path, path: Path) -> None:
    path.mkdir(parents=True, exist_ok=True)
    (scratch / "zarr.json").replace(path / "zarr.json")
    scratch.rmdir()
