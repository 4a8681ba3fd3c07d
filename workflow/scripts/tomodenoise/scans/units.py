"""Angles, lengths and times in files, whose units come in any spelling."""

import re

import h5py
import numpy as np

from tomodenoise.common.arrays import FloatArray
from tomodenoise.common.errors import UserError
from tomodenoise.scans import hdf5, sources

NAMES = ("units", "unit", "Units", "Unit", "UNITS")  # attributes that hold a unit
NONE = {"", "none", "null", "n/a", "na", "-", "unitless", "dimensionless", "unknown", "nx_angle", "nx_length"}

MICROMETRES = {
    **dict.fromkeys(("m", "meter", "meters", "metre", "metres"), 1e6),
    **dict.fromkeys(("cm", "centimeter", "centimeters", "centimetre", "centimetres"), 1e4),
    **dict.fromkeys(("mm", "millimeter", "millimeters", "millimetre", "millimetres"), 1e3),
    **dict.fromkeys(("um", "\N{MICRO SIGN}m", "\N{GREEK SMALL LETTER MU}m", "micron", "microns"), 1.0),
    **dict.fromkeys(("micrometer", "micrometers", "micrometre", "micrometres"), 1.0),
    **dict.fromkeys(("nm", "nanometer", "nanometers", "nanometre", "nanometres"), 1e-3),
    **dict.fromkeys(("angstrom", "angstroms", "\N{LATIN SMALL LETTER A WITH RING ABOVE}"), 1e-4),
}
PER_PIXEL = re.compile(r"\s*(/|per)\s*(px|pix|pixels?)$")

SECONDS = {
    **dict.fromkeys(("", "s", "sec", "secs", "second", "seconds"), 1.0),
    **dict.fromkeys(("min", "minute", "minutes"), 60.0),
    **dict.fromkeys(("ms", "msec", "millisecond", "milliseconds"), 1e-3),
    **dict.fromkeys(("us", "\N{MICRO SIGN}s", "\N{GREEK SMALL LETTER MU}s", "usec", "microseconds"), 1e-6),
    **dict.fromkeys(("ns", "nsec", "nanosecond", "nanoseconds"), 1e-9),
}

DEGREE, TURN = np.pi / 180, 2 * np.pi
RADIANS = (
    # Prefixes of a unit and its factor; the first match counts.
    (("mrad", "millirad"), 1e-3),
    (("urad", "\N{MICRO SIGN}rad", "\N{GREEK SMALL LETTER MU}rad", "microrad"), 1e-6),
    (("rad",), 1.0),
    (("mdeg", "millideg"), 1e-3 * DEGREE),
    (("deg", "angular deg", "arcdeg", "\N{DEGREE SIGN}", "\N{MASCULINE ORDINAL INDICATOR}"), DEGREE),
    (("turn", "rev", "rotation"), TURN),
)


def unit_of(data: h5py.Dataset) -> str:
    """Return the unit of a dataset in lower case; empty if it has none."""
    unit = hdf5.text(data, *NAMES).strip(" \t\n\x00.'\"[]()").lower()
    return "" if unit in NONE else unit


def radians(angles: h5py.Dataset, unit: str | None = None) -> FloatArray:
    """Return angles as (n,) float64 radians, given ``unit`` or else the unit of the dataset; default: degrees.

    Raises
    ------
    UserError
        If the angles are not a list of numbers, or their unit is not one of an angle.
    """
    name = f"{angles.file.filename}: {angles.name}"
    if angles.dtype.kind not in "iuf" or sum(size != 1 for size in angles.shape) > 1:
        raise UserError(
            f"{name} has shape {angles.shape} and type {angles.dtype}: write the angles as a list of numbers"
        )
    unit = unit or unit_of(angles) or "degrees"
    factor = next((factor for starts, factor in RADIANS if unit.startswith(starts)), None)
    if factor is None:
        raise UserError(f"{name} has the unknown unit '{unit}': set its attribute 'units' to degrees or radians")
    return np.asarray(factor * sources.values(angles).astype(np.float64).ravel())


def micrometres(length: h5py.Dataset) -> FloatArray | None:
    """Return lengths as (n,) float64 micrometres; None unless they are numbers with a unit of length."""
    factor = MICROMETRES.get(PER_PIXEL.sub("", unit_of(length)))
    if factor is None or length.dtype.kind not in "iuf":
        return None
    return np.asarray(factor * sources.values(length).astype(np.float64).ravel())
