"""Series of time steps: in one file of continuous rotation, in one that numbers them, or in a file for each."""

import os
import re
from collections.abc import Sequence
from dataclasses import replace
from glob import glob
from pathlib import Path

import numpy as np

from tomodenoise.arrays import IntArray
from tomodenoise.errors import UserError
from tomodenoise.scans.identity import identify
from tomodenoise.scans.model import Frames, Scan
from tomodenoise.scans.opening import open_scan

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
) -> Scan:
    """Read the header of a dynamic scan.

    Parameters
    ----------
    files : one, or one for each step in the order of time.
    projections : in a step, where one file goes on from step to step; need not be whole. What is left of a last step
        that lacks more than one projection is left out.
    input, rows, pixel_size : as for `open_scan`.

    Raises
    ------
    UserError
        If it cannot be told which projections make a step, or there are fewer than two of these; if the files do not
        fit each other; and as `open_scan`.
    """
    scans = [open_scan(file, input=input, rows=rows, pixel_size=pixel_size) for file in files]
    if len(scans) > 1:
        _check_alike(scans, projections)
        return _joined(scans)
    scan = scans[0]
    if projections is not None:
        scan = _cut(scan, deal(len(scan.angles), projections))
    if scan.steps is None:
        raise UserError(
            f"{scan.file} does not number its time steps: set steps.projections, how many make a step,"
            f" as {_suggested(scan)}; or name a file for each step"
        )
    if scan.steps[-1] < 1:
        raise UserError(f"{scan.file}: {len(scan.angles)} projections make only one step: set mode: static")
    return scan


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
    timed = all(scan.times is not None for scan in scans)
    used = [Path(str(file)) for scan in scans for file in scan.identity["files"]]  # type: ignore[attr-defined]
    return replace(
        scans[0],
        angles=np.concatenate([scan.angles for scan in scans]),
        projections=tuple(_later(part, n) for scan, n in zip(scans, before, strict=True) for part in scan.projections),
        flats=tuple(_later(part, n) for scan, n in zip(scans, before, strict=True) for part in scan.flats),
        darks=tuple(_later(part, n) for scan, n in zip(scans, before, strict=True) for part in scan.darks),
        identity=identify(scans[0].file, used),
        steps=np.repeat(np.arange(len(scans)), counts),
        times=np.concatenate([scan.times for scan in scans if scan.times is not None]) if timed else None,
    )


def _later(frames: Frames, projections: int) -> Frames:
    return replace(frames, time=frames.time + projections)


def _cut(scan: Scan, steps: IntArray) -> Scan:
    """Apply the numbers of the steps to a scan of one file, and leave out what comes after the last one."""
    part, count = scan.projections[0], len(steps)
    kept = replace(part, indices=part.indices[:count], time=(count - 1) / 2)
    times = None if scan.times is None else scan.times[:count]
    return replace(scan, angles=scan.angles[:count], projections=(kept,), steps=steps, times=times)


def _suggested(scan: Scan) -> str:
    """Projections in a half-turn and in a whole one, by the mean step of the angle."""
    half = np.pi * (len(scan.angles) - 1) / max(float(np.ptp(scan.angles)), 1e-9)
    return f"{half:.6g} for half a turn or {2 * half:.6g} for a whole one"
