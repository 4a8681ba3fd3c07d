"""Sinograms of many channels, as of XRD-CT: the axes of the dataset are named by the user, or by the file itself.

A file names them itself where the attributes `dim0`, `dim1` ... of the dataset are `vertical`, `channel`, `angle` and
`horizontal`, with `rotation_angle` beside it: the NeXus files of the Core Imaging Library.
"""

from collections.abc import Mapping
from typing import Any

import h5py
import numpy as np

from tomodenoise.common.arrays import FloatArray
from tomodenoise.common.errors import UserError
from tomodenoise.scans import hdf5, sources, units
from tomodenoise.scans.description import Channels
from tomodenoise.scans.header import Contents, Stack, frames, used_files

KEYS = ("dataset", "axes", "angles", "angle_unit", "channels")
"""Of a scan's entry in the configuration."""

DIMENSIONS = {"vertical": "z", "channel": "c", "angle": "a", "horizontal": "t"}
FULL_TURN = 2 * np.pi
FEW_DEGREES = 30
"""A scan over less is no tomography; and 30 radians are five turns."""


def asked(entry: Mapping[str, Any]) -> dict[str, Any] | None:
    """Pick what a scan's entry in the configuration says of channels; None where the scan is to have none."""
    found = {key: entry[key] for key in KEYS if key in entry}
    if found and entry["mode"] != "xrdct":
        raise UserError(f"{next(iter(found))}: only a scan of mode: xrdct has this key: leave it out, or set the mode")
    return found if entry["mode"] == "xrdct" else None


def unnamed(entry: Mapping[str, Any]) -> dict[str, Any] | None:
    """Pick what of it shapes pixels: all but the names of channels."""
    found = asked(entry)
    return None if found is None else {key: value for key, value in found.items() if key != "channels"}


def find(file: h5py.File, asked: Mapping[str, Any]) -> Contents:
    """Read the header of a file of sinograms.

    Parameters
    ----------
    asked : what the user says, as far as the file does not: `dataset`, the path of the sinograms; `axes`, a letter for
        each of its axes; `angles`, the path of the angles; `angle_unit`, degrees or radians; and `channels`, which may
        hold `values`, a path, `name` and `unit`.

    Raises
    ------
    UserError
        For what is missing or does not fit.
    """
    data = _stack(file, asked.get("dataset"))
    name = f"{file.filename}: {data.name}"
    if data.dtype.kind not in "iuf":
        raise UserError(f"{name} is of type {data.dtype}, which cannot be read as numbers: store integers or floats")
    axes = asked.get("axes") or _own_axes(data)
    _check_axes(axes, data)
    angle_data = _angles(file, data, asked.get("angles"))
    angles, doubt = _radians(angle_data, asked.get("angle_unit"))
    if len(angles) != (count := data.shape[axes.index("a")]):
        raise UserError(
            f"{file.filename}: {angle_data.name} has {len(angles)} angles, but axis a of {data.name} has {count}"
            f" entries (shape {data.shape}, axes {axes}): correct axes or angles"
        )
    channels, value_data = _channels(file, data, axes, asked.get("channels", {}))
    doubts = [doubt, _beam(data)]
    stack = Stack(data, data.shape, sources.find(data, axes.index("a")))
    return Contents(
        layout="sinograms",
        stacks=(stack,),
        projections=frames(stack, np.arange(count), (count - 1) / 2),
        flats=(),
        darks=(),
        angles=angles,
        rows=data.shape[axes.index("z")] if "z" in axes else 1,
        columns=data.shape[axes.index("t")],
        pixel_size=None,
        stated=("attenuation",),
        used=used_files([angle_data, value_data]),
        channels=channels,
        doubts=tuple(each for each in doubts if each),
    )


def _stack(file: h5py.File, path: str | None) -> h5py.Dataset:
    if path is not None:
        if (found := hdf5.dataset(file, path)) is None:
            raise UserError(f"{file.filename}: there is no dataset {path}: correct dataset; {_candidates(file)}")
        return found
    stacks: list[h5py.Dataset] = []
    file.visititems(lambda _, each: stacks.append(each) if isinstance(each, h5py.Dataset) and _own_axes(each) else None)
    if len(stacks) != 1:
        which = "none of its datasets names" if not stacks else "more than one of its datasets names"
        raise UserError(f"{file.filename}: {which} its axes: set dataset and axes; {_candidates(file)}")
    return stacks[0]


def _candidates(file: h5py.File) -> str:
    """Name what a person may have meant."""
    found: list[str] = []

    def note(_: str, each: h5py.HLObject) -> None:
        if isinstance(each, h5py.Dataset) and each.ndim in {2, 3, 4}:
            found.append(f"{each.name} {each.shape}")

    file.visititems(note)
    return f"there are {', '.join(found[:5])}" if found else "there is none of 2 to 4 axes"


def _own_axes(stack: h5py.Dataset) -> str:
    """Axes as the dataset's attributes have them; empty where they do not."""
    named = [DIMENSIONS.get(hdf5.text(stack, f"dim{axis}"), "?") for axis in range(stack.ndim)]
    return "" if "?" in named or not named else "".join(named)


def _check_axes(axes: str, stack: h5py.Dataset) -> None:
    name = f"{stack.file.filename}: {stack.name}"
    if not axes:
        raise UserError(f"{name} has shape {stack.shape} and does not name its axes: set axes, such as zcat")
    if set(axes) - set("zcat") or len(set(axes)) < len(axes) or not {"a", "t"} <= set(axes):
        raise UserError(
            f"axes: {axes!r} must hold each of a (angle) and t (translation), and may hold z (slice) and c (channel),"
            " once and in the order of the dataset"
        )
    if len(axes) != stack.ndim:
        raise UserError(f"{name} has {stack.ndim} axes, of shape {stack.shape}, but axes: {axes} names {len(axes)}")
    if not stack.size:
        raise UserError(f"{name} has shape {stack.shape}: it is empty")


def _angles(file: h5py.File, stack: h5py.Dataset, path: str | None) -> h5py.Dataset:
    found = hdf5.dataset(file, path) if path else hdf5.dataset(stack.parent, "rotation_angle")
    if found is None:
        looked = f"there is no dataset {path}" if path else f"no rotation_angle beside {stack.name}"
        raise UserError(f"{file.filename}: {looked}: set angles to the path of the angles")
    return found


def _radians(angles: h5py.Dataset, unit: str | None) -> tuple[FloatArray, str]:
    """Angles, and what had to be guessed: where nothing tells the unit, one turn of radians is 6.3."""
    name = f"{angles.file.filename}: {angles.name}"
    if unit or units.unit_of(angles):
        values, doubt = units.radians(angles, unit), ""
    else:
        span = float(np.ptp(units.radians(angles, "radians"))) if angles.size else 0.0
        if FULL_TURN * 1.02 < span < FEW_DEGREES:
            raise UserError(f"{name} spans {span:.3g} and does not tell its unit: set angle_unit, degrees or radians")
        guess = "radians" if span <= FULL_TURN * 1.02 else "degrees"
        values = units.radians(angles, guess)
        doubt = (
            f"the angles {angles.name} have no unit and span {span:.4g}: taken for {guess}; set angle_unit to be sure"
        )
    turned = float(np.degrees(np.ptp(values))) if values.size else 0.0
    if 0 < turned < 6.4:
        raise UserError(f"{name} spans only {turned:.3g} degrees: if these are radians, set angle_unit: radians")
    if turned > 360 * len(values):
        raise UserError(f"{name} spans {turned / 360:.0f} turns: if these are degrees, set angle_unit: degrees")
    return values, doubt


def _channels(
    file: h5py.File, stack: h5py.Dataset, axes: str, asked: Mapping[str, Any]
) -> tuple[Channels, h5py.Dataset | None]:
    """Name the channels, and give the dataset of their values."""
    count = stack.shape[axes.index("c")] if "c" in axes else 1
    found, values = None, np.arange(count, dtype=np.float64)
    if path := asked.get("values"):
        found = hdf5.dataset(file, path)
        if found is None or found.dtype.kind not in "iuf" or found.shape != (count,):
            held = "is missing" if found is None else f"has shape {found.shape} and type {found.dtype}"
            raise UserError(f"{file.filename}: {path} {held}: channels.values must name {count} numbers")
        values = sources.values(found).astype(np.float64)
        if not np.isfinite(values).all():
            raise UserError(f"{file.filename}: {path} holds values that are no finite numbers: repair it in the file")
    unit = asked.get("unit") or ("" if found is None else hdf5.text(found, "units", "unit"))
    name = asked.get("name") or ("channel" if found is None else found.name.rsplit("/", 1)[-1])
    return Channels(name, unit, values, axes), found


def _beam(stack: h5py.Dataset) -> str:
    if hdf5.text(stack, "geom_type") != "cone":
        return ""
    return f"{stack.name} was measured with a cone beam: it is reconstructed as a parallel one and blurs outwards"
