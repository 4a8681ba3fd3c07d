"""Where the rotation axis is and which slices come of it: what `center.json` tells the stages after it."""

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
    """The axis in the projections of a scan, and whether opposite views are joined."""

    columns: int
    """Of the detector."""
    center: float
    """Column of the axis at ``row``, pixels from the middle of the leftmost one."""
    tilt: float = 0.0
    """Columns by which it moves from one row to the next."""
    row: float = 0.0
    extended: bool = False
    """Whether slices show the extended field of view of half acquisition."""

    @property
    def wide(self) -> half_acquisition.Widening:
        """How sinograms are widened, where the field is extended."""
        return half_acquisition.widened(self.columns, self.center)

    @property
    def size(self) -> int:
        """Edge of a slice, pixels."""
        return self.wide.columns if self.extended else self.columns

    @property
    def radius(self) -> float:
        """Pixels, of the disc around the axis that is seen completely."""
        return field_of_view.radius(self.columns, self.center, extended=self.extended)

    def centers(self, rows: IntArray) -> FloatArray:
        """Column of the axis in each of some rows of the volume."""
        return np.asarray(self.center + self.tilt * (rows - self.row))


def to_json(geometry: Geometry) -> dict[str, Any]:
    """Plain values for `center.json`."""
    names = ("columns", "center", "tilt", "row", "extended", "size", "radius")
    return {name: getattr(geometry, name) for name in names}


def read(file: Path) -> Geometry:
    """Read it from `center.json`."""
    found = json.loads(file.read_text())
    return Geometry(found["columns"], found["center"], found["tilt"], found["row"], found["extended"])


def is_extended(field: str, center: float, columns: int, angles: FloatArray) -> bool:
    """Tell whether to reconstruct what opposite views see together.

    Parameters
    ----------
    field : the config's word: "full" never, "extended" always, "auto" where the views go all around the sample and the
        axis lies outside of the detector's middle third. Then the extended field of view is over twice as wide as that
        of the views alone; an axis nearer to the middle is taken for an ordinary scan, whose views all see the same.
    center, columns : of the detector, pixels.
    angles : (angle,) radians.

    Raises
    ------
    UserError
        Where the config asks for it, but the views do not cover the whole circle.
    """
    full_turn = directions.is_full_turn(angles)
    if field == "extended" and not full_turn:
        raise UserError("field: extended needs projections over 360 degrees: leave it out")
    off = not columns / 3 <= center + 0.5 <= 2 * columns / 3
    return field == "extended" or (field == "auto" and full_turn and off)
