"""A volume as one HDF5 file in NeXus form: an NXdata group that viewers plot, and its provenance."""

import json
from pathlib import Path
from typing import Any

import h5py
import numpy as np

import tomodenoise
from tomodenoise.common import files
from tomodenoise.storage import ome_zarr, zarr_arrays
from tomodenoise.storage.ome_zarr import Image

UNITS = {"micrometer": "um", "second": "s", "hour": "h"}
"""OME-Zarr's unit names to those of UDUNITS, which NeXus uses."""


def write(folder: Path, path: Path) -> None:
    """Write the full resolution of an image to one file, atomically; rows stream through.

    One job writes the whole file, as several cannot write to one. A virtual dataset over one file per slab would
    silently show zeros where a file is lost, and could not be moved on its own.

    Parameters
    ----------
    folder : of the image.
    path : the file. `/entry/data/data` has the axes (t, c, z, y, x), without t or c where there is only one; each
        chunk has a checksum by fletcher32, a filter that is part of HDF5.
    """
    image = ome_zarr.read(folder)
    kept = [axis for axis, length in enumerate(image.shape) if axis >= 2 or length > 1]
    with files.replacing(path) as partial, h5py.File(partial, "w") as file:
        entry = _group(file, "entry", "NXentry", title=image.name)
        file.attrs["default"] = "entry"
        entry.attrs["default"] = "data"
        _provenance(entry, image)
        data = _group(entry, "data", "NXdata")
        names = [image.axes[axis] for axis in kept]
        data.attrs["signal"] = "data"
        data.attrs["axes"] = names
        for axis, name in zip(kept, names, strict=True):
            _axis(data, name, image, axis)
            data.attrs[f"{name}_indices"] = names.index(name)
        _values(data, image, kept)


def _values(data: h5py.Group, image: Image, kept: list[int]) -> None:
    chunk = zarr_arrays.chunk(image.shape)
    values = data.create_dataset(
        "data",
        shape=[image.shape[axis] for axis in kept],
        chunks=tuple(chunk[axis] for axis in kept),
        dtype="float32",
        fletcher32=True,
    )
    values.attrs["long_name"] = "attenuation per pixel"
    values.attrs["units"] = "1"
    for time, channel, rows, block in ome_zarr.blocks(image, 0, image.shape[2]):
        place = [number for axis, number in enumerate((time, channel)) if axis in kept]
        values[(*place, rows)] = block


def _axis(data: h5py.Group, name: str, image: Image, axis: int) -> None:
    unit = image.units[axis]
    positions = data.create_dataset(name, data=np.arange(image.shape[axis]) * image.scale[axis])
    positions.attrs["long_name"] = name if unit is None else f"{name} / {UNITS.get(unit, unit)}"
    if unit is not None:
        positions.attrs["units"] = UNITS.get(unit, unit)


def _provenance(entry: h5py.Group, image: Image) -> None:
    process = _group(entry, "reconstruction", "NXprocess", program="tomodenoise", version=tomodenoise.__version__)
    note = _group(process, "provenance", "NXnote", type="application/json")
    note.create_dataset("data", data=json.dumps(image.provenance, indent=1))


def _group(parent: Any, name: str, kind: str, **texts: str) -> h5py.Group:  # noqa: ANN401 - h5py has no types
    group = parent.create_group(name)
    group.attrs["NX_class"] = kind
    for key, text in texts.items():
        group.create_dataset(key, data=text)
    return group
