"""OME-Zarr images: arrays of several resolutions, with their metadata."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import zarr

from tomodenoise.common.arrays import FloatArray
from tomodenoise.common.errors import UserError
from tomodenoise.geometry import field_of_view
from tomodenoise.storage import grid, zarr_arrays
from tomodenoise.storage.shard_format import Shape

SLICES = 64
"""Slices of the coarsest resolution from which the grey windows are computed."""

HALVED = {
    "method": "tomodenoise.common.blocks.block_mean",
    "description": "means of blocks of 2 x 2 x 2 of the next finer one",
}
"""Method of downsampling, as recorded in the metadata."""


class Window(NamedTuple):
    """Grey window of a channel: slider range of a viewer (low, high), and the part shown at first (start, end)."""

    low: float
    start: float
    end: float
    high: float


@dataclass(frozen=True)
class Image:
    """OME-Zarr image on disk, at full resolution."""

    folder: Path
    name: str
    shape: tuple[int, ...]
    axes: tuple[str, ...]
    """Names, t c z y x."""
    units: tuple[str | None, ...]
    scale: tuple[float, ...]
    """Pixel spacing along each axis, in its unit."""
    windows: tuple[Window, ...]
    """Grey values of each channel."""
    provenance: dict[str, Any]

    @property
    def array(self) -> Path:
        """Folder of the full resolution."""
        return self.folder / "0"


def describe(
    path: Path,
    shape: Shape,
    pixel_size: float | None,
    attributes: dict[str, Any],
    name: str,
    windows: Sequence[Window],
    labels: Sequence[str] = (),
    step_seconds: float | None = None,
) -> None:
    """Write the group metadata of an OME-Zarr 0.5 image, `zarr.json`, without any array.

    Parameters
    ----------
    path : the group's folder.
    shape : (t, c, z, y, x) of the full resolution.
    pixel_size : micrometre, the same in z, y and x; None if unknown, which leaves pixels as the unit.
    attributes : provenance.
    name : name that viewers show.
    windows : one for each channel.
    labels : one for each channel; default: the image's name, with a number for several channels.
    step_seconds : time between steps; None if unknown, which leaves steps as the unit.

    Notes
    -----
    A pyramid level averages whole blocks, so the centre of its first pixel is shifted by (2**level - 1) / 2 pixels:
    this is the translation next to the scale.
    """
    # Imported here as it takes two seconds, which other jobs can save.
    from ome_zarr.format import FormatV05  # noqa: PLC0415
    from ome_zarr.writer import write_multiscales_metadata  # noqa: PLC0415

    scratch = path.parent / f".{path.name}.allocating"
    levels = grid.pyramid((shape[2], shape[3], shape[4]))
    edge = pixel_size or 1.0
    datasets = [
        {
            "path": str(number),
            "coordinateTransformations": [
                {"type": "scale", "scale": [step_seconds or 1.0, 1.0, *(edge * f for f in factors)]},
                {"type": "translation", "translation": [0.0, 0.0, *(edge * (f - 1) / 2 for f in factors)]},
            ],
        }
        for number, factors in enumerate(_factors(levels))
    ]
    time = {"name": "t", "type": "time"} | ({"unit": "second"} if step_seconds else {})
    axes = [time, {"name": "c", "type": "channel"}]
    unit = {"unit": "micrometer"} if pixel_size else {}
    axes += [{"name": axis, "type": "space", **unit} for axis in "zyx"]
    names = labels or ([name] if len(windows) == 1 else [f"{name} {number}" for number in range(len(windows))])
    channels = [_channel(label, window) for label, window in zip(names, windows, strict=True)]
    for channel in channels[1:]:
        channel["active"] = False
    omero = {"channels": channels, "rdefs": {"model": "greyscale"}}
    group = zarr.open_group(scratch, mode="w", zarr_format=3, attributes=attributes)
    write_multiscales_metadata(
        group, datasets, fmt=FormatV05(), axes=axes, name=name, metadata={"omero": omero, **HALVED}
    )
    # A recommended key that the writer does not support.
    metadata: Any = group.attrs["ome"]
    metadata["multiscales"][0]["type"] = "mean"
    group.attrs["ome"] = metadata
    zarr_arrays.move_metadata(scratch, path)


def read(folder: Path) -> Image:
    """Read the metadata of an image.

    Raises
    ------
    UserError
        If the metadata are damaged.
    """
    try:
        attributes = json.loads((folder / "zarr.json").read_text())["attributes"]
        (multiscale,) = attributes["ome"]["multiscales"]
        (scale,) = [t["scale"] for t in multiscale["datasets"][0]["coordinateTransformations"] if t["type"] == "scale"]
        channels = [channel["window"] for channel in attributes["ome"]["omero"]["channels"]]
        return Image(
            folder=folder,
            name=multiscale["name"],
            shape=zarr_arrays.open_array(folder / multiscale["datasets"][0]["path"]).shape,
            axes=tuple(axis["name"] for axis in multiscale["axes"]),
            units=tuple(axis.get("unit") for axis in multiscale["axes"]),
            scale=tuple(scale),
            windows=tuple(Window(*(float(w[key]) for key in ("min", "start", "end", "max"))) for w in channels),
            provenance=attributes["provenance"],
        )
    except (KeyError, ValueError, TypeError):
        raise UserError(f"{folder / 'zarr.json'} is damaged: run Snakemake on this file with --force") from None


def blocks(
    image: Image, start: int, stop: int, times: tuple[int, int] | None = None
) -> Iterator[tuple[int, int, slice, FloatArray]]:
    """Stream rows of an image, one chunk at a time, for some time steps or all.

    Yields
    ------
    Time step, channel, rows, and the values there, (z, y, x) float32.
    """
    for time, channel in product(range(*times or (0, image.shape[0])), range(image.shape[1])):
        for first in range(start, stop, grid.CHUNK[0]):
            rows = slice(first, min(first + grid.CHUNK[0], stop))
            yield time, channel, rows, zarr_arrays.read(image.array, (time, channel, rows))


def windows(array: Path, radius: float) -> list[Window]:
    """Compute the grey window of each channel of an image.

    Parameters
    ----------
    array : folder of a resolution (t, c, z, y, x), preferably the coarsest.
    radius : of the field of view, relative to the edge of a slice.

    Returns
    -------
    One window for each channel. The part shown at first spans the 0.5 % to 99.5 % quantiles of the field of view,
    extended by a tenth of their distance on both sides. The slider range goes one such distance beyond the extremes,
    which finer resolutions exceed.
    """
    times, channels, depth, _, size = zarr_arrays.open_array(array).shape
    places = np.unique(np.linspace(0, times * depth - 1, min(times * depth, SLICES)).astype(int))
    visible = field_of_view.mask(size, radius * size)
    channel_windows = []
    for channel in range(channels):
        slices = [zarr_arrays.read(array, (int(i // depth), channel, int(i % depth)))[visible] for i in places]
        channel_windows.append(_window(np.stack(slices).astype(np.float64)))
    return channel_windows


def _channel(label: str, window: Window) -> dict[str, Any]:
    """Return the display settings of a channel in the OMERO schema."""
    shown = {"min": window.low, "start": window.start, "end": window.end, "max": window.high}
    return {"label": label, "color": "FFFFFF", "active": True, "window": shown}


def _factors(levels: Sequence[Shape]) -> list[tuple[int, ...]]:
    """Return the size of a pixel of each level in pixels of the full resolution, per axis."""
    spans = [tuple(1 for _ in levels[0])]
    for finer in levels[:-1]:
        spans.append(tuple(f * (2 if n > 1 else 1) for f, n in zip(spans[-1], finer, strict=True)))
    return spans


def _window(values: FloatArray) -> Window:
    if values.size == 0:
        return Window(0.0, 0.0, 1.0, 1.0)
    low, high = np.quantile(values, [0.005, 0.995])
    distance = (high - low) or max(abs(high), 1.0)
    start, end = low - 0.1 * distance, high + 0.1 * distance
    return Window(
        float(min(start, values.min() - distance)),
        float(start),
        float(end),
        float(max(end, values.max() + distance)),
    )
