"""OME-Zarr images: arrays of several resolutions, and what they say of themselves."""

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
from tomodenoise.storage.zarr_arrays import Shape

SLICES = 64
"""Of the coarsest resolution, that windows are found from."""

HALVED = {
    "method": "tomodenoise.storage.zarr_arrays.halve",
    "description": "means of blocks of 2 x 2 x 2 of the next finer one",
}
"""How each coarser resolution is made."""


class Window(NamedTuple):
    """Grey values of a channel: the range of the sliders of a viewer, and the part of it that is shown at first."""

    low: float
    start: float
    end: float
    high: float


@dataclass(frozen=True)
class Image:
    """An OME-Zarr image on disk, the full resolution of it."""

    folder: Path
    name: str
    shape: tuple[int, ...]
    axes: tuple[str, ...]
    """Names, t c z y x."""
    units: tuple[str | None, ...]
    scale: tuple[float, ...]
    """Distance of neighbours along each axis, in its unit."""
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
    """Write the group metadata of an OME-Zarr 0.5 image, `zarr.json`, and nothing else.

    Parameters
    ----------
    path : the group's folder.
    shape : (t, c, z, y, x) of the full resolution.
    pixel_size : micrometre, the same in z, y and x; None where it is not known: pixels are counted then.
    attributes, name : provenance, and the name that viewers show.
    windows : of each channel.
    labels : of each of several channels; default: the image's name and a number.
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
    channels = [_channel(*each) for each in zip(names, windows, strict=True)]
    for channel in channels[1:]:
        channel["active"] = False
    shown = {"channels": channels, "rdefs": {"model": "greyscale"}}
    group = zarr.open_group(scratch, mode="w", zarr_format=3, attributes=attributes)
    write_multiscales_metadata(
        group, datasets, fmt=FormatV05(), axes=axes, name=name, metadata={"omero": shown, **HALVED}
    )
    # A recommended key for which the writer has no argument.
    described: Any = group.attrs["ome"]
    described["multiscales"][0]["type"] = "mean"
    group.attrs["ome"] = described
    zarr_arrays.move_metadata(scratch, path)


def read(folder: Path) -> Image:
    """Read the metadata of an image.

    Raises
    ------
    UserError
        If they are damaged.
    """
    try:
        attributes = json.loads((folder / "zarr.json").read_text())["attributes"]
        (shown,) = attributes["ome"]["multiscales"]
        (scale,) = [t["scale"] for t in shown["datasets"][0]["coordinateTransformations"] if t["type"] == "scale"]
        channels = [channel["window"] for channel in attributes["ome"]["omero"]["channels"]]
        return Image(
            folder=folder,
            name=shown["name"],
            shape=zarr_arrays.open_array(folder / shown["datasets"][0]["path"]).shape,
            axes=tuple(axis["name"] for axis in shown["axes"]),
            units=tuple(axis.get("unit") for axis in shown["axes"]),
            scale=tuple(scale),
            windows=tuple(Window(*(float(w[key]) for key in ("min", "start", "end", "max"))) for w in channels),
            provenance=attributes["provenance"],
        )
    except (KeyError, ValueError, TypeError):
        raise UserError(f"{folder / 'zarr.json'} is damaged: ask Snakemake for this file with --force") from None


def blocks(
    image: Image, start: int, stop: int, times: tuple[int, int] | None = None
) -> Iterator[tuple[int, int, slice, FloatArray]]:
    """Stream some rows of an image, of some time steps or of all, a chunk at a time.

    Yields
    ------
    Time, channel, rows, and the values there, (z, y, x) float32.
    """
    for time, channel in product(range(*times or (0, image.shape[0])), range(image.shape[1])):
        for first in range(start, stop, zarr_arrays.CHUNK[0]):
            rows = slice(first, min(first + zarr_arrays.CHUNK[0], stop))
            yield time, channel, rows, zarr_arrays.read(image.array, (time, channel, rows))


def windows(array: Path, radius: float) -> list[Window]:
    """Find the grey window of each channel of an image.

    Parameters
    ----------
    array : a resolution of it (t, c, z, y, x), best the coarsest.
    radius : of the field of view, as a part of a slice's edge.

    Returns
    -------
    For each channel: what is shown reaches from the 0.5 % to the 99.5 % quantile of the field of view and a tenth of
    their distance more; the sliders a distance beyond the lowest and the highest value, which finer resolutions exceed.
    """
    times, channels, depth, _, size = zarr_arrays.open_array(array).shape
    places = np.unique(np.linspace(0, times * depth - 1, min(times * depth, SLICES)).astype(int))
    visible = field_of_view.mask(size, radius * size)
    found = []
    for channel in range(channels):
        slices = [zarr_arrays.read(array, (int(i // depth), channel, int(i % depth)))[visible] for i in places]
        found.append(_window(np.stack(slices).astype(np.float64)))
    return found


def _channel(label: str, window: Window) -> dict[str, Any]:
    """Say what viewers know of a channel, in the words of OMERO."""
    shown = {"min": window.low, "start": window.start, "end": window.end, "max": window.high}
    return {"label": label, "color": "FFFFFF", "active": True, "window": shown}


def _factors(levels: Sequence[Shape]) -> list[tuple[int, ...]]:
    """How many pixels of the full resolution one pixel of each level spans, per axis."""
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
