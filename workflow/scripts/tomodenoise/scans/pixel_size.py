"""The edge of a pixel at the sample, chosen among the sizes that a file holds."""

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
CAMERA = (3.0, 30.0)
"""Micrometre: pixels of cameras behind a lens. Those of hybrid detectors are larger and have no lens."""
PLAUSIBLE = (1e-4, 1e4)
"""Micrometre: from electron microscopes to flat panels."""
EQUAL, ALIKE = 1e-3, 0.01
"""Relative differences up to which two edges are equal, and sizes at two places say the same."""
ROUNDED = 0.1
"""Relative error of the magnification that is written on a lens."""
DEPTH = 3
"""Groups within an instrument in which a magnification may lie."""


class _Size(NamedTuple):
    path: str
    group: str
    axis: str
    """`x`, `y`, or empty for both."""
    micrometres: float
    at_sample: bool
    """Whether its name says that a lens is allowed for."""


class _Number(NamedTuple):
    path: str
    value: float


def choose(groups: Sequence[h5py.Group], instruments: Sequence[h5py.Group]) -> tuple[float | None, tuple[str, ...]]:
    """Choose the pixel size of a file.

    Parameters
    ----------
    groups : in which sizes may lie, those to be preferred first.
    instruments : in which, or in groups of which, a magnification may lie.

    Returns
    -------
    Micrometre, None where the file does not tell; and what is doubtful about it. A size at the sample is preferred;
    that of a camera is divided by the magnification.
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
            doubts.append(f"{length:g} um of {chosen.path} is that of no detector: set pixel_size")
    return length, tuple(PIXEL_SIZE + doubt for doubt in doubts)


def _sizes(group: h5py.Group, doubts: list[str]) -> Iterator[_Size]:
    """Find the sizes in a group, those at the sample first; what is no length becomes a doubt."""
    optics = group.name.endswith("objective")
    names = [name for name in group if NAME.search(name) or (optics and name.lower() == "resolution")]
    for name in sorted(names, key=lambda name: not AT_SAMPLE.search(name)):
        found, axis = hdf5.child(group, name), _axis(name)
        if not isinstance(found, h5py.Dataset) or axis == "z":
            continue
        try:
            lengths = units.micrometres(found)
        except UserError as error:
            doubts.append(f"{error}: it is not used: set pixel_size")
            continue
        if lengths is None or not _usable(lengths):
            said = f"{hdf5.as_text(sources.values(found))} {units.unit_of(found)}".rstrip() if found.size == 1 else ""
            why = f"holds {said}, no positive number with a unit of length" if said else "holds no single length"
            doubts.append(f"{found.name} {why}: it is not used: set pixel_size")
            continue
        at_sample = bool(AT_SAMPLE.search(name) or group.name.endswith("/sample"))
        pair = len(lengths) == 2 and not axis
        for edge, length in zip(("x", "y") if pair else (axis,), lengths[: 2 if pair else 1], strict=True):
            yield _Size(found.name, group.name, edge, float(length), at_sample)


def _usable(lengths: np.ndarray) -> bool:
    """Tell whether lengths are positive and one, the same for all pixels, or a pair."""
    if not len(lengths) or not np.isfinite(lengths).all() or lengths.min() <= 0:
        return False
    return len(lengths) == 2 or bool(np.ptp(lengths) <= EQUAL * lengths[0])


def _axis(name: str) -> str:
    words = re.split(r"[_\s]+", re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower())
    return next((axis for axis in "xyz" if axis in words), "")


def _magnifications(instruments: Sequence[h5py.Group]) -> list[_Number]:
    """Find the magnifications of lenses, as "10", 10.0 or "10x", each value once."""
    found: dict[float, _Number] = {}

    def look(group: h5py.Group, depth: int) -> None:
        for name in group:
            if not isinstance(group.get(name, getlink=True), h5py.HardLink):
                continue
            child = group.get(name)
            if isinstance(child, h5py.Group) and depth > 1:
                look(child, depth - 1)
            elif isinstance(child, h5py.Dataset) and name.lower().endswith("magnification") and child.size == 1:
                number = re.search(r"\d+(\.\d*)?", hdf5.as_text(sources.values(child)))
                if number and float(number[0]) > 0:
                    found.setdefault(float(number[0]), _Number(child.name, float(number[0])))

    for instrument in instruments:
        look(instrument, DEPTH)
    return list(found.values())


def _behind_lens(size: _Size, lenses: Sequence[_Number]) -> tuple[float, list[str]]:
    """Size at the sample of one that may be the camera's own, and what is doubtful about it."""
    length, least = size.micrometres, CAMERA[0]
    said = f"{length:g} um of {size.path}"
    if len(lenses) > 1:
        several = ", ".join(f"{lens.value:g} of {lens.path}" for lens in lenses)
        return length, [f"{said} is used as it is, as there are several magnifications ({several}): set pixel_size"]
    if not lenses:
        camera = least <= length <= CAMERA[1]
        doubt = f"{said} may be that of the camera, as the file holds no magnification: set pixel_size to be sure"
        return length, [doubt] if camera else []
    lens = lenses[0]
    if lens.value == 1:
        return length, []
    if length < least and length * lens.value <= CAMERA[1]:
        doubt = f"{said} is too small for a camera's and used as it is, despite the magnification {lens.value:g} of"
        return length, [f"{doubt} {lens.path}: set pixel_size if that is wrong"]
    doubt = f"{length / lens.value:g} um is the {said}, divided by the magnification {lens.value:g} of {lens.path}"
    return length / lens.value, [f"{doubt}: set pixel_size if that is wrong"]


def _edges(chosen: _Size, sizes: Sequence[_Size]) -> Iterator[str]:
    """Compare the edges x and y of the size that is chosen."""
    for size in sizes:
        related = size.group == chosen.group and size.at_sample == chosen.at_sample
        if related and {size.axis, chosen.axis} == {"x", "y"} and _differ(size.micrometres, chosen.micrometres, EQUAL):
            x, y = (chosen, size) if chosen.axis == "x" else (size, chosen)
            yield (
                f"{x.path} is {x.micrometres:g} um, but {y.path} {y.micrometres:g} um: pixels are taken for squares"
                f" with the edge {chosen.axis}"
            )
            return


def _others(chosen: _Size, sizes: Sequence[_Size], lenses: Sequence[_Number]) -> Iterator[str]:
    """Find sizes at other places that contradict the one that is chosen."""
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
    """Tell whether a size can be that of the camera, for one at the sample."""
    ratio = size.micrometres / chosen.micrometres
    if lenses:
        return any(not _differ(ratio, lens.value, ROUNDED) for lens in lenses)
    return ratio > 1 and size.micrometres >= CAMERA[0]


def _differ(one: float, other: float, tolerance: float) -> bool:
    return abs(one - other) > tolerance * min(one, other)
