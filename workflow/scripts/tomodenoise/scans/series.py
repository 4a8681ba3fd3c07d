"""Series of time steps: one file of continuous rotation, one file that labels its steps, or one file per step."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Unpack

import numpy as np

from tomodenoise.common.arrays import FloatArray, IntArray
from tomodenoise.common.errors import UserError
from tomodenoise.scans import file_names, sources, units
from tomodenoise.scans.description import PIXEL_SIZE, Frames, Numbers, Scan
from tomodenoise.scans.hdf5 import dataset, has_numbers, opened
from tomodenoise.scans.identity import identify
from tomodenoise.scans.opening import Options, finished, read_header

# Rounding error, in projections, of a step boundary over a whole scan, for steps of e.g. 299.92 projections.
ROUNDING = 1e-6


def open_series(files: Sequence[Path], projections: float | None, **options: Unpack[Options]) -> Scan:
    """Read the header of a dynamic scan.

    Parameters
    ----------
    files : one file, or one per step in chronological order.
    projections : projections per step if a single file covers all steps; may be fractional. An incomplete last step
        that lacks more than one projection is dropped. Excluded frames do not move the boundaries of the steps.
    options : as for `open_scan`; frames are numbered over all files, and flats and darks of their own are those of
        all steps.

    Raises
    ------
    UserError
        If the steps are not defined, or there are fewer than two; if the files do not match; and as for `open_scan`.
    """
    headers = [read_header(file, options) for file in files]
    scans = [header.scan for header in headers]
    if len(scans) > 1:
        _check_alike(scans, projections)
        joined = _joined(scans)
        shared = {kind: getattr(scans[0], kind) for kind in ("flats", "darks") if options.get(kind)}
        joined = replace(joined, **shared)
        joined = replace(joined, doubts=(*joined.doubts, *_missing(file_names.numbers(files), "the series of files")))
        return finished(headers, joined, options)
    scan = scans[0]
    steps, doubts = _numbered_steps(scan) if projections is None else (assign_steps(len(scan.angles), projections), ())
    if steps is None:
        half = np.pi * (len(scan.angles) - 1) / max(float(np.ptp(scan.angles)), 1e-9)
        raise UserError(
            f"{scan.file} does not label its time steps: set steps.projections to the number of projections per step,"
            f" such as {half:.6g} for 180 degrees or {2 * half:.6g} for 360 degrees"
        )
    if not len(steps) or steps[-1] < 1:
        raise UserError(f"{scan.file}: the {len(scan.angles)} projections form a single time step: set mode: static")
    scan = replace(_cut(scan, steps), doubts=(*scan.doubts, *doubts))
    return finished(headers, scan, options)


def _numbered_steps(scan: Scan) -> tuple[IntArray | None, tuple[str, ...]]:
    """Return the step of each projection, counted from 0 by its label in the file, if any; and doubts about these."""
    if not scan.labels:
        return None, ()
    values = _read(scan.labels, "correct it")
    name = f"{scan.labels[0].file}: {scan.labels[0].dataset}"
    if np.any(np.diff(values) < 0):
        raise UserError(f"{name} is not in ascending order: write the projections in the order of their steps")
    labels, steps = np.unique(values, return_inverse=True)
    return np.asarray(steps), _missing(labels, name)


def _missing(labels: FloatArray, name: str) -> tuple[str, ...]:
    """Report gaps in the labels of the steps, which ascend."""
    differences = np.diff(labels)
    gaps = np.flatnonzero(differences > 1.5 * np.median(differences)) if len(labels) > 1 else np.arange(0)
    if not len(gaps):
        return ()
    between = ", ".join(f"{labels[at]:g} and {labels[at + 1]:g}" for at in gaps[:5])
    more = ", and more" if len(gaps) > 5 else ""
    return (
        f"{name} lacks steps between {between}{more}: steps are counted without these, so later times are too early",
    )


def labelled_steps(scan: Scan) -> int:
    """Return the number of time steps that a file labels; 1 if its labels are not steps of several projections."""
    try:
        labels = np.unique(_read(scan.labels, "correct it")) if scan.labels else np.zeros(1)
    except UserError:
        return 1
    return len(labels) if 2 * len(labels) <= len(scan.angles) else 1


def seconds(scan: Scan) -> float | None:
    """Return the median time between steps of a series, in seconds; None if its files do not hold ascending times.

    Raises
    ------
    UserError
        If the times are not one number per projection in a unit of time.
    """
    if not scan.times or scan.steps is None:
        return None
    values = _read(scan.times, "repair it, or set steps.seconds", units.SECONDS)
    intervals = np.diff(values[np.flatnonzero(np.diff(scan.steps, prepend=-1))])
    return float(np.median(intervals)) if np.all(intervals > 0) else None


def _read(parts: Sequence[Numbers], fix: str, factors: Mapping[str, float] | None = None) -> FloatArray:
    """Read one number per projection, multiplied by the factor of its unit."""
    blocks = []
    for part in parts:
        name = f"{part.file}: {part.dataset}"
        with opened(part.file) as file:
            data = dataset(file, part.dataset)
            if data is None or not has_numbers(data) or data.size != part.count:
                problem = "is not a dataset" if data is None else f"has shape {data.shape} and type {data.dtype}"
                raise UserError(
                    f"{name} {problem}, but one number for each of {part.count} projections is needed: {fix}"
                )
            factor = factors.get(units.unit_of(data)) if factors else 1.0
            values = sources.values(data).ravel()[part.indices].astype(np.float64)
        if factor is None or not np.isfinite(values).all():
            raise UserError(f"{name} has values that are not finite, or an unknown unit: {fix}")
        blocks.append(factor * values)
    return np.concatenate(blocks)


def assign_steps(count: int, projections: float) -> IntArray:
    """Assign the projections of a continuous rotation to time steps.

    Parameters
    ----------
    count : number of projections.
    projections : projections per step, at least 1, possibly fractional: step t starts at t * projections.

    Returns
    -------
    (n,) int64, the step of each projection, ascending from 0; n <= count, as a last step that lacks more than one
    projection is dropped.
    """
    steps = np.floor((np.arange(count) + ROUNDING) / projections).astype(np.int64)
    whole = int((count + 1 + ROUNDING) / projections)
    return np.asarray(steps[steps < max(whole, 1)])


def _check_alike(scans: Sequence[Scan], projections: float | None) -> None:
    first = scans[0]
    if projections is not None:
        raise UserError("steps.projections is for a single file that covers all steps: remove the key")
    for scan in scans[1:]:
        if (scan.kind, scan.rows, scan.columns) != (first.kind, first.rows, first.columns):
            raise UserError(
                f"{scan.file} holds {scan.kind} of {scan.depth} x {scan.columns} pixels, but {first.file} holds"
                f" {first.kind} of {first.depth} x {first.columns}: all steps of a scan must agree in both"
            )


def _joined(scans: Sequence[Scan]) -> Scan:
    """Concatenate the scans of single steps; the flats and darks of each keep their time."""
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
    """Report a doubt that recurs in many files only once, and pixel sizes that differ."""
    same: dict[str, list[str]] = {}
    for scan in scans:
        for doubt in scan.doubts:
            same.setdefault(doubt.replace(str(scan.file), ""), []).append(doubt)
    for first, *others in same.values():
        yield first + (f" (and likewise in {len(others)} more files)" if others else "")
    first_size = scans[0].pixel_size
    other = next((scan for scan in scans if scan.pixel_size != first_size), None)
    if other is not None:
        yield f"{PIXEL_SIZE}{first_size} um in {scans[0].file} is used, but {other.file} has {other.pixel_size}"


def _later(frames: Frames, projections: int) -> Frames:
    return replace(frames, time=frames.time + projections)


def _cut(scan: Scan, steps: IntArray) -> Scan:
    """Set the steps of a scan of one file, and drop the projections after the last step."""
    part = scan.projections[0]
    count = len(steps)
    kept = replace(part, indices=part.indices[:count], time=(count - 1) / 2)
    times = tuple(replace(times, indices=times.indices[:count]) for times in scan.times)
    return replace(scan, angles=scan.angles[:count], projections=(kept,), steps=steps, labels=(), times=times)
