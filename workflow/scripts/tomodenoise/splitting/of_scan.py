"""Division of a scan into sections according to its mode: by angle, or by time step."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tomodenoise.common.arrays import FloatArray
from tomodenoise.common.errors import UserError
from tomodenoise.scans import images as tiff_images
from tomodenoise.scans import opening, series
from tomodenoise.scans.description import Scan
from tomodenoise.splitting import by_angle, time_steps
from tomodenoise.splitting.by_angle import Choice
from tomodenoise.splitting.options import Split, SteppedScan, Steps

READ = ("rows", "pixel_size", "entry", "exclude", "flats", "darks")
"""Keys of a scan that determine what is read from it in all modes."""


@dataclass(frozen=True)
class Plan:
    """Sections of a scan as planned from its header and settings."""

    choice: Choice
    """Number of sections, and the reason."""
    stored: int
    """Number of reconstructions to keep."""
    firsts: tuple[int, ...] = (0,)
    """Number of the first projection of each time step."""
    window: tuple[int, int] | None = None
    """Time steps to train on, [start, stop); None for a static scan."""
    trained: tuple[int, int] = (0, 0)
    """Number of runs of sections to train on, and of sections in each; 0 for a static scan."""


def read(files: Sequence[Path], entry: SteppedScan, kind: str, channels: Mapping[str, Any] | None = None) -> Scan:
    """Read the header of a scan according to its mode.

    Parameters
    ----------
    files : of the scan.
    entry : of the scan in the configuration.
    kind : `correct.input`.
    channels : as for `opening.open_scan`.

    Raises
    ------
    UserError
        As `series.open_series` and `opening.open_scan`; or if a scan with time steps does not have `mode: dynamic`.
    """
    given: dict[str, Any] = {"input": kind, **{key: getattr(entry, key) for key in READ}}
    if entry.exclude:
        given["exclude"] = entry.exclude.as_json()
    if (images := tiff_images.asked(files, entry)) is not None:
        given["images"] = images
        files = files[:1]
    if entry.mode == "dynamic":
        return series.open_series(files, entry.steps.projections if entry.steps else None, **given)
    if entry.steps:
        raise UserError("steps is for scans that change in time: set mode: dynamic, or leave it out")
    if len(files) > 1:
        raise UserError(f"file lists {len(files)} files, as for the steps of a dynamic scan: set mode: dynamic")
    if channels is not None and entry.entry:
        raise UserError("entry is for frames: with mode: xrdct set dataset to the path of the sinograms")
    scan = opening.open_scan(files[0], channels=channels, **given)
    if (steps := series.labelled_steps(scan)) > 1:
        raise UserError(f"{files[0]} holds {steps} time steps: set mode: dynamic")
    return scan


def plan(scan: Scan, entry: SteppedScan, split: Split, *, additive: bool) -> Plan:
    """Plan the sections of a scan.

    Parameters
    ----------
    entry : of the scan in the configuration.
    split : section `split` of the configuration.
    additive : whether the mean of sections' reconstructions is the reconstruction of their union.

    Raises
    ------
    UserError
        As `by_angle.split`, `time_steps.window` and `time_steps.split`; and for steps that are split by angle if
        reconstructions are not additive.
    """
    if scan.steps is None:
        many = scan.channels is not None
        size = (len(scan.angles), scan.columns)
        choice = by_angle.choose(split.sections, split.input, *size, channels=many, additive=additive)
        roles = by_angle.split(scan.angles, choice.sections, choice.inputs).roles
        return Plan(choice, len(by_angle.stored(roles, additive=additive)))
    steps = entry.steps or Steps()
    firsts = np.flatnonzero(np.diff(scan.steps, prepend=-1))
    if steps.split == "angle" and not additive:
        raise UserError("steps.split: angle needs filtered backprojection: leave out reconstruct.algorithm")
    window = time_steps.window(steps.train, len(firsts), steps.split)
    chosen = time_steps.choose(np.split(scan.angles, firsts[1:]), window, steps, split, scan.columns)
    division = time_steps.split(scan.angles, scan.steps, steps.split, chosen.sections, chosen.inputs)
    runs = by_angle.trained(division, window)
    return Plan(chosen, len(division.sections), tuple(firsts.tolist()), window, (len(runs), division.members))


def views(scan: Scan) -> FloatArray:
    """Return the angles of the projections of a slice, radians: those of the first time step if there are several."""
    return scan.angles if scan.steps is None else scan.angles[scan.steps == 0]


def step_seconds(scan: Scan, steps: Steps | None) -> float | None:
    """Return the seconds between time steps, from the configuration or the file; None if neither states them."""
    given = steps.seconds if steps else None
    return series.seconds(scan) if given is None else float(given)
