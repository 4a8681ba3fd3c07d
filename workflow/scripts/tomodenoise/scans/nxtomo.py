"""NXtomo and its relatives: one stack of all frames, told apart by an image key.

The application definition comes first; other NeXus files (Diamond's scan files, for one) are searched for a group
with such a key and for the angles that belong to its frames.
"""

from collections.abc import Iterator
from typing import NamedTuple

import h5py
import numpy as np

from tomodenoise.arrays import IntArray
from tomodenoise.errors import UserError
from tomodenoise.scans import hdf5
from tomodenoise.scans.contents import Contents, check_stack, frames, groups, select_angles, used_files

LOOKED_FOR = "an NXtomo entry, or a group with data and image_key"
PROJECTION, FLAT, DARK = 0, 1, 2  # any other key, as 3, marks a frame that must not be used
DEPTH = 6
ANGLE_NAMES = ("rotation_angle", "theta", "rot", "angle")


class _Candidate(NamedTuple):
    group: h5py.Group
    stack: h5py.Dataset
    keys: h5py.Dataset | None


def find(file: h5py.File) -> Contents | None:
    """Read the header of an NXtomo file; None if no group in it looks like frames with their keys.

    Raises
    ------
    UserError
        If the only such groups have a broken link in place of their frames, or if their parts do not fit.
    """
    candidate = _choose(sorted(_groups(file, DEPTH), key=_rank))
    if candidate is None:
        return None
    group, stack, key_data = candidate
    angle_data = _angles(candidate)
    check_stack(stack)
    keys = _keys(candidate)
    members = [np.flatnonzero(keys == key) for key in (PROJECTION, FLAT, DARK)]
    angles = select_angles(angle_data, keys, stack, len(members[0]))
    return Contents(
        layout="nxtomo",
        stack=stack,
        projections=frames(stack, members[0], (len(angles) - 1) / 2),
        flats=groups(stack, members[1], members[0]),
        darks=groups(stack, members[2], members[0]),
        angles=angles,
        pixel_size=hdf5.first_length(group.file, _beside(group, "sample/x_pixel_size", "x_pixel_size")),
        stated=(hdf5.text(group, "kind"), hdf5.text(stack, "units")),
        used=used_files([stack, angle_data, *([] if key_data is None else [key_data])]),
    )


def _groups(group: h5py.Group, depth: int) -> Iterator[h5py.Group]:
    """All groups with frames and either keys or angles; links into other files are followed at the root only."""
    if "data" in group and ("image_key" in group or "rotation_angle" in group):
        yield group
    for name in group:
        is_own = isinstance(group.get(name, getlink=True), h5py.HardLink)
        if depth and (is_own or depth == DEPTH) and isinstance(child := group.get(name), h5py.Group):
            yield from _groups(child, depth - 1)


def _rank(group: h5py.Group) -> tuple[bool, bool, str]:
    """Order of preference: the place of the application definition, then any group with keys, then any other."""
    return not group.name.endswith("/instrument/detector"), "image_key" not in group, group.name


def _choose(found: list[h5py.Group]) -> _Candidate | None:
    """Take the first group whose frames can be opened; if there is none, say why the first one's cannot."""
    for group in found:
        if isinstance(stack := group.get("data"), h5py.Dataset) and stack.ndim >= 2:
            return _Candidate(group, stack, hdf5.dataset(group, "image_key"))
    for group in found:
        hdf5.dataset(group, "data")
    return None


def _keys(candidate: _Candidate) -> IntArray:
    """Image key of each frame; without keys all frames are projections."""
    group, stack, keys = candidate
    if keys is None:
        return np.zeros(stack.shape[0], dtype=np.int64)
    if keys.shape != stack.shape[:1] or keys.dtype.kind not in "iuf":
        raise UserError(
            f"{group.file.filename}: {keys.name} has {keys.size} keys of type {keys.dtype}, but {stack.name} has"
            f" {stack.shape[0]} frames: give one whole number for each"
        )
    return np.asarray(np.rint(keys[()]), dtype=np.int64)


def _angles(candidate: _Candidate) -> h5py.Dataset:
    """Find the angles: beside the frames, in the sample, or on the axis of a plot (NXdata) of these frames."""
    group, stack, _ = candidate
    file = group.file
    paths = _beside(group, "sample/rotation_angle", "rotation_angle")
    for path in [*paths, *_plotted(file[group.name.split("/")[1]], stack)]:
        if (angles := hdf5.dataset(file, path)) is not None:
            return angles
    raise UserError(
        f"{file.filename}: no angles for {stack.name}: looked for sample/rotation_angle, and for an NXdata group of"
        f" these frames with an axis called {', '.join(ANGLE_NAMES)}"
    )


def _beside(group: h5py.Group, outer: str, inner: str) -> list[str]:
    """Paths at which something that belongs to ``group`` may lie: in itself, or in any group around it."""
    parts = group.name.strip("/").split("/")
    around = ["/" + "/".join(parts[:depth]) for depth in range(len(parts) - 1, 0, -1)]
    return [f"{each}/{outer}" for each in around] + [f"{group.name}/{inner}"]


def _plotted(entry: h5py.Group, stack: h5py.Dataset) -> list[str]:
    """Paths of the angles in those NXdata groups of an entry that plot ``stack``.

    Measured positions come before demanded ones: control systems call the latter by the same name with ``_set``.
    """
    paths = []
    for plot in (each for each in entry.values() if isinstance(each, h5py.Group)):
        shown = plot.get(hdf5.text(plot, "signal") or "data")
        if isinstance(shown, h5py.Dataset) and shown == stack:
            names = [name for name in plot if any(word in name.lower() for word in ANGLE_NAMES)]
            opened = [name for name in names if isinstance(plot.get(name), h5py.Dataset)]
            paths += [f"{plot.name}/{name}" for name in sorted(opened or names, key=lambda name: name.endswith("_set"))]
    return paths
