"""What a scan is, and its form in `scan.json`."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from tomodenoise.common.arrays import FloatArray, IntArray

PIXEL_SIZE = "pixel size: "
"""Begins each doubt about it."""

DIGITS = 10
"""Decimals of a degree in `scan.json`: far below what any stage moves, and 0.9945 stays 0.9945."""


@dataclass(frozen=True)
class Frames:
    """Some frames of one HDF5 dataset (frame, row, column), apart from axes of length one."""

    file: Path
    dataset: str
    indices: IntArray
    """(n,) positions along the first axis, ascending."""
    time: float
    """Mean position in the acquisition, counted in projections: below 0 before the first, at least n after the last."""


@dataclass(frozen=True)
class Numbers:
    """A dataset with a number for each projection of a file, which is read when it is needed."""

    file: Path
    dataset: str
    count: int
    """Projections in the file."""
    indices: IntArray
    """(n,) those in use."""


@dataclass(frozen=True)
class Channels:
    """What the channels of a scan are, and how its sinograms are stored."""

    name: str
    """`2theta`, `q`, `energy`, or `channel` where nobody says."""
    unit: str
    values: FloatArray
    """(C,) float64; their numbers where nobody gives values."""
    axes: str
    """Axes of the dataset: `z` slice, `c` channel, `a` angle, `t` translation; `z` or `c` may be missing."""

    @property
    def labels(self) -> tuple[str, ...]:
        """Words for each channel, such as "2theta 5.31 deg"."""
        return tuple(f"{self.name} {value:.6g} {self.unit}".rstrip() for value in self.values)


@dataclass(frozen=True)
class LeftOut:
    """Frames of a scan that are not used."""

    kind: str
    """`projections`, `flats` or `darks`."""
    frames: str
    """Their numbers among those of the kind, as "3, 7 to 9"."""
    reason: str

    def __str__(self) -> str:
        return f"{self.kind} {self.frames} {self.reason}: left out"


@dataclass(frozen=True)
class Scan:
    """What later stages need to know of one raw file. Made by `open_scan`."""

    file: Path
    layout: str
    """`data-exchange`, `nxtomo` or `sinograms`."""
    kind: str
    """What the numbers are: `counts`, `intensity` (transmission) or `attenuation` (line integrals)."""
    rows: tuple[int, int]
    """Start and stop of the detector rows in use; row 0 of the volume is ``rows[0]``."""
    columns: int
    angles: FloatArray
    """(A,) float64 radians, in acquisition order."""
    projections: tuple[Frames, ...]
    """In acquisition order; several where the steps of a dynamic scan have files of their own."""
    flats: tuple[Frames, ...]
    """One group for each run of flats between the same two projections, in acquisition order."""
    darks: tuple[Frames, ...]
    pixel_size: float | None
    """Micrometre; None where neither the file nor the user says so."""
    identity: dict[str, object]
    """See `identity.identify`."""
    steps: IntArray | None = None
    """(A,) time step of each projection of a series, ascending from 0 without gaps."""
    labels: tuple[Numbers, ...] = ()
    """Time steps as the file labels them, if it does."""
    times: tuple[Numbers, ...] = ()
    """Times of the projections, if the file holds any."""
    channels: Channels | None = None
    """Of XRD-CT and its like; None where frames hold one number for each pixel."""
    doubts: tuple[str, ...] = ()
    """What the file leaves open and how it was taken, for a person to read."""
    unlit: IntArray = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    """Positions of the projections without light, which form no section."""
    left_out: tuple[LeftOut, ...] = ()
    excluded: Mapping[str, tuple[tuple[int, int], ...]] = field(default_factory=dict)
    """Frames that the user left out: ranges [start, stop) among all `projections`, `flats` or `darks`."""

    @property
    def channel_count(self) -> int:
        """Number of channels; 1 where there is no such axis."""
        return len(self.channels.values) if self.channels else 1

    @property
    def lit(self) -> IntArray:
        """Positions of the projections that are used."""
        return np.setdiff1d(np.arange(len(self.angles)), self.unlit)

    @property
    def depth(self) -> int:
        """Rows in use: slices of the volume."""
        return self.rows[1] - self.rows[0]


def to_json(scan: Scan) -> dict[str, Any]:
    """Plain values for `scan.json`; angles in degrees and runs of frames as [start, stop), for people to read."""
    degrees = np.round(np.degrees(scan.angles), DIGITS)
    parts = [_frames_to_json(part) for part in scan.projections]
    return {
        "file": str(scan.file),
        "layout": scan.layout,
        "kind": scan.kind,
        "rows": list(scan.rows),
        "columns": scan.columns,
        "pixel_size_micrometre": scan.pixel_size,
        "number_of_projections": len(scan.angles),
        "first_angle_degrees": float(degrees[0]),
        "last_angle_degrees": float(degrees[-1]),
        "projections": parts[0] if len(parts) == 1 else parts,
        "flats": [_frames_to_json(group) for group in scan.flats],
        "darks": [_frames_to_json(group) for group in scan.darks],
        "identity": scan.identity,
        "angles_degrees": degrees.tolist(),
        **({} if scan.steps is None else _steps_to_json(scan.steps)),
        "channels": channels_to_json(scan.channels) if scan.channels else None,
        "doubts": list(scan.doubts),
        "without_light": [list(run) for run in runs(scan.unlit)],
        "left_out": [asdict(each) for each in scan.left_out],
        "excluded": {kind: [list(part) for part in parts] for kind, parts in scan.excluded.items()},
    }


def from_json(values: dict[str, Any]) -> Scan:
    """Read what `to_json` wrote."""
    start, stop = values["rows"]
    parts = values["projections"] if isinstance(values["projections"], list) else [values["projections"]]
    counts = values.get("projections_of_each_step")
    return Scan(
        file=Path(values["file"]),
        layout=values["layout"],
        kind=values["kind"],
        rows=(start, stop),
        columns=values["columns"],
        angles=np.radians(np.asarray(values["angles_degrees"], dtype=np.float64)),
        projections=tuple(_frames_from_json(part) for part in parts),
        flats=tuple(_frames_from_json(group) for group in values["flats"]),
        darks=tuple(_frames_from_json(group) for group in values["darks"]),
        pixel_size=values["pixel_size_micrometre"],
        identity=values["identity"],
        steps=None if counts is None else np.repeat(np.arange(len(counts)), counts),
        channels=_channels_from_json(values["channels"]) if values.get("channels") else None,
        doubts=tuple(values.get("doubts", ())),
        unlit=_positions(values["without_light"]),
        left_out=tuple(LeftOut(**each) for each in values["left_out"]),
        excluded={kind: tuple((a, b) for a, b in parts) for kind, parts in values.get("excluded", {}).items()},
    )


def channels_to_json(channels: Channels) -> dict[str, Any]:
    """Plain values for `scan.json` and for the provenance of an image."""
    return {"name": channels.name, "unit": channels.unit, "values": channels.values.tolist(), "axes": channels.axes}


def position(time: float, projections: IntArray) -> float:
    """Count a place in the acquisition in projections, of which ``projections`` are the places, ascending."""
    first, last = int(projections[0]), int(projections[-1])
    if time < first:
        return time - first
    if time > last:
        return len(projections) - 1 + time - last
    return float(np.interp(time, projections, np.arange(len(projections))))


def sized(scan: Scan, pixel_size: float | None) -> Scan:
    """Give a scan the pixel size that the user states, in micrometre, which settles the doubts about it."""
    if pixel_size is None:
        return scan
    return replace(
        scan, pixel_size=pixel_size, doubts=tuple(doubt for doubt in scan.doubts if not doubt.startswith(PIXEL_SIZE))
    )


def runs(indices: IntArray) -> list[tuple[int, int]]:
    """Consecutive stretches of ascending positions, as (start, stop)."""
    pieces = np.split(indices, np.flatnonzero(np.diff(indices) != 1) + 1)
    return [(int(piece[0]), int(piece[-1]) + 1) for piece in pieces if len(piece)]


def _steps_to_json(steps: IntArray) -> dict[str, Any]:
    return {"number_of_steps": int(steps[-1]) + 1, "projections_of_each_step": np.bincount(steps).tolist()}


def _channels_from_json(values: dict[str, Any]) -> Channels:
    return Channels(values["name"], values["unit"], np.asarray(values["values"], dtype=np.float64), values["axes"])


def _frames_to_json(frames: Frames) -> dict[str, Any]:
    return {
        "file": str(frames.file),
        "dataset": frames.dataset,
        "number": len(frames.indices),
        "frames": [list(run) for run in runs(frames.indices)],
        "time": frames.time,
    }


def _frames_from_json(values: dict[str, Any]) -> Frames:
    return Frames(Path(values["file"]), values["dataset"], _positions(values["frames"]), values["time"])


def _positions(stretches: list[list[int]]) -> IntArray:
    """Undo `runs`."""
    return np.concatenate([np.arange(0), *(np.arange(start, stop) for start, stop in stretches)])
