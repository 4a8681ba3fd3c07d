"""Reader of multichannel sinograms, as in XRD-CT, whose axes are named by the user or by the file itself.

Files of NXxrdct do so by their definition, see `nxxrdct`. Any other file does so if the attributes `dim0`, `dim1` ...
of the dataset are `vertical`, `channel`, `angle` or `horizontal`; the angles are then in `rotation_angle` next to it.
The NeXus files of the Core Imaging Library do so.
"""

from collections.abc import Mapping
from typing import Any

import h5py
import numpy as np

from tomodenoise.common.arrays import FloatArray
from tomodenoise.common.errors import UserError
from tomodenoise.scans import hdf5, nxxrdct, sources, units
from tomodenoise.scans.description import Channels
from tomodenoise.scans.header import Contents, Stack, frames, used_files
from tomodenoise.scans.options import AngleRange, RawScan

KEYS = ("dataset", "axes", "angles", "angle_unit", "channels")
"""Keys of a scan in the configuration."""

FOR_IMAGES = ("angles", "angle_unit")
"""Those that TIFF files have as well."""

DIMENSIONS = {"vertical": "z", "channel": "c", "angle": "a", "horizontal": "t"}
FULL_TURN = 2 * np.pi
FEW_DEGREES = 30
"""Span of angles: fewer degrees are not a tomographic scan, and as many radians would be five turns."""


def asked(entry: RawScan) -> dict[str, Any] | None:
    """Return the keys about channels of a scan in the configuration; None unless its mode is xrdct.

    Raises
    ------
    UserError
        If a scan of another mode has such a key.
    """
    values = entry.as_json()
    options = {key: values[key] for key in KEYS if key in values}
    wrong = [key for key in options if key not in FOR_IMAGES]
    if wrong and entry.mode != "xrdct":
        raise UserError(f"{wrong[0]}: this key is for mode: xrdct only: remove it, or set the mode")
    if entry.mode != "xrdct":
        return None
    if isinstance(entry.angles, AngleRange):
        raise UserError("angles: with mode: xrdct give the path of the angles in the file")
    return options


def unnamed(entry: RawScan) -> dict[str, Any] | None:
    """Return the keys of `asked` that affect the data: all but the names and values of the channels."""
    options = asked(entry)
    return None if options is None else {key: value for key, value in options.items() if key != "channels"}


def find(file: h5py.File, asked: Mapping[str, Any]) -> Contents:
    """Read the header of a file of sinograms.

    Parameters
    ----------
    asked : settings of the user, needed as far as the file is not self-describing: `dataset`, the path of the
        sinograms; `axes`, one letter per axis; `angles`, the path of the angles; `angle_unit`, degrees or radians; and
        `channels`, with `values` (a path), `name` and `unit`.

    Raises
    ------
    UserError
        If something is missing or does not match.
    """
    asked, pixel_size = nxxrdct.completed(file, asked)
    data = _stack(file, asked.get("dataset"))
    name = f"{file.filename}: {data.name}"
    if data.dtype.kind not in "iuf":
        raise UserError(f"{name} has type {data.dtype}, which is not numeric: store integers or floats")
    axes = asked.get("axes") or _own_axes(data)
    _check_axes(axes, data)
    angle_data = _angles(file, data, asked.get("angles"))
    angles, angle_doubt = _radians(angle_data, asked.get("angle_unit"))
    if len(angles) != (count := data.shape[axes.index("a")]):
        raise UserError(
            f"{file.filename}: {angle_data.name} has {len(angles)} angles, but axis a of {data.name} has {count}"
            f" entries (shape {data.shape}, axes {axes}): correct axes or angles"
        )
    channels, value_data = _channels(file, data, axes, asked.get("channels", {}))
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
        pixel_size=pixel_size,
        stated=("attenuation",),
        used=used_files([angle_data, value_data]),
        channels=channels,
        doubts=tuple(doubt for doubt in (angle_doubt, _beam(data)) if doubt),
    )


def _stack(file: h5py.File, path: str | None) -> h5py.Dataset:
    if path is not None:
        if (data := hdf5.dataset(file, path)) is None:
            raise UserError(f"{file.filename}: there is no dataset {path}: correct dataset; {hdf5.candidates(file, 4)}")
        return data
    stacks = [data for data in hdf5.datasets(file) if _own_axes(data)]
    if len(stacks) != 1:
        which = "no dataset names its axes" if not stacks else "several datasets name their axes"
        raise UserError(f"{file.filename}: {which}: set dataset and axes; {hdf5.candidates(file, 4)}")
    return stacks[0]


def _own_axes(stack: h5py.Dataset) -> str:
    """Return the axes named by the attributes of the dataset; empty if they do not name all."""
    axes = "".join(DIMENSIONS.get(hdf5.text(stack, f"dim{axis}"), "?") for axis in range(stack.ndim))
    return "" if "?" in axes else axes


def _check_axes(axes: str, stack: h5py.Dataset) -> None:
    name = f"{stack.file.filename}: {stack.name}"
    if not axes:
        raise UserError(f"{name} has shape {stack.shape} and does not name its axes: set axes, such as zcat")
    if set(axes) - set("zcat") or len(set(axes)) < len(axes) or not {"a", "t"} <= set(axes):
        raise UserError(
            f"axes: {axes!r} is not valid: write a (angle), t (translation) and, if present, z (slice) and c (channel),"
            " each once and in the order of the dataset"
        )
    if len(axes) != stack.ndim:
        raise UserError(
            f"{name} has {stack.ndim} axes, with shape {stack.shape}, but axes: {axes} names {len(axes)}: correct axes"
        )
    if not stack.size:
        raise UserError(f"{name} is empty, with shape {stack.shape}: is the file complete?")


def _angles(file: h5py.File, stack: h5py.Dataset, path: str | None) -> h5py.Dataset:
    data = hdf5.dataset(file, path) if path else hdf5.dataset(stack.parent, "rotation_angle")
    if data is None:
        problem = f"there is no dataset {path}" if path else f"there is no rotation_angle next to {stack.name}"
        raise UserError(f"{file.filename}: {problem}: set angles to the path of the angles")
    return data


def _radians(angles: h5py.Dataset, unit: str | None) -> tuple[FloatArray, str]:
    """Return the angles in radians, and a doubt if their unit had to be guessed from their range."""
    name = f"{angles.file.filename}: {angles.name}"
    if unit or units.unit_of(angles):
        values = units.radians(angles, unit)
        doubt = ""
    else:
        span = float(np.ptp(units.radians(angles, "radians"))) if angles.size else 0.0
        if FULL_TURN * 1.02 < span < FEW_DEGREES:
            raise UserError(f"{name} spans {span:.3g} and has no unit: set angle_unit to degrees or radians")
        guess = "radians" if span <= FULL_TURN * 1.02 else "degrees"
        values = units.radians(angles, guess)
        doubt = f"the angles {angles.name} have no unit and span {span:.4g}: {guess} assumed; set angle_unit to be sure"
    turned = float(np.degrees(np.ptp(values))) if values.size else 0.0
    if 0 < turned < 6.4:
        raise UserError(f"{name} spans only {turned:.3g} degrees: if these are radians, set angle_unit: radians")
    if turned > 360 * len(values):
        raise UserError(f"{name} spans {turned / 360:.0f} turns: if these are degrees, set angle_unit: degrees")
    return values, doubt


def _channels(
    file: h5py.File, stack: h5py.Dataset, axes: str, asked: Mapping[str, Any]
) -> tuple[Channels, h5py.Dataset | None]:
    """Return the channels, and the dataset of their values, if any."""
    count = stack.shape[axes.index("c")] if "c" in axes else 1
    data = None
    values = np.arange(count, dtype=np.float64)
    if path := asked.get("values"):
        data = hdf5.dataset(file, path)
        if data is None or data.dtype.kind not in "iuf" or data.shape != (count,):
            problem = "is missing" if data is None else f"has shape {data.shape} and type {data.dtype}"
            raise UserError(f"{file.filename}: {path} {problem}: set channels.values to the path of {count} numbers")
        values = sources.values(data).astype(np.float64)
        if not np.isfinite(values).all():
            raise UserError(f"{file.filename}: {path} holds values that are not finite: repair it in the file")
    unit = asked.get("unit") or ("" if data is None else hdf5.text(data, "units", "unit"))
    name = asked.get("name") or ("channel" if data is None else data.name.rsplit("/", 1)[-1])
    return Channels(name, unit, values, axes), data


def _beam(stack: h5py.Dataset) -> str:
    if hdf5.text(stack, "geom_type") != "cone":
        return ""
    return f"{stack.name} was measured with a cone beam but is reconstructed as a parallel beam: expect blur off center"
