"""Pixel size at the sample, chosen among the sizes that a file holds."""

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import h5py
import numpy as np

from tomodenoise.common.errors import UserError
from tomodenoise.scans import hdf5, sources, units
from tomodenoise.scans.description import PIXEL_SIZE

NAME = re.compile(r"pixel_?size", re.IGNORECASE)
AT_SAMPLE = re.compile(r"magnified|sample|effective|actual|voxel|resolution", re.IGNORECASE)
# Micrometres: pixels of cameras behind a lens. Those of hybrid detectors are larger, and they have no lens.
CAMERA = (3.0, 30.0)
PLAUSIBLE = (1e-4, 1e4)  # micrometres: from electron microscopes to flat panels
# Largest relative differences between the two edges of a square pixel, and between two sizes that agree
EQUAL, ALIKE = 1e-3, 0.01
ROUNDED = 0.1  # relative error of the nominal magnification of a lens
DEPTH = 3  # levels of groups within an instrument that are searched for a magnification


class _Size(NamedTuple):
    path: str
    group: str
    axis: str  # `x`, `y`, or empty for both
    micrometres: float
    at_sample: bool  # True if the name implies that the magnification is already included


class _Number(NamedTuple):
    path: str
    value: float


def choose(groups: Sequence[h5py.Group], instruments: Sequence[h5py.Group]) -> tuple[float | None, tuple[str, ...]]:
    """Choose the pixel size of a file.

    Parameters
    ----------
    groups : groups that may hold sizes, in order of preference.
    instruments : groups that may hold a magnification, directly or in a subgroup.

    Returns
    -------
    The size in micrometres, None if the file has none; and doubts about it. A size at the sample is preferred; that of
    a camera is divided by the magnification.
    """
    doubts: list[str] = []
    sizes = [size for group in groups for size in _sizes(group, doubts)]
    across = [size for size in sizes if size.axis != "y"] or sizes
    chosen = next((size for size in across if size.at_sample), across[0] if across else None)
    length = None
    if chosen is not None:
        lenses = _magnifications(instruments)
        length = chosen.micrometres
        if not chosen.at_sample:
            length, doubt = _behind_lens(chosen, lenses)
            doubts += doubt
        doubts += [*_edges(chosen, sizes), *_others(chosen, across, lenses)]
        if not PLAUSIBLE[0] <= length <= PLAUSIBLE[1]:
            doubts.append(f"{length:g} um of {chosen.path} is implausible for a detector: set pixel_size")
    return length, tuple(PIXEL_SIZE + doubt for doubt in doubts)


def _sizes(group: h5py.Group, doubts: list[str]) -> Iterator[_Size]:
    """Find the sizes in a group, those at the sample first; a value that is not a length becomes a doubt."""
    optics = group.name.endswith("objective")
    names = [name for name in group if NAME.search(name) or (optics and name.lower() == "resolution")]
    for name in sorted(names, key=lambda name: not AT_SAMPLE.search(name)):
        data = hdf5.child(group, name)
        axis = _axis(name)
        if not isinstance(data, h5py.Dataset) or axis == "z":
            continue
        try:
            lengths = units.micrometres(data)
        except UserError as error:
            doubts.append(f"{error}: it is not used: set pixel_size")
            continue
        if lengths is None or not _usable(lengths):
            value = f"{hdf5.as_text(sources.values(data))} {units.unit_of(data)}".rstrip() if data.size == 1 else ""
            problem = f"holds {value}, not a positive number with a unit of length" if value else "is not one length"
            doubts.append(f"{data.name} {problem}: it is not used: set pixel_size")
            continue
        at_sample = bool(AT_SAMPLE.search(name) or group.name.endswith("/sample"))
        pair = len(lengths) == 2 and not axis
        for edge, length in zip(("x", "y") if pair else (axis,), lengths[: 2 if pair else 1], strict=True):
            yield _Size(data.name, group.name, edge, float(length), at_sample)


def _usable(lengths: np.ndarray) -> bool:
    """Return whether lengths are positive, and either all the same or a pair."""
    if not len(lengths) or not np.isfinite(lengths).all() or lengths.min() <= 0:
        return False
    return len(lengths) == 2 or bool(np.ptp(lengths) <= EQUAL * lengths[0])


def _axis(name: str) -> str:
    words = re.split(r"[_\s]+", re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower())
    return next((axis for axis in "xyz" if axis in words), "")


def _magnifications(instruments: Sequence[h5py.Group]) -> list[_Number]:
    """Find the magnifications of lenses, written as "10", 10.0 or "10x", without duplicates."""
    magnifications: dict[float, _Number] = {}

    def search(group: h5py.Group, depth: int) -> None:
        for name in group:
            if not isinstance(group.get(name, getlink=True), h5py.HardLink):
                continue
            child = group.get(name)
            if isinstance(child, h5py.Group) and depth > 1:
                search(child, depth - 1)
            elif isinstance(child, h5py.Dataset) and name.lower().endswith("magnification") and child.size == 1:
                number = re.search(r"\d+(\.\d*)?", hdf5.as_text(sources.values(child)))
                if number and float(number[0]) > 0:
                    magnifications.setdefault(float(number[0]), _Number(child.name, float(number[0])))

    for instrument in instruments:
        search(instrument, DEPTH)
    return list(magnifications.values())


def _behind_lens(size: _Size, lenses: Sequence[_Number]) -> tuple[float, list[str]]:
    """Return the size at the sample for one that may be that of the camera, and doubts about it."""
    length = size.micrometres
    stated = f"{length:g} um of {size.path}"
    if len(lenses) > 1:
        several = ", ".join(f"{lens.value:g} of {lens.path}" for lens in lenses)
        return length, [f"{stated} is used unchanged, as there are several magnifications ({several}): set pixel_size"]
    if not lenses:
        camera = CAMERA[0] <= length <= CAMERA[1]
        doubt = f"{stated} may be that of the camera, as the file holds no magnification: set pixel_size to be sure"
        return length, [doubt] if camera else []
    lens = lenses[0]
    if lens.value == 1:
        return length, []
    if length < CAMERA[0] and length * lens.value <= CAMERA[1]:
        doubt = f"{stated} is too small for a camera and used unchanged, despite the magnification {lens.value:g} of"
        return length, [f"{doubt} {lens.path}: set pixel_size if that is wrong"]
    doubt = f"{length / lens.value:g} um is {stated} divided by the magnification {lens.value:g} of {lens.path}"
    return length / lens.value, [f"{doubt}: set pixel_size if that is wrong"]


def _edges(chosen: _Size, sizes: Sequence[_Size]) -> Iterator[str]:
    """Report a chosen size whose edges x and y differ."""
    for size in sizes:
        related = size.group == chosen.group and size.at_sample == chosen.at_sample
        if related and {size.axis, chosen.axis} == {"x", "y"} and _differ(size.micrometres, chosen.micrometres, EQUAL):
            x, y = (chosen, size) if chosen.axis == "x" else (size, chosen)
            yield (
                f"{x.path} is {x.micrometres:g} um, but {y.path} is {y.micrometres:g} um: pixels are assumed to be"
                f" squares with the edge {chosen.axis}"
            )
            return


def _others(chosen: _Size, sizes: Sequence[_Size], lenses: Sequence[_Number]) -> Iterator[str]:
    """Report other sizes that contradict the chosen one."""
    for size in sizes:
        if size is chosen or not _differ(size.micrometres, chosen.micrometres, ALIKE):
            continue
        if chosen.at_sample and not size.at_sample and _is_camera(size, chosen, lenses):
            continue
        yield (
            f"{chosen.micrometres:g} um of {chosen.path} is used, but {size.path} is {size.micrometres:g} um:"
            " set pixel_size to be sure"
        )


def _is_camera(size: _Size, chosen: _Size, lenses: Sequence[_Number]) -> bool:
    """Return whether a size may be that of the camera, given the chosen one at the sample."""
    ratio = size.micrometres / chosen.micrometres
    if lenses:
        return any(not _differ(ratio, lens.value, ROUNDED) for lens in lenses)
    return ratio > 1 and size.micrometres >= CAMERA[0]


def _differ(a: float, b: float, tolerance: float) -> bool:
    return abs(a - b) > tolerance * min(a, b)
