"""Series of time steps: in one file of continuous rotation, in one that numbers them, or in a file for each."""

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from glob import glob
from pathlib import Path
from typing import Any

import numpy as np

from tomodenoise.common.arrays import FloatArray, IntArray
from tomodenoise.common.errors import UserError
from tomodenoise.scans import sources, units
from tomodenoise.scans.description import PIXEL_SIZE, Frames, Numbers, Scan, sized
from tomodenoise.scans.hdf5 import dataset, has_numbers, opened
from tomodenoise.scans.identity import identify
from tomodenoise.scans.opening import finished, read_header

ROUNDING = 1e-6
"""Of a projection: what a count of projections such as 299.92 may be off by, over a whole scan."""


def expand(given: str | Sequence[str]) -> tuple[Path, ...]:
    """Give the files that a path, a list of paths or a pattern such as `raw/step_*.h5` names, in natural order.

    Raises
    ------
    UserError
        If a pattern fits no file, or a file is named twice.
    """
    patterns = [given] if isinstance(given, str) else given
    files = [file for pattern in patterns for file in _matching(pattern)]
    if len(set(files)) < len(files):
        twice = next(file for file in files if files.count(file) > 1)
        raise UserError(f"file: {twice} is named twice: name each step once")
    return tuple(files)


def open_series(
    files: Sequence[Path],
    projections: float | None,
    *,
    input: str = "auto",  # noqa: A002  the name of the key in the configuration
    rows: Sequence[int] | None = None,
    pixel_size: float | None = None,
    entry: str | None = None,
    exclude: Mapping[str, Sequence[Any]] | None = None,
) -> Scan:
    """Read the header of a dynamic scan.

    Parameters
    ----------
    files : one, or one for each step in the order of time.
    projections : in a step, where one file goes on from step to step; need not be whole. What is left of a last step
        that lacks more than one projection is left out. Frames that are excluded move no border of a step.
    input, rows, pixel_size, entry, exclude : as for `open_scan`; frames are numbered over all files.

    Raises
    ------
    UserError
        If it cannot be told which projections make a step, or there are fewer than two of these; if the files do not
        fit each other; and as `open_scan`.
    """
    headers = [read_header(file, input=input, rows=rows, entry=entry) for file in files]
    scans = [header.scan for header in headers]
    if len(scans) > 1:
        _check_alike(scans, projections)
        joined = _joined(scans)
        joined = replace(joined, doubts=(*joined.doubts, *_missing(_numbers_of(files), "the series of files")))
        return finished(headers, sized(joined, pixel_size), exclude)
    scan = scans[0]
    steps, doubts = numbered_steps(scan) if projections is None else (deal(len(scan.angles), projections), ())
    if steps is None:
        raise UserError(
            f"{scan.file} does not number its time steps: set steps.projections, how many make a step,"
            f" as {_suggested(scan)}"
        )
    if not len(steps) or steps[-1] < 1:
        raise UserError(f"{scan.file}: {len(scan.angles)} projections make only one step: set mode: static")
    scan = replace(_cut(scan, steps), doubts=(*scan.doubts, *doubts))
    return finished(headers, sized(scan, pixel_size), exclude)


def numbered_steps(scan: Scan) -> tuple[IntArray | None, tuple[str, ...]]:
    """Count time steps from 0, (A,); the file may label them by any numbers that do not descend.

    Returns
    -------
    The steps, None where there are no labels; and what is doubtful about them.

    Raises
    ------
    UserError
        If these are not one number for each projection, or descend.
    """
    if not scan.labels:
        return None, ()
    values, name = _read(scan.labels, "correct it"), f"{scan.labels[0].file}: {scan.labels[0].dataset}"
    if np.any(np.diff(values) < 0):
        raise UserError(f"{name} descends: write the projections in the order of their steps")
    labels, steps = np.unique(values, return_inverse=True)
    return np.asarray(steps), _missing(labels, name)


def _missing(labels: FloatArray, name: str) -> tuple[str, ...]:
    """Say where labels of steps, ascending, leave some out."""
    apart = np.diff(labels)
    gaps = np.flatnonzero(apart > 1.5 * np.median(apart)) if len(apart) else np.empty(0, dtype=np.intp)
    if not len(gaps):
        return ()
    between = ", ".join(f"{labels[at]:g} and {labels[at + 1]:g}" for at in gaps[:5])
    more = ", and more" if len(gaps) > 5 else ""
    return (
        f"{name} lacks steps between {between}{more}: they are counted without these, and later times are too early",
    )


def _numbers_of(files: Sequence[Path]) -> FloatArray:
    """Read the last number in the name of each file; none where they do not ascend."""
    found = [re.findall(r"\d+", file.stem) for file in files]
    numbers = np.array([float(each[-1]) for each in found if each])
    return numbers if len(numbers) == len(files) and np.all(np.diff(numbers) > 0) else np.empty(0)


def labelled_steps(scan: Scan) -> int:
    """Count the time steps of several projections that a file labels; 1 where its labels say nothing of the kind."""
    try:
        found = np.unique(_read(scan.labels, "correct it")) if scan.labels else np.zeros(1)
    except UserError:
        return 1
    return len(found) if 2 * len(found) <= len(scan.angles) else 1


def seconds(scan: Scan) -> float | None:
    """Time from one step of a series to the next, in seconds; None where its files do not tell.

    Raises
    ------
    UserError
        If the times are not a number for each projection, in a unit of time.
    """
    if not scan.times or scan.steps is None:
        return None
    values = _read(scan.times, "repair it, or set steps.seconds", units.SECONDS)
    apart = np.diff(values[np.flatnonzero(np.diff(scan.steps, prepend=-1))])
    return float(np.median(apart)) if np.all(apart > 0) else None


def _read(parts: Sequence[Numbers], fix: str, factors: Mapping[str, float] | None = None) -> FloatArray:
    """Read a number for each projection, times the factor of its unit."""
    found = []
    for part in parts:
        name = f"{part.file}: {part.dataset}"
        with opened(part.file) as file:
            data = dataset(file, part.dataset)
            if data is None or not has_numbers(data) or data.size != part.count:
                held = "is no dataset" if data is None else f"has shape {data.shape} and type {data.dtype}"
                raise UserError(f"{name} {held}, but there are {part.count} projections: give a number for each: {fix}")
            factor = factors.get(units.unit_of(data)) if factors else 1.0
            values = sources.values(data).ravel()[part.indices].astype(np.float64)
        if factor is None or not np.isfinite(values).all():
            raise UserError(f"{name} holds no finite numbers in a unit that is known: {fix}")
        found.append(factor * values)
    return np.concatenate(found)


def deal(count: int, projections: float) -> IntArray:
    """Time step of each projection of a continuous rotation.

    Parameters
    ----------
    count : number of projections.
    projections : in a step, at least 1, not necessarily whole: step t holds those from t * projections on.

    Returns
    -------
    (n,) ascending from 0, n <= count: a last step that lacks more than one projection is left out.
    """
    steps = np.floor((np.arange(count) + ROUNDING) / projections).astype(np.int64)
    whole = int((count + 1 + ROUNDING) / projections)
    return np.asarray(steps[steps < max(whole, 1)])


def _matching(pattern: str) -> list[Path]:
    # Not of a Path, which raises an error where a folder may not be looked into.
    if not set("*?[") & set(pattern) or os.path.exists(pattern):  # noqa: PTH110
        return [Path(pattern)]
    found = sorted(glob(pattern), key=_natural)  # noqa: PTH207 - of a Path it takes no absolute pattern
    if not found:
        raise UserError(f"file: no file is called {pattern}: correct the pattern")
    return [Path(file) for file in found]


def _natural(name: str) -> list[tuple[int, str]]:
    """Sort key with which step_2 comes before step_10."""
    return [(int(part), "") if part.isdigit() else (0, part) for part in re.split(r"(\d+)", name)]


def _check_alike(scans: Sequence[Scan], projections: float | None) -> None:
    first = scans[0]
    if projections is not None:
        raise UserError("steps.projections is for one file that goes on from step to step: leave it out")
    for scan in scans[1:]:
        if (scan.kind, scan.rows, scan.columns) != (first.kind, first.rows, first.columns):
            raise UserError(
                f"{scan.file} holds {scan.kind} of {scan.depth} x {scan.columns} pixels, but {first.file} {first.kind}"
                f" of {first.depth} x {first.columns}: the steps of a scan must be alike"
            )


def _joined(scans: Sequence[Scan]) -> Scan:
    """Put the scans of single steps one after the other; flats and darks of each keep their time."""
    counts = [len(scan.angles) for scan in scans]
    before = np.cumsum([0, *counts[:-1]]).tolist()
    timed = all(scan.times for scan in scans)
    used = [Path(str(file)) for scan in scans for file in scan.identity["files"]]  # type: ignore[attr-defined]
    return replace(
        scans[0],
        angles=np.concatenate([scan.angles for scan in scans]),
        projections=tuple(_later(part, n) for scan, n in zip(scans, before, strict=True) for part in scan.projections),
        flats=tuple(_later(part, n) for scan, n in zip(scans, before, strict=True) for part in scan.flats),
        darks=tuple(_later(part, n) for scan, n in zip(scans, before, strict=True) for part in scan.darks),
        identity=identify(scans[0].file, used),
        steps=np.repeat(np.arange(len(scans)), counts),
        labels=(),
        times=tuple(times for scan in scans for times in scan.times) if timed else (),
        doubts=tuple(_summed(scans)),
    )


def _summed(scans: Sequence[Scan]) -> Iterator[str]:
    """Say a doubt once that many files give rise to, and add where their pixel sizes differ."""
    alike: dict[str, list[str]] = {}
    for scan in scans:
        for doubt in scan.doubts:
            alike.setdefault(doubt.replace(str(scan.file), ""), []).append(doubt)
    for first, *others in alike.values():
        yield first + (f" (and alike in {len(others)} more files)" if others else "")
    first_size = scans[0].pixel_size
    other = next((scan for scan in scans if scan.pixel_size != first_size), None)
    if other is not None:
        yield f"{PIXEL_SIZE}{first_size} um in {scans[0].file} is used, but {other.file} has {other.pixel_size}"


def _later(frames: Frames, projections: int) -> Frames:
    return replace(frames, time=frames.time + projections)


def _cut(scan: Scan, steps: IntArray) -> Scan:
    """Apply the numbers of the steps to a scan of one file, and leave out what comes after the last one."""
    part, count = scan.projections[0], len(steps)
    kept = replace(part, indices=part.indices[:count], time=(count - 1) / 2)
    times = tuple(replace(times, indices=times.indices[:count]) for times in scan.times)
    return replace(scan, angles=scan.angles[:count], projections=(kept,), steps=steps, labels=(), times=times)


def _suggested(scan: Scan) -> str:
    """Projections in a half-turn and in a whole one, by the mean step of the angle."""
    half = np.pi * (len(scan.angles) - 1) / max(float(np.ptp(scan.angles)), 1e-9)
    return f"{half:.6g} for half a turn or {2 * half:.6g} for a whole one"
