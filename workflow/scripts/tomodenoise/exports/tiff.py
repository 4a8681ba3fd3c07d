"""A stack of TIFF files, one per slice, which every program opens; each job writes the files of its slab."""

import io
import json
import zlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tifffile

import tomodenoise
from tomodenoise.common import files
from tomodenoise.common.arrays import FloatArray
from tomodenoise.storage import ome_zarr
from tomodenoise.storage.ome_zarr import Image

FORMATS = {"tiff": "float32", "tiff16": "uint16", "tiff8": "uint8"}
"""Data type of each kind of export."""

DIGITS = {"t": 4, "c": 3, "z": 5}
"""Digits of a number in a file's name, by axis."""


def write_slices(
    image: Image, folder: Path, rows: tuple[int, int], times: tuple[int, int], kind: str
) -> dict[str, Any]:
    """Write the slices of some rows and time steps, of all channels.

    Parameters
    ----------
    folder : of the slices of the whole volume.
    rows, times : [start, stop).
    kind : a key of `FORMATS`. 16 bits span all values of a channel, 8 bits the window that viewers show.

    Returns
    -------
    `files`: name to size in bytes and CRC-32; `clipped`: number of values beyond the window.
    """
    written = {}
    clipped = 0
    for time, channel, part, block in ome_zarr.blocks(image, *rows, times):
        for row, values in enumerate(block, start=part.start):
            numbers, beyond = _numbers(values, image, channel, kind)
            content = _encoded(numbers, image, channel, kind)
            name = _name(image, (time, channel, row))
            with files.replacing(folder / name) as partial:
                partial.write_bytes(content)
            written[name] = [len(content), zlib.crc32(content)]
            clipped += beyond
    return {"files": written, "clipped": clipped}


def describe(image: Image, folder: Path, records: Sequence[Path], kind: str) -> dict[str, Any]:
    """Describe a finished stack, and remove the slices of an earlier shape from its folder.

    Parameters
    ----------
    records : JSON files of the results of `write_slices`.
    """
    parts = [json.loads(record.read_text()) for record in records]
    names = {name for part in parts for name in part["files"]}
    for file in folder.glob("*.tif*"):
        if file.name not in names:
            file.unlink()
    described: dict[str, Any] = {
        "name": image.name,
        "slices": len(names),
        "type": FORMATS[kind],
        "shape": dict(zip(image.axes, image.shape, strict=True)),
        "spacing": dict(zip(image.axes, image.scale, strict=True)),
        "units": {axis: unit for axis, unit in zip(image.axes, image.units, strict=True) if unit},
        "values": "attenuation per pixel",
    }
    if kind != "tiff":
        calibrations = [_calibration(image, channel, kind) for channel in range(image.shape[1])]
        described["values"] = "attenuation per pixel = offset + step * number"
        described["calibration"] = [{"offset": offset, "step": step} for offset, step in calibrations]
        described["clipped"] = sum(part["clipped"] for part in parts)
    return described | {"provenance": image.provenance}


def flaws(folder: Path, record: Mapping[str, Any]) -> Iterator[tuple[Path, str]]:
    """Find missing or damaged slices, each with a description of the flaw.

    Parameters
    ----------
    record : result of `write_slices`.
    """
    for name, (_, checksum) in record["files"].items():
        if not (folder / name).is_file():
            yield folder / name, "is missing"
        elif zlib.crc32((folder / name).read_bytes()) != checksum:
            yield folder / name, "is damaged"


def _window(image: Image, channel: int, kind: str) -> tuple[float, float]:
    window = image.windows[channel]
    return (window.low, window.high) if kind == "tiff16" else (window.start, window.end)


def _calibration(image: Image, channel: int, kind: str) -> tuple[float, float]:
    """Return the value of the number 0, and the step from number to number."""
    low, high = _window(image, channel, kind)
    return low, (high - low) / np.iinfo(FORMATS[kind]).max


def _numbers(values: FloatArray, image: Image, channel: int, kind: str) -> tuple[Any, int]:
    if kind == "tiff":
        return values, 0
    offset, step = _calibration(image, channel, kind)
    largest = np.iinfo(FORMATS[kind]).max
    numbers = (values.astype(np.float64) - offset) / step
    beyond = np.count_nonzero((numbers < 0) | (numbers > largest))
    return np.rint(np.clip(numbers, 0, largest)).astype(FORMATS[kind]), int(beyond)


def _encoded(numbers: Any, image: Image, channel: int, kind: str) -> bytes:  # noqa: ANN401 - an array of any type
    """Encode a slice as TIFF, with baseline tags for every reader and metadata for ImageJ."""
    known = image.units[4] is not None
    metadata: dict[str, Any] = {"axes": "YX", **({"spacing": image.scale[2], "unit": "um"} if known else {})}
    if kind == "tiff":
        window = image.windows[channel]
        start, end = window.start, window.end
    else:
        offset, step = _calibration(image, channel, kind)
        metadata |= {"cf": 0, "c0": offset, "c1": step, "vunit": "attenuation per pixel"}
        start, end = ((edge - offset) / step for edge in image.windows[channel][1:3])
    stream = io.BytesIO()
    tifffile.imwrite(
        stream,
        numbers,
        imagej=True,
        resolution=(1e4 / image.scale[4], 1e4 / image.scale[3]) if known else None,
        resolutionunit="CENTIMETER" if known else None,
        software=f"tomodenoise {tomodenoise.__version__}",
        metadata=metadata | {"min": start, "max": end},
    )
    return stream.getvalue()


def _name(image: Image, place: tuple[int, int, int]) -> str:
    """Name a slice by its row, and by time and channel if there are several."""
    parts = [
        f"{axis}{number:0{DIGITS[axis]}}"
        for axis, number, length in zip("tcz", place, image.shape, strict=False)
        if length > 1 or axis == "z"
    ]
    return "_".join(parts) + ".tif"
