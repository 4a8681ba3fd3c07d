"""NXtomo and its relatives: one stack of all frames, told apart by an image key.

The application definition comes first; other NeXus files (Diamond's scan files, for one) are searched for a group
with such a key and for the angles that belong to its frames.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import h5py
import numpy as np

from tomodenoise.common.arrays import FloatArray, IntArray
from tomodenoise.common.errors import UserError
from tomodenoise.scans import hdf5, pixel_size
from tomodenoise.scans.header import (
    Contents,
    Reader,
    Stack,
    frames,
    groups,
    image_keys,
    open_stack,
    select_angles,
    used_files,
)

PROJECTION, FLAT, DARK = 0, 1, 2  # any other key, as 3, marks a frame that must not be used
DEPTH = 6
ANGLE_NAMES = ("rotation_angle", "theta", "rot", "angle")
SAME_ANGLE = 1e-6
"""Radians."""


class _Candidate(NamedTuple):
    group: h5py.Group
    stack: h5py.Dataset


class _Members(NamedTuple):
    """Positions of the frames of each kind."""

    projections: IntArray
    flats: IntArray
    darks: IntArray
    keyed: IntArray
    """Those that the key calls projections, whatever else is said of them."""


def recognise(file: h5py.File, entry: str | None) -> list[str]:
    """Find the entries of this layout, those first that keep to the application definition."""
    found = {name: _candidates(file, name) for name in (["", *file] if entry is None else [entry])}
    ranked = sorted((name for name in found if found[name]), key=lambda name: (_rank(found[name][0]), name))
    first = {name: found[name][0].stack for name in ranked}
    # A link to an entry is no other entry.
    return [name for number, name in enumerate(ranked) if first[name] not in [first[n] for n in ranked[:number]]]


def check_links(file: h5py.File) -> None:
    """Refuse a file whose only groups of this layout have a broken link in place of their frames."""
    for group in _groups(file, DEPTH):
        hdf5.dataset(group, "data")


def read(file: h5py.File, entry: str) -> Contents:
    """Read the header of an entry.

    Raises
    ------
    UserError
        If its parts do not fit.
    """
    candidates = _candidates(file, entry)
    chosen = candidates[0]
    stack = open_stack(chosen.stack)
    members, key_data, key_doubts = _members(chosen.group, stack)
    angles, angle_data, angle_doubts = _angles(chosen.group, stack, members)
    size, size_doubts = _pixel_size(chosen.group)
    return Contents(
        layout="nxtomo",
        stacks=(stack,),
        projections=frames(stack, members.projections, (len(angles) - 1) / 2),
        flats=groups(stack, members.flats, members.projections),
        darks=groups(stack, members.darks, members.projections),
        angles=angles,
        rows=stack.shape[1],
        columns=stack.shape[2],
        pixel_size=size,
        stated=(hdf5.text(chosen.group, "kind"), hdf5.text(chosen.stack, "units")),
        used=used_files([angle_data, *key_data]),
        doubts=(*_others(candidates), *key_doubts, *angle_doubts, *size_doubts),
    )


def _candidates(file: h5py.File, entry: str) -> list[_Candidate]:
    """Stacks of an entry that can be opened, each once, in order of preference; of the root only its own."""
    top = hdf5.child(file, entry) if entry else file
    if not isinstance(top, h5py.Group):
        return []
    found: list[_Candidate] = []
    for group in _groups(top, DEPTH - 1 if entry else 0):
        stack = hdf5.child(group, "data")
        if isinstance(stack, h5py.Dataset) and stack.ndim >= 2:
            found.append(_Candidate(group, stack))
    found.sort(key=lambda candidate: (_rank(candidate), candidate.group.name))
    return [each for number, each in enumerate(found) if each.stack not in [other.stack for other in found[:number]]]


def _groups(group: h5py.Group, depth: int) -> Iterator[h5py.Group]:
    """All groups with frames and either keys or angles; links into other files are followed at the root only."""
    if "data" in group and ("image_key" in group or "rotation_angle" in group):
        yield group
    for name in group if depth else ():
        is_own = isinstance(group.get(name, getlink=True), h5py.HardLink)
        if (is_own or group.name == "/") and isinstance(inner := hdf5.child(group, name), h5py.Group):
            yield from _groups(inner, depth - 1)


def _rank(candidate: _Candidate) -> tuple[bool, bool, bool]:
    """Order of preference: frames of numbers, the place of the application definition, then groups with keys."""
    group, stack = candidate
    frames_of_numbers = len(hdf5.frame_axes(stack.shape)) == 3 and hdf5.has_numbers(stack)
    return not frames_of_numbers, not group.name.endswith("/instrument/detector"), "image_key" not in group


def _others(candidates: Sequence[_Candidate]) -> Iterator[str]:
    """Report the stacks of an entry that are not taken."""
    chosen, *others = candidates
    alike = [each for each in others if not _rank(each)[0]]
    if alike:
        found = ", ".join(f"{each.group.name}/data {each.stack.shape}" for each in alike)
        yield (
            f"the frames of {chosen.group.name} are used, but there are also {found}: to use these, set entry to their"
            f" group, as {alike[0].group.name.strip('/')}"
        )


def _members(group: h5py.Group, stack: Stack) -> tuple[_Members, list[h5py.Dataset], list[str]]:
    """Tell the frames apart by their keys, and say from which datasets; without keys all frames are projections."""
    count = stack.shape[0]
    data = hdf5.dataset(group, "image_key")
    if data is None:
        every, none = np.arange(count), np.arange(0)
        return _Members(projections=every, flats=none, darks=none, keyed=every), [], []
    keys = image_keys(data, count)
    members = _by_key(keys, np.zeros(count, dtype=np.int64))
    control_data = hdf5.dataset(group, "image_key_control")
    if control_data is None:
        return members, [data], []
    try:
        valid = _by_key(keys, image_keys(control_data, count))
    except UserError as error:
        return members, [data], [f"image_key_control is ignored: {error}"]
    pairs = {
        kind: (len(getattr(members, kind)), len(getattr(valid, kind))) for kind in ("projections", "flats", "darks")
    }
    lost = [f"{before - after} {kind}" for kind, (before, after) in pairs.items() if after < before]
    doubt = f"{' and '.join(lost)} are left out, as {control_data.name} says that they are alignment or invalid frames"
    return valid, [data, control_data], [doubt] if lost else []


def _by_key(keys: IntArray, control: IntArray) -> _Members:
    """Sort frames by their keys. The control says which projections are none, and which flats and darks are invalid."""
    valid = (control >= PROJECTION) & (control <= DARK)
    return _Members(
        projections=np.flatnonzero((keys == PROJECTION) & (control == PROJECTION)),
        flats=np.flatnonzero((keys == FLAT) & valid),
        darks=np.flatnonzero((keys == DARK) & valid),
        keyed=np.flatnonzero(keys == PROJECTION),
    )


def _angles(group: h5py.Group, stack: Stack, members: _Members) -> tuple[FloatArray, h5py.Dataset, tuple[str, ...]]:
    """Find the angles: beside the frames, in the sample, or on the axis of a plot (NXdata) of these frames."""
    file, every = group.file, np.arange(stack.shape[0])
    paths = [*_beside(group, "sample/rotation_angle", "rotation_angle"), *_plotted(group, stack.data)]
    paths += [f"{group.name.rstrip('/')}/{name}" for name in ANGLE_NAMES]
    found: list[h5py.Dataset] = []
    for path in paths:
        # A broken link matters only where nothing better was found.
        angles = hdf5.child(file, path) if found else hdf5.dataset(file, path)
        if isinstance(angles, h5py.Dataset) and angles not in found:
            found.append(angles)
    if not found:
        raise UserError(
            f"{file.filename}: no angles for {stack.data.name}: looked for sample/rotation_angle, and for an NXdata"
            f" group of these frames with an axis called {', '.join(ANGLE_NAMES)}"
        )
    candidates = [every, members.keyed]
    lengths = {len(each) for each in [members.projections, *candidates]}
    fitting = [each for each in found if each.size in lengths] or found[:1]
    values, doubts = select_angles(fitting[0], stack, members.projections, candidates)
    for other in fitting[1:]:
        try:
            apart = float(np.abs(select_angles(other, stack, members.projections, candidates)[0] - values).max())
        except UserError:
            continue
        if apart > SAME_ANGLE:
            differ = f"those of {other.name} differ by up to {np.degrees(apart):.3g} degrees"
            doubts = (*doubts, f"the angles are those of {fitting[0].name}, and {differ}")
    return values, fitting[0], doubts


def _beside(group: h5py.Group, outer: str, inner: str) -> list[str]:
    """Paths at which something that belongs to ``group`` may lie: in itself, or in any group around it."""
    return [f"{each}/{outer}" for each in _around(group)] + [f"{group.name.rstrip('/')}/{inner}"]


def _around(group: h5py.Group) -> list[str]:
    """Paths of the groups around a group, the nearest first, the root's being empty."""
    parts = group.name.strip("/").split("/")
    return ["/" + "/".join(parts[:depth]) if depth else "" for depth in range(len(parts) - 1, -1, -1)]


def _plotted(group: h5py.Group, stack: h5py.Dataset) -> list[str]:
    """Paths of the angles in those NXdata groups of the entry of a group that plot ``stack``.

    Measured positions come before demanded ones: control systems call the latter by the same name with ``_set``.
    """
    paths = []
    entry = group.file["/" + group.name.split("/")[1]]
    for plot in (inner for name in entry if isinstance(inner := hdf5.child(entry, name), h5py.Group)):
        shown = hdf5.child(plot, hdf5.text(plot, "signal") or "data")
        if isinstance(shown, h5py.Dataset) and shown == stack:
            names = [name for name in plot if any(word in name.lower() for word in ANGLE_NAMES)]
            opened = [name for name in names if isinstance(hdf5.child(plot, name), h5py.Dataset)]
            paths += [f"{plot.name}/{name}" for name in sorted(opened or names, key=lambda name: name.endswith("_set"))]
    return paths


def _pixel_size(group: h5py.Group) -> tuple[float | None, tuple[str, ...]]:
    around = _around(group)
    paths = [*(f"{path}/sample" for path in around), group.name, *(f"{path}/instrument/detector" for path in around)]
    found = [hdf5.child(group.file, path) for path in dict.fromkeys(paths)]
    instruments = [hdf5.child(group.file, f"{path}/instrument") for path in around]
    nearest = next((each for each in instruments if isinstance(each, h5py.Group)), group)
    return pixel_size.choose([each for each in found if isinstance(each, h5py.Group)], [nearest])


READER = Reader("an NXtomo entry, or a group with data and image_key", recognise, read)
