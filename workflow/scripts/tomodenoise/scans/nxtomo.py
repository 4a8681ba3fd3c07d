"""Reader of NXtomo and related NeXus layouts: a single stack whose image key distinguishes the frames.

Groups that follow the application definition are preferred. Other NeXus files, such as the scan files of Diamond, are
searched for a group with an image key and for the angles of its frames.
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

PROJECTION, FLAT, DARK = 0, 1, 2  # any other key, such as 3, marks a frame that must not be used
DEPTH = 6
ANGLE_NAMES = ("rotation_angle", "theta", "rot", "angle")
SAME_ANGLE = 1e-6  # radians


class _Candidate(NamedTuple):
    group: h5py.Group
    stack: h5py.Dataset


class _Members(NamedTuple):
    """Positions of the frames of each kind."""

    projections: IntArray
    flats: IntArray
    darks: IntArray
    keyed: IntArray  # projections according to the image key alone


def recognise(file: h5py.File, entry: str | None) -> list[str]:
    """Find the entries of this layout, those that follow the application definition first."""
    candidates = {name: _candidates(file, name) for name in (["", *file] if entry is None else [entry])}
    ranked = sorted((name for name in candidates if candidates[name]), key=lambda n: (_rank(candidates[n][0]), n))
    first = {name: candidates[name][0].stack for name in ranked}
    # A link to an entry is not another entry.
    return [name for number, name in enumerate(ranked) if first[name] not in [first[n] for n in ranked[:number]]]


def check_links(file: h5py.File) -> None:
    """Refuse groups of this layout whose frames are a broken link; for files in which no frames were found."""
    for group in _groups(file, DEPTH):
        hdf5.dataset(group, "data")


def read(file: h5py.File, entry: str) -> Contents:
    """Read the header of an entry.

    Raises
    ------
    UserError
        If its parts do not match.
    """
    candidates = _candidates(file, entry)
    chosen = candidates[0]
    stack = open_stack(chosen.stack)
    members, key_data, key_doubts = _members(chosen.group, stack.shape[0])
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


def stacks(file: h5py.File) -> list[tuple[h5py.Group, h5py.Dataset]]:
    """Return the stacks of a file that have image keys, the best of each entry, with the groups of these."""
    best = (_candidates(file, entry)[0] for entry in recognise(file, None))
    return [(group, stack) for group, stack in best if "image_key" in group]


def of_kind(group: h5py.Group, stack: h5py.Dataset, kind: str) -> IntArray:
    """Return the positions of the `flats` or `darks` of a stack by the image keys of its group."""
    members, _, _ = _members(group, stack.shape[hdf5.frame_axes(stack.shape)[0]])
    return np.asarray(getattr(members, kind))


def _candidates(file: h5py.File, entry: str) -> list[_Candidate]:
    """Return the stacks of an entry, the best first, without duplicates; in the root of the file only its own."""
    top = hdf5.child(file, entry) if entry else file
    if not isinstance(top, h5py.Group):
        return []
    ranked: list[_Candidate] = []
    for group in _groups(top, DEPTH - 1 if entry else 0):
        stack = hdf5.child(group, "data")
        if isinstance(stack, h5py.Dataset) and stack.ndim >= 2:
            ranked.append(_Candidate(group, stack))
    ranked.sort(key=lambda candidate: (_rank(candidate), candidate.group.name))
    return [c for number, c in enumerate(ranked) if c.stack not in [other.stack for other in ranked[:number]]]


def _groups(group: h5py.Group, depth: int) -> Iterator[h5py.Group]:
    """Yield all groups with frames and either image keys or angles; links are followed at the root only."""
    if "data" in group and ("image_key" in group or "rotation_angle" in group):
        yield group
    for name in group if depth else ():
        is_own = isinstance(group.get(name, getlink=True), h5py.HardLink)
        if (is_own or group.name == "/") and isinstance(inner := hdf5.child(group, name), h5py.Group):
            yield from _groups(inner, depth - 1)


def _rank(candidate: _Candidate) -> tuple[bool, bool, bool]:
    """Return a sort key: numeric frames first, then the path of the application definition, then groups with keys."""
    group, stack = candidate
    frames_of_numbers = len(hdf5.frame_axes(stack.shape)) == 3 and hdf5.has_numbers(stack)
    return not frames_of_numbers, not group.name.endswith("/instrument/detector"), "image_key" not in group


def _others(candidates: Sequence[_Candidate]) -> Iterator[str]:
    """Report the stacks of an entry that are not used."""
    chosen, *others = candidates
    usable = [candidate for candidate in others if not _rank(candidate)[0]]
    if usable:
        names = ", ".join(f"{candidate.group.name}/data {candidate.stack.shape}" for candidate in usable)
        yield (
            f"the frames of {chosen.group.name} are used, but there are also {names}: to use these, set entry to their"
            f" group, such as {usable[0].group.name.strip('/')}"
        )


def _members(group: h5py.Group, count: int) -> tuple[_Members, list[h5py.Dataset], list[str]]:
    """Sort the frames by their image keys; return them, the datasets of the keys used, and doubts about them."""
    data = hdf5.dataset(group, "image_key")
    if data is None:  # all frames are projections
        every = np.arange(count)
        none = np.arange(0)
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
    counts = {
        kind: len(getattr(members, kind)) - len(getattr(valid, kind)) for kind in ("projections", "flats", "darks")
    }
    lost = [f"{count} {kind}" for kind, count in counts.items() if count]
    doubt = f"{' and '.join(lost)} are left out: {control_data.name} marks them as alignment frames or invalid"
    return valid, [data, control_data], [doubt] if lost else []


def _by_key(keys: IntArray, control: IntArray) -> _Members:
    """Sort frames by their image keys; the control keys mark alignment projections and invalid flats and darks."""
    valid = (control >= PROJECTION) & (control <= DARK)
    return _Members(
        projections=np.flatnonzero((keys == PROJECTION) & (control == PROJECTION)),
        flats=np.flatnonzero((keys == FLAT) & valid),
        darks=np.flatnonzero((keys == DARK) & valid),
        keyed=np.flatnonzero(keys == PROJECTION),
    )


def _angles(group: h5py.Group, stack: Stack, members: _Members) -> tuple[FloatArray, h5py.Dataset, tuple[str, ...]]:
    """Find the angles: next to the frames, in the sample, or on the axis of an NXdata group of these frames."""
    file = group.file
    own = [f"{group.name.rstrip('/')}/{name}" for name in ANGLE_NAMES]
    paths = [*(f"{path}/sample/rotation_angle" for path in _around(group)), own[0], *_plotted(group, stack.data), *own]
    datasets: list[h5py.Dataset] = []
    for path in paths:
        # A broken link is an error only if no angles were found before it.
        angles = hdf5.child(file, path) if datasets else hdf5.dataset(file, path)
        if isinstance(angles, h5py.Dataset) and angles not in datasets:
            datasets.append(angles)
    if not datasets:
        raise UserError(
            f"{file.filename}: no angles for {stack.data.name}: write them to sample/rotation_angle, or to an NXdata"
            f" group with these frames, under one of the names {', '.join(ANGLE_NAMES)}"
        )
    candidates = [np.arange(stack.shape[0]), members.keyed]
    lengths = {len(positions) for positions in [members.projections, *candidates]}
    fitting = [data for data in datasets if data.size in lengths] or datasets[:1]
    values, doubts = select_angles(fitting[0], stack, members.projections, candidates)
    for other in fitting[1:]:
        try:
            other_values, _ = select_angles(other, stack, members.projections, candidates)
        except UserError:
            continue
        difference = float(np.abs(other_values - values).max())
        if difference > SAME_ANGLE:
            differ = f"those of {other.name} differ by up to {np.degrees(difference):.3g} degrees"
            doubts = (*doubts, f"the angles of {fitting[0].name} are used, but {differ}")
    return values, fitting[0], doubts


def _around(group: h5py.Group) -> list[str]:
    """Return the paths of the groups that enclose a group, the nearest first; that of the root is empty."""
    parts = group.name.strip("/").split("/")
    return ["/" + "/".join(parts[:depth]) if depth else "" for depth in range(len(parts) - 1, -1, -1)]


def _plotted(group: h5py.Group, stack: h5py.Dataset) -> list[str]:
    """Return the paths of the angles in NXdata groups that have ``stack`` as their signal, within the same entry."""
    paths = []
    entry = group.file["/" + group.name.split("/")[1]]
    for plot in (inner for name in entry if isinstance(inner := hdf5.child(entry, name), h5py.Group)):
        signal = hdf5.child(plot, hdf5.text(plot, "signal") or "data")
        if isinstance(signal, h5py.Dataset) and signal == stack:
            names = [name for name in plot if any(word in name.lower() for word in ANGLE_NAMES)]
            opened = [name for name in names if isinstance(hdf5.child(plot, name), h5py.Dataset)]
            # Measured positions come before set points.
            paths += [f"{plot.name}/{name}" for name in sorted(opened or names, key=lambda name: name.endswith("_set"))]
    return paths


def _pixel_size(group: h5py.Group) -> tuple[float | None, tuple[str, ...]]:
    around = _around(group)
    paths = [*(f"{path}/sample" for path in around), group.name, *(f"{path}/instrument/detector" for path in around)]
    nodes = [hdf5.child(group.file, path) for path in dict.fromkeys(paths)]
    instruments = [hdf5.child(group.file, f"{path}/instrument") for path in around]
    nearest = next((node for node in instruments if isinstance(node, h5py.Group)), group)
    return pixel_size.choose([node for node in nodes if isinstance(node, h5py.Group)], [nearest])


READER = Reader("an NXtomo entry, or a group with data and image_key", recognise, read)
