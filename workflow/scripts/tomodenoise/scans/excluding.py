"""Exclusion of frames by the user."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

import numpy as np

from tomodenoise.common.arrays import BoolArray, IntArray
from tomodenoise.common.errors import UserError
from tomodenoise.scans.description import Frames, Numbers, Scan, position, positions, runs

Part = TypeVar("Part", Frames, Numbers)

KINDS = ("projections", "flats", "darks")  # kinds of frames, as named under the key `exclude`


def exclude(scan: Scan, asked: Mapping[str, Sequence[Any]] | None) -> Scan:
    """Exclude frames from a scan.

    Parameters
    ----------
    asked : frame numbers and ranges [start, stop), by kind (see `KINDS`). Each kind is counted from 0 in acquisition
        order over all files.

    Returns
    -------
    The scan without these frames. The times of flats and darks are counted in the remaining projections. The steps of a
    series keep their boundaries.

    Raises
    ------
    UserError
        If a number is out of range, or no projections remain, or no flats although the scan holds counts.
    """
    kept = {kind: _kept(kind, (asked or {}).get(kind, ()), getattr(scan, kind)) for kind in KINDS}
    if all(mask.all() for mask in kept.values()):
        return scan
    if not kept["projections"].any() or (scan.kind == "counts" and not kept["flats"].any()):
        kind = "flats" if kept["projections"].any() else "projections"
        raise UserError(f"exclude.{kind} removes all {len(kept[kind])} {kind}: exclude fewer")
    mask = kept["projections"]
    steps, lost = (None, []) if scan.steps is None else _renumbered(scan.steps, mask)
    without = replace(scan, flats=keep(scan.flats, kept["flats"]), darks=keep(scan.darks, kept["darks"]))
    return replace(
        select(without, mask),
        steps=steps,
        doubts=(*scan.doubts, *lost),
        excluded={kind: tuple(runs(np.flatnonzero(~kept[kind]))) for kind in KINDS if not kept[kind].all()},
    )


def select(scan: Scan, chosen: BoolArray) -> Scan:
    """Keep the projections of a mask (A,), and count the times of flats and darks in these; time steps stay as is."""
    left = np.flatnonzero(chosen)
    return replace(
        scan,
        angles=scan.angles[chosen],
        projections=_moved(keep(scan.projections, chosen), left),
        flats=_moved(scan.flats, left),
        darks=_moved(scan.darks, left),
        labels=keep(scan.labels, chosen),
        times=keep(scan.times, chosen),
        unlit=np.flatnonzero(np.isin(left, scan.unlit)),
    )


def numbers(scan: Scan, kind: str = "projections") -> IntArray:
    """Return the original number of each remaining frame of a kind, counted before the exclusion, (n,)."""
    excluded = positions(scan.excluded.get(kind, ()))
    left = sum(len(part.indices) for part in getattr(scan, kind))
    return np.setdiff1d(np.arange(left + len(excluded)), excluded)


def _kept(kind: str, asked: Sequence[Any], parts: Sequence[Frames]) -> BoolArray:
    """Return the mask of the frames of a kind that remain."""
    count = sum(len(part.indices) for part in parts)
    kept = np.ones(count, dtype=bool)
    for entry in asked:
        start, stop = _range(kind, entry)
        if stop > count:
            fix = f"use numbers from 0 to {count - 1}" if count else "remove the key"
            raise UserError(f"exclude.{kind}: {entry} is out of range, the scan has {count} {kind}: {fix}")
        kept[start:stop] = False
    return kept


def _range(kind: str, asked: Any) -> tuple[int, int]:  # noqa: ANN401 - a YAML value
    """Parse a number or a range as [start, stop)."""
    ends = asked if isinstance(asked, list) and len(asked) == 2 else [asked]
    if not all(type(end) is int or (type(end) is float and end.is_integer()) for end in ends):
        raise UserError(f"exclude.{kind}: {asked!r} is neither a number nor a range: write 5, or [5, 10] for 5 to 9")
    start = int(ends[0])
    stop = int(ends[1]) if len(ends) == 2 else start + 1
    if not 0 <= start < stop:
        raise UserError(f"exclude.{kind}: {asked!r} is not a range [start, stop) with 0 <= start < stop: correct it")
    return start, stop


def keep(parts: Sequence[Part], kept: BoolArray) -> tuple[Part, ...]:
    """Apply one mask to the frames of consecutive parts, and drop parts that become empty."""
    ends = np.cumsum([len(part.indices) for part in parts], dtype=np.int64)
    split = np.split(kept, ends[:-1]) if len(parts) else []
    chosen = [replace(part, indices=part.indices[mask]) for part, mask in zip(parts, split, strict=True)]
    return tuple(part for part in chosen if len(part.indices))


def _moved(parts: Sequence[Frames], left: IntArray) -> tuple[Frames, ...]:
    """Count the times of parts in the remaining projections, given the old positions of these."""
    return tuple(replace(part, time=position(part.time, left)) for part in parts)


def _renumbered(steps: IntArray, kept: BoolArray) -> tuple[IntArray, list[str]]:
    """Renumber the remaining steps from 0, and report the steps that became empty."""
    left, renumbered = np.unique(steps[kept], return_inverse=True)
    lost = np.setdiff1d(steps, left).tolist()
    message = f"exclude removes all projections of time steps {', '.join(map(str, lost))}: later steps are renumbered"
    return np.asarray(renumbered), [message] if lost else []
