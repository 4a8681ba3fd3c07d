"""Files of simulated scans: Data Exchange or NXtomo, written frame by frame, and the true volume."""

from collections.abc import Iterable
from pathlib import Path
from typing import Literal, TypeAlias

import h5py
import numpy as np

from tomodenoise.common.arrays import FloatArray, IntArray
from tomodenoise.common.files import replacing
from tomodenoise.simulation.acquisition import DARK, FLAT, PROJECTION, Frame, Scan, image_keys, rotation_angles
from tomodenoise.simulation.phantom import Foam, truth
from tomodenoise.simulation.xrdct import Patterns

TRUTH_ROWS = 32

Layout: TypeAlias = Literal["exchange", "nxtomo"]


def write_scan(path: Path, layout: Layout, scan: Scan, frames: Iterable[Frame]) -> None:
    """Write the frames as they come from `acquisition.acquire`; the file gets its name once it is complete."""
    with replacing(path) as partial, h5py.File(partial, "w") as file:
        if layout == "nxtomo":
            _write_nxtomo(file, scan, frames)
        else:
            shape = scan.rows, scan.columns
            write_exchange(file, image_keys(scan), frames, shape, rotation_angles(scan), scan.pixel_size)


def write_truth(path: Path, foam: Foam, size: int, rows: int) -> None:
    """Write the true volume, (rows, size, size) float32 in attenuation per pixel, as .npy in blocks of rows."""
    blocks = (range(start, min(start + TRUTH_ROWS, rows)) for start in range(0, rows, TRUTH_ROWS))
    write_volume(path, (rows, size, size), (truth(foam, size, block) for block in blocks))


def write_volume(path: Path, shape: tuple[int, ...], blocks: Iterable[FloatArray]) -> None:
    """Write blocks along the first axis as one float32 array in .npy; the file gets its name once it is complete."""
    with replacing(path) as partial:
        volume = np.lib.format.open_memmap(partial, "w+", np.float32, shape)
        start = 0
        for block in blocks:
            volume[start : start + len(block)] = block
            start += len(block)
        volume.flush()


def write_exchange(
    file: h5py.File,
    keys: IntArray,
    frames: Iterable[Frame],
    shape: tuple[int, int],
    angles: FloatArray,
    pixel_size: float,
) -> None:
    """Write frames (rows, columns) in the Data Exchange layout [De Carlo et al. 2014]; angles in degrees.

    All flats share one array.
    """
    file["implements"] = "exchange:measurement"
    names = {PROJECTION: "exchange/data", FLAT: "exchange/data_white", DARK: "exchange/data_dark"}
    stacks = {key: _frames(file, name, shape, int((keys == key).sum())) for key, name in names.items()}
    stacks[PROJECTION].attrs["axes"] = "theta:y:x"
    write_quantity(file, "exchange/theta", angles, "degrees")
    write_quantity(file, "measurement/instrument/detector/x_pixel_size", pixel_size, "um")
    write_quantity(file, "measurement/instrument/detector/y_pixel_size", pixel_size, "um")
    position = dict.fromkeys(names, 0)
    for key, frame in zip(keys, frames, strict=True):
        stacks[key][position[key]] = frame
        position[key] += 1


def _write_nxtomo(file: h5py.File, scan: Scan, frames: Iterable[Frame]) -> None:
    """Write the NXtomo application definition: all frames in one stack in order of time, distinguished by a key."""
    keys = image_keys(scan)
    file.attrs["default"] = "entry"
    entry = _group(file, "entry", "NXentry")
    entry["definition"] = "NXtomo"
    detector = _group(_group(entry, "instrument", "NXinstrument"), "detector", "NXdetector")
    stack = _frames(detector, "data", (scan.rows, scan.columns), len(keys))
    detector["image_key"] = keys
    write_quantity(detector, "x_pixel_size", scan.pixel_size, "um")
    write_quantity(detector, "y_pixel_size", scan.pixel_size, "um")
    sample = _group(entry, "sample", "NXsample")
    sample["name"] = "foam"
    rotation = np.zeros(len(keys))
    rotation[keys == PROJECTION] = rotation_angles(scan)
    write_quantity(sample, "rotation_angle", rotation, "degrees")
    data = _group(entry, "data", "NXdata")
    data.attrs["signal"] = "data"
    data["data"] = stack
    data["image_key"] = detector["image_key"]
    data["rotation_angle"] = sample["rotation_angle"]
    for number, frame in enumerate(frames):
        stack[number] = frame


def _frames(parent: h5py.Group, name: str, shape: tuple[int, int], count: int) -> h5py.Dataset:
    """Create a stack of frames, stored frame by frame."""
    return parent.create_dataset(name, (count, *shape), np.uint16, chunks=(1, *shape))


def write_quantity(parent: h5py.Group, name: str, value: object, units: str) -> None:
    """Write a number or an array with its units."""
    parent.create_dataset(name, data=value).attrs["units"] = units


def _group(parent: h5py.Group, name: str, nexus_class: str) -> h5py.Group:
    """Create a group with its NeXus class."""
    group = parent.create_group(name)
    group.attrs["NX_class"] = nexus_class
    return group


def write_sinograms(
    path: Path,
    shape: tuple[int, int],
    patterns: Patterns,
    angles: FloatArray,
    frames: Iterable[FloatArray],
    *,
    empty: bool,
) -> None:
    """Write sinograms (slice, channel, angle, translation), with names for their axes and channels.

    Parameters
    ----------
    shape : slices and columns.
    angles : (angle,) radians.
    frames : as they come from `xrdct.acquire`.
    empty : whether there is one more channel, of pure noise; its value follows those of the others.
    """
    values = np.append(patterns.values, patterns.values[-1] + 1) if empty else patterns.values
    with replacing(path) as partial, h5py.File(partial, "w") as file:
        data = _group(_group(file, "entry", "NXentry"), "data", "NXdata")
        whole = (shape[0], len(values), len(angles), shape[1])
        stack = data.create_dataset("sinograms", whole, np.float32, chunks=(1, *whole[1:]))
        for axis, name in enumerate(("vertical", "channel", "angle", "horizontal")):
            stack.attrs[f"dim{axis}"] = name
        write_quantity(data, "rotation_angle", np.degrees(angles), "degrees")
        write_quantity(data, patterns.name, values, patterns.unit)
        for number, frame in enumerate(frames):
            stack[:, :, number] = frame.swapaxes(0, 1)
