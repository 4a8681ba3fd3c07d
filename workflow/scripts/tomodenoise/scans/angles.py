"""Angles of frames whose files hold none: from a text file, or evenly spaced."""

from pathlib import Path

import numpy as np

from tomodenoise.common import paths
from tomodenoise.common.arrays import FloatArray
from tomodenoise.common.errors import UserError
from tomodenoise.scans.options import AngleRange

MOST_BYTES = 1 << 26  # of a text file: a million angles take a third of it


def read(asked: str | AngleRange | None, unit: str | None, count: int, name: str) -> tuple[FloatArray, list[Path]]:
    """Return the angles of ``count`` projections, (count,) float64 radians, and the file that they are from, if any.

    Parameters
    ----------
    asked : path of a text file with one number for each projection, or a range.
    unit : `degrees` or `radians`; default: degrees.
    name : of the projections, for messages.

    Raises
    ------
    UserError
        If there are no angles, or their number is not ``count``.
    """
    if asked is None:
        raise UserError(
            f"{name}: TIFF files hold no angles: set angles to a text file with one for each projection, or to a range"
            " such as {first: 0, last: 179.9}"
        )
    values, files = (_spaced(asked, count), []) if isinstance(asked, AngleRange) else _listed(Path(asked), count, name)
    return values if unit == "radians" else np.radians(values), files


def _spaced(asked: AngleRange, count: int) -> FloatArray:
    """Return evenly spaced angles; both ends are those of projections."""
    if (asked.last is None) == (asked.step is None):
        raise UserError("angles: give the angle of the first projection, and either that of the last or the step")
    if asked.step is not None:
        return float(asked.first) + float(asked.step) * np.arange(count, dtype=np.float64)
    return np.linspace(float(asked.first), float(asked.last or 0), count)


def _listed(file: Path, count: int, name: str) -> tuple[FloatArray, list[Path]]:
    """Read one number for each projection."""
    paths.check(file, f"{file}: no such file: correct angles")
    if not file.is_file() or file.stat().st_size > MOST_BYTES:
        raise UserError(f"{file} is not a text file of angles: correct angles")
    try:
        text = file.read_text()
        comma = "," if "," in text else None
        values = np.loadtxt(file, dtype=np.float64, ndmin=2, delimiter=comma) if text.strip() else np.empty((0, 1))
    except PermissionError as error:
        raise UserError(f"{file} {paths.FORBIDDEN}") from error
    except ValueError as error:
        reason = " ".join(str(error).split()).rstrip(".")
        raise UserError(f"{file} cannot be read as numbers: {reason}: write one angle on each line") from error
    if min(values.shape) > 1:
        raise UserError(f"{file} has {values.shape[1]} columns: write one angle on each line, and nothing else")
    if values.size != count:
        raise UserError(f"{file} has {values.size} angles, but there are {count} projections in {name}: write one each")
    return values.ravel(), [file]
