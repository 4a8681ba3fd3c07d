"""Rotation axis and size of the slices, as stored in `center.json` for the later stages."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tomodenoise.common.arrays import FloatArray, IntArray
from tomodenoise.common.errors import UserError
from tomodenoise.geometry import directions, field_of_view, half_acquisition


@dataclass(frozen=True)
class Geometry:
    """Axis in the projections of a scan, and whether opposite views are combined."""

    columns: int
    """Number of detector columns."""
    center: float
    """Column of the axis at ``row``, pixels from the middle of the leftmost pixel."""
    tilt: float = 0.0
    """Columns per row."""
    row: float = 0.0
    """Row of the volume at which the axis is at ``center``."""
    extended: bool = False
    """True if slices show the extended field of view of half acquisition."""

    @property
    def wide(self) -> half_acquisition.Widening:
        """Widening of the sinograms for the extended field of view."""
        return half_acquisition.widened(self.columns, self.center)

    @property
    def size(self) -> int:
        """Pixels along each side of a slice."""
        return self.wide.columns if self.extended else self.columns

    @property
    def radius(self) -> float:
        """Radius of the disc around the axis that is covered completely, pixels."""
        return field_of_view.radius(self.columns, self.center, extended=self.extended)

    def centers(self, rows: IntArray) -> FloatArray:
        """Return the column of the axis in rows of the volume, (row,) float64."""
        return np.asarray(self.center + self.tilt * (rows - self.row))


def to_json(geometry: Geometry) -> dict[str, Any]:
    """Return plain values for `center.json`."""
    names = ("columns", "center", "tilt", "row", "extended", "size", "radius")
    return {name: getattr(geometry, name) for name in names}


def read(file: Path) -> Geometry:
    """Read the geometry from `center.json`."""
    values = json.loads(file.read_text())
    return Geometry(values["columns"], values["center"], values["tilt"], values["row"], values["extended"])


def is_extended(field: str, center: float, columns: int, angles: FloatArray) -> bool:
    """Return whether to reconstruct the extended field of view, which opposite views cover together.

    Parameters
    ----------
    field : value of the key: "full" for no, "extended" for yes, "auto" for yes if the views cover the full circle and
        the axis is outside of the middle third of the detector. The extended field of view is then more than twice as
        wide as that of a single view; with the axis closer to the middle the scan is assumed to be an ordinary one.
    center, columns : column of the axis and number of detector columns, pixels.
    angles : (angle,) radians.

    Raises
    ------
    UserError
        If field is "extended", but the views do not cover the full circle.
    """
    full_turn = directions.is_full_turn(angles)
    if field == "extended" and not full_turn:
        raise UserError("field: extended needs projections over 360 degrees: remove the key")
    off = not columns / 3 <= center + 0.5 <= 2 * columns / 3
    return field == "extended" or (field == "auto" and full_turn and off)
