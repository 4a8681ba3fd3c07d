"""Description of a scan, and its representation in `scan.json`."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from tomodenoise.common.arrays import FloatArray, IntArray
from tomodenoise.scans.thinning import Thinning

PIXEL_SIZE = "pixel size: "  # prefix of the doubts about the pixel size
DIGITS = 10  # decimals of a degree in `scan.json`: too fine to change any result, and 0.9945 stays 0.9945


@dataclass(frozen=True)
class Images:
    """TIFF files that form one stack."""

    files: tuple[Path, ...]
    pages: tuple[int, ...]  # number of frames in each


@dataclass(frozen=True)
class Frames:
    """Some frames of a stack: an HDF5 dataset (frame, row, column), a single frame (row, column), or TIFF files.

    A dataset may have further axes of length one.
    """

    file: Path  # the first one of TIFF files
    dataset: str  # of TIFF files a name for messages
    indices: IntArray  # (n,) positions in the stack, ascending
    time: float  # mean position in the acquisition, counted in projections: < 0 before the first, >= n after the last
    images: Images | None = None


@dataclass(frozen=True)
class Numbers:
    """A dataset with one number per projection of a file, read when it is needed."""

    file: Path
    dataset: str
    count: int  # number of projections in the file
    indices: IntArray  # (n,) positions of the projections in use


@dataclass(frozen=True)
class Channels:
    """Channels of a scan, and the order of the axes of its sinograms."""

    name: str  # `2theta`, `q`, `energy`, or `channel` if neither the file nor the user names them
    unit: str
    values: FloatArray  # (C,) float64; 0, 1, ... if no values are given
    # One letter per axis of the dataset: `z` slice, `c` channel, `a` angle, `t` translation; `z` or `c` may be missing
    axes: str

    @property
    def labels(self) -> tuple[str, ...]:
        """Label of each channel, such as "2theta 5.31 deg"."""
        return tuple(f"{self.name} {value:.6g} {self.unit}".rstrip() for value in self.values)


@dataclass(frozen=True)
class LeftOut:
    """Frames of a scan that are not used."""

    kind: str  # `projections`, `flats` or `darks`
    frames: str  # their numbers, counted within the kind, such as "3, 7 to 9"
    reason: str

    def __str__(self) -> str:
        return f"{self.kind} {self.frames} {self.reason}: left out"


@dataclass(frozen=True)
class Scan:
    """Description of one raw scan for the later stages. Made by `open_scan` and `open_series`."""

    file: Path
    layout: str  # `data-exchange`, `nxtomo` or `sinograms`
    kind: str  # quantity stored: `counts`, `intensity` (transmission) or `attenuation` (line integrals)
    rows: tuple[int, int]  # detector rows in use, [start, stop); row 0 of the volume is ``rows[0]``
    columns: int
    angles: FloatArray  # (A,) float64 radians, in acquisition order
    projections: tuple[Frames, ...]  # in acquisition order; one part per file
    flats: tuple[Frames, ...]  # one group per run of flats between the same two projections, in acquisition order
    darks: tuple[Frames, ...]
    pixel_size: float | None  # micrometres; None if neither the file nor the user gives it
    identity: dict[str, object]  # see `identity.identify`
    steps: IntArray | None = None  # (A,) time step of each projection of a series, ascending from 0 without gaps
    labels: tuple[Numbers, ...] = ()  # labels of the time steps, if the file has any
    times: tuple[Numbers, ...] = ()  # times of the projections, if the file has any
    # Channels of XRD-CT and similar methods; None if frames have a single value per pixel
    channels: Channels | None = None
    doubts: tuple[str, ...] = ()  # ambiguities in the file and how each was resolved, as messages
    # Positions of the projections without beam, which belong to no section
    unlit: IntArray = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    left_out: tuple[LeftOut, ...] = ()
    # Frames excluded by the user, by kind: ranges [start, stop) among all `projections`, `flats` or `darks`
    excluded: Mapping[str, tuple[tuple[int, int], ...]] = field(default_factory=dict)
    thinning: Thinning | None = None  # the part of the dose of a virtual scan; None for the scan itself

    @property
    def channel_count(self) -> int:
        """Number of channels; 1 without a channel axis."""
        return len(self.channels.values) if self.channels else 1

    @property
    def lit(self) -> IntArray:
        """Positions of the projections in use."""
        return np.setdiff1d(np.arange(len(self.angles)), self.unlit)

    @property
    def depth(self) -> int:
        """Number of rows in use, which is the number of slices of the volume."""
        return self.rows[1] - self.rows[0]


def to_json(scan: Scan) -> dict[str, Any]:
    """Return plain values for `scan.json`: readable, so angles in degrees and runs of frames as [start, stop)."""
    degrees = np.round(np.degrees(scan.angles), DIGITS)
    parts = [_frames_to_json(part) for part in scan.projections]
    counts = [] if scan.steps is None else np.bincount(scan.steps).tolist()
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
        **({"number_of_steps": len(counts), "projections_of_each_step": counts} if counts else {}),
        "channels": channels_to_json(scan.channels) if scan.channels else None,
        "doubts": list(scan.doubts),
        "without_light": [list(run) for run in runs(scan.unlit)],
        "left_out": [asdict(group) for group in scan.left_out],
        "excluded": {kind: [list(part) for part in parts] for kind, parts in scan.excluded.items()},
        **({"thinning": scan.thinning.as_json()} if scan.thinning else {}),
    }


def from_json(values: dict[str, Any]) -> Scan:
    """Return the scan that `to_json` wrote; `labels` and `times` are not stored."""
    start, stop = values["rows"]
    parts = values["projections"] if isinstance(values["projections"], list) else [values["projections"]]
    counts = values.get("projections_of_each_step")
    channels = values.get("channels")
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
        channels=Channels(**channels | {"values": np.asarray(channels["values"], np.float64)}) if channels else None,
        doubts=tuple(values.get("doubts", ())),
        unlit=positions(values["without_light"]),
        left_out=tuple(LeftOut(**group) for group in values["left_out"]),
        excluded={kind: tuple((a, b) for a, b in parts) for kind, parts in values.get("excluded", {}).items()},
        thinning=Thinning.model_validate(values["thinning"]) if "thinning" in values else None,
    )


def read(file: Path) -> Scan:
    """Read `scan.json`."""
    return from_json(json.loads(file.read_text()))


def channels_to_json(channels: Channels) -> dict[str, Any]:
    """Return plain values for `scan.json` and for the provenance of an image."""
    return asdict(channels) | {"values": channels.values.tolist()}


def position(time: float, projections: IntArray) -> float:
    """Convert a position among all frames to one counted in projections, given their positions (n,), ascending.

    It is between 0 and n - 1 among the projections, < 0 before the first and >= n after the last.
    """
    first = int(projections[0])
    last = int(projections[-1])
    if time < first:
        return time - first
    if time > last:
        return len(projections) - 1 + time - last
    return float(np.interp(time, projections, np.arange(len(projections))))


def sized(scan: Scan, pixel_size: float | None) -> Scan:
    """Return the scan with the user's pixel size in micrometres, if given, and without doubts about the size."""
    if pixel_size is None:
        return scan
    return replace(
        scan, pixel_size=pixel_size, doubts=tuple(doubt for doubt in scan.doubts if not doubt.startswith(PIXEL_SIZE))
    )


def runs(indices: IntArray) -> list[tuple[int, int]]:
    """Split ascending positions into consecutive runs, each [start, stop)."""
    pieces = np.split(indices, np.flatnonzero(np.diff(indices) != 1) + 1)
    return [(int(piece[0]), int(piece[-1]) + 1) for piece in pieces if len(piece)]


def positions(ranges: Sequence[Sequence[int]]) -> IntArray:
    """Return the ascending positions that `runs` split into ranges."""
    return np.concatenate([np.arange(0), *(np.arange(*part) for part in ranges)])


def _frames_to_json(frames: Frames) -> dict[str, Any]:
    images = frames.images
    return {
        "file": str(frames.file),
        "dataset": frames.dataset,
        "number": len(frames.indices),
        "frames": [list(run) for run in runs(frames.indices)],
        "time": frames.time,
        **({"files": [str(file) for file in images.files], "pages": list(images.pages)} if images else {}),
    }


def _frames_from_json(values: dict[str, Any]) -> Frames:
    files = tuple(map(Path, values.get("files", ())))
    images = Images(files, tuple(values["pages"])) if files else None
    return Frames(Path(values["file"]), values["dataset"], positions(values["frames"]), values["time"], images)
