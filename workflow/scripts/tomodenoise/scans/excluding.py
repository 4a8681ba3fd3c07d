"""Frames that the user leaves out of a scan."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

import numpy as np

from tomodenoise.common.arrays import BoolArray, IntArray
from tomodenoise.common.errors import UserError
from tomodenoise.scans.description import Frames, Numbers, Scan, position, runs

Part = TypeVar("Part", Frames, Numbers)

KINDS = ("projections", "flats", "darks")
"""Of frames, as the key `exclude` names them."""


def exclude(scan: Scan, asked: Mapping[str, Sequence[Any]] | None) -> Scan:
    """Leave frames out of a scan.

    Parameters
    ----------
    asked : for some of `KINDS` the numbers of frames and ranges [first, end) of them. Each kind counts from 0 in the
        order of acquisition, over all files.

    Returns
    -------
    The scan with fewer frames, which counts the times of flats and darks in the projections that are left. The steps of
    a series keep their borders.

    Raises
    ------
    UserError
        If a number is out of range, or no projections, or no flats for counts, are left.
    """
    left = {kind: _kept(kind, (asked or {}).get(kind, ()), getattr(scan, kind)) for kind in KINDS}
    if all(kept.all() for kept in left.values()):
        return scan
    if not left["projections"].any() or (scan.kind == "counts" and not left["flats"].any()):
        kind = "flats" if left["projections"].any() else "projections"
        raise UserError(f"exclude.{kind} leaves none of the {len(left[kind])} {kind}: name fewer")
    kept = left["projections"]
    places = np.flatnonzero(kept)
    steps, lost = (None, []) if scan.steps is None else _renumbered(scan.steps, kept)
    return replace(
        scan,
        angles=scan.angles[kept],
        projections=_moved(_filter(scan.projections, kept), places),
        flats=_moved(_filter(scan.flats, left["flats"]), places),
        darks=_moved(_filter(scan.darks, left["darks"]), places),
        labels=tuple(_filter(scan.labels, kept)),
        times=tuple(_filter(scan.times, kept)),
        steps=steps,
        doubts=(*scan.doubts, *lost),
        excluded={kind: tuple(runs(np.flatnonzero(~left[kind]))) for kind in KINDS if not left[kind].all()},
    )


def numbers(scan: Scan, kind: str = "projections") -> IntArray:
    """Give the number that each frame of a kind had before the user left any out, (n,)."""
    gone = [np.arange(start, stop) for start, stop in scan.excluded.get(kind, ())]
    lost = np.concatenate([np.arange(0), *gone])
    left = sum(len(part.indices) for part in getattr(scan, kind))
    return np.setdiff1d(np.arange(left + len(lost)), lost)


def _kept(kind: str, asked: Sequence[Any], parts: Sequence[Frames]) -> BoolArray:
    """Tell which frames of a kind are left."""
    count = sum(len(part.indices) for part in parts)
    kept = np.ones(count, dtype=bool)
    for each in asked:
        first, end = _range(kind, each)
        if end > count:
            within = f"count from 0 to {count - 1}" if count else "leave the key out"
            raise UserError(f"exclude.{kind}: {each} is beyond the {count} {kind} of the scan: {within}")
        kept[first:end] = False
    return kept


def _range(kind: str, asked: Any) -> tuple[int, int]:  # noqa: ANN401 - a YAML value
    """Read a number or a range as (first, end)."""
    ends = asked if isinstance(asked, list) and len(asked) == 2 else [asked]
    if not all(type(end) is int or (type(end) is float and end.is_integer()) for end in ends):
        raise UserError(f"exclude.{kind}: {asked!r} is neither a number nor a range: write 5, or [5, 10] for 5 to 9")
    first, end = int(ends[0]), int(ends[1] if len(ends) == 2 else ends[0] + 1)
    if not 0 <= first < end:
        raise UserError(f"exclude.{kind}: {asked!r} is out of order: numbers count from 0, and [first, end) ascends")
    return first, end


def _filter(parts: Sequence[Part], kept: BoolArray) -> list[Part]:
    """Keep some frames of parts that come one after the other, and no part that is left without any."""
    ends = np.cumsum([len(part.indices) for part in parts], dtype=np.int64)
    split = np.split(kept, ends[:-1]) if len(parts) else []
    chosen = [replace(part, indices=part.indices[mask]) for part, mask in zip(parts, split, strict=True)]
    return [part for part in chosen if len(part.indices)]


def _moved(parts: Sequence[Frames], numbers: IntArray) -> tuple[Frames, ...]:
    """Count the times of parts in the projections that are left, of which these are the numbers."""
    return tuple(replace(part, time=position(part.time, numbers)) for part in parts)


def _renumbered(steps: IntArray, kept: BoolArray) -> tuple[IntArray, list[str]]:
    """Give new numbers to the steps that are left, and say which are lost."""
    left, again = np.unique(steps[kept], return_inverse=True)
    lost = np.setdiff1d(steps, left).tolist()
    words = f"exclude leaves no projection of time steps {', '.join(map(str, lost))}: those after them move up"
    return np.asarray(again), [words] if lost else []
