"""How the projections of a scan become sections, whatever its mode: by angle, or by time step."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tomodenoise.common.arrays import FloatArray
from tomodenoise.common.errors import UserError
from tomodenoise.scans import opening, series
from tomodenoise.scans.description import Scan
from tomodenoise.splitting import by_angle, time_steps
from tomodenoise.splitting.by_angle import Choice

READ = ("rows", "pixel_size", "entry", "exclude")
"""Keys of a scan that decide over what is read of it, whatever its mode."""


@dataclass(frozen=True)
class Dealt:
    """What the header and the settings of a scan tell of its sections."""

    choice: Choice | time_steps.Choice
    """How many sections, and why."""
    stored: int
    """Reconstructions that are kept."""
    firsts: tuple[int, ...] = (0,)
    """Number of the first projection of each time step."""
    window: tuple[int, int] | None = None
    """Time steps to train on, first and last plus one; None for a static scan."""
    trained: tuple[int, int] = (0, 0)
    """Runs of sections that training learns from, and sections in each; 0 for a static scan."""


def read(files: Sequence[Path], entry: Mapping[str, Any], kind: str, channels: Mapping[str, Any] | None = None) -> Scan:
    """Read the header of a scan in the way of its mode.

    Parameters
    ----------
    files : of the scan.
    entry : of the scan in the resolved configuration.
    kind : `correct.input`.
    channels : as for `scans.open_scan`.

    Raises
    ------
    UserError
        As `scans.open_series` and `scans.open_scan`; and where a scan with time steps is not called dynamic.
    """
    given: dict[str, Any] = {"input": kind, **{key: entry.get(key) for key in READ}}
    if entry["mode"] == "dynamic":
        return series.open_series(files, entry["steps"].get("projections"), **given)
    if "steps" in entry:
        raise UserError("steps is for scans that change in time: set mode: dynamic, or leave it out")
    if len(files) > 1:
        raise UserError(f"file names {len(files)} files, as of the steps of a dynamic scan: set mode: dynamic")
    if channels is not None and "entry" in entry:
        raise UserError("entry is for frames: with mode: xrdct set dataset to the path of the sinograms")
    scan = opening.open_scan(files[0], channels=channels, **given)
    if (found := series.labelled_steps(scan)) > 1:
        raise UserError(f"{files[0]} holds {found} time steps: set mode: dynamic")
    return scan


def deal(scan: Scan, entry: Mapping[str, Any], split: Mapping[str, Any], *, additive: bool) -> Dealt:
    """Settle the sections of a scan.

    Parameters
    ----------
    entry : of the scan in the resolved configuration.
    split : that section of it.
    additive : whether the mean of sections' reconstructions is that of their union.

    Raises
    ------
    UserError
        As `splitting.split`, `steps.window` and `steps.split`; and for steps split by angle that do not add up.
    """
    if scan.steps is None:
        many = scan.channels is not None
        choice = by_angle.choose(split["sections"], split["input"], len(scan.angles), scan.columns, channels=many)
        roles = by_angle.split(scan.angles, choice.sections, choice.inputs).roles
        return Dealt(choice, len(by_angle.stored(roles, additive=additive)))
    by, firsts = entry["steps"]["split"], np.flatnonzero(np.diff(scan.steps, prepend=-1))
    if by == "angle" and not additive:
        raise UserError("steps.split: angle needs a filtered backprojection: leave out reconstruct.algorithm")
    window = time_steps.window(entry["steps"].get("train"), len(firsts), by)
    chosen = time_steps.choose(np.split(scan.angles, firsts[1:]), window, entry["steps"], split, scan.columns)
    found = time_steps.split(scan.angles, scan.steps, chosen.by, chosen.sections, chosen.inputs)
    runs = by_angle.trained(found, window)
    return Dealt(chosen, len(found.sections), tuple(firsts.tolist()), window, (len(runs), found.members))


def views(scan: Scan) -> FloatArray:
    """Angles of the projections that a slice is made of, radians: of one time step, where there are several."""
    return scan.angles if scan.steps is None else scan.angles[scan.steps == 0]


def step_seconds(scan: Scan, entry: Mapping[str, Any]) -> float | None:
    """Seconds from one time step to the next, from the configuration or the file; None where neither tells."""
    given = entry.get("steps", {}).get("seconds")
    return series.seconds(scan) if given is None else float(given)
