"""Conditions of a scan that its file states: facility, instrument and energy."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from tomodenoise.common.errors import UserError
from tomodenoise.scans import hdf5, tiff, units

PLACES = {
    "facility": ("instrument/source/name", "source/name"),
    "instrument": ("instrument/source/beamline", "instrument/name", "beamline"),
    "energy": (
        "instrument/beam/incident_energy",
        "beam/incident_energy",
        "instrument/monochromator/energy",
        "instrument/source/energy_keV",
    ),
}
"""Datasets of NeXus and Data Exchange below an entry or `measurement`, the best first."""

KILOELECTRONVOLTS = {"kev": 1.0, "ev": 1e-3, "mev": 1e3, "j": 1 / 1.602176634e-16}

LONGEST = 80
"""Characters of a name that are kept."""


def read(file: Path, entry: str | None) -> dict[str, dict[str, Any]]:
    """Read the conditions that the file states, each with `value` and `source`: a dataset, and the file's name.

    Energies are in keV; one without a unit is left out, as is all that a file cannot give.

    Parameters
    ----------
    file : of HDF5; any other says nothing.
    entry : as configured; by default any of the file.
    """
    found: dict[str, dict[str, Any]] = {}
    if tiff.is_tiff(file):
        return found
    with suppress(UserError), hdf5.opened(file) as content:
        for name, places in PLACES.items():
            take = _energy if name == "energy" else _text
            value = next(_values(content, entry, places, take), None)
            if value is not None:
                found[name] = {"value": value[0], "source": f"{value[1]} in {file.name}"}
    return found


def _values(
    file: h5py.File, entry: str | None, places: tuple[str, ...], take: Callable[[h5py.Dataset], Any]
) -> Iterator[tuple[Any, str]]:
    for base in _bases(file, entry):
        for place in places:
            node = hdf5.child(file, f"{base}/{place}")
            if isinstance(node, h5py.Dataset) and node.size == 1 and (value := take(node)) is not None:
                yield value, f"{base}/{place}"


def _bases(file: h5py.File, entry: str | None) -> list[str]:
    """Return the groups that may describe a scan: the entry and those around it, `measurement`, else all entries."""
    parts = (entry or "").strip("/").split("/")
    around = ["/" + "/".join(parts[:depth]) for depth in range(len(parts), 0, -1)] if entry else [f"/{n}" for n in file]
    return list(dict.fromkeys([*around, "/measurement"]))


def _text(data: h5py.Dataset) -> str | None:
    if hdf5.has_numbers(data) or data.dtype.kind not in "OSU":
        return None
    text = " ".join(hdf5.as_text(np.asarray(data[()]).ravel()[0]).split())
    return text[:LONGEST] if text.isprintable() and text else None


def _energy(data: h5py.Dataset) -> float | None:
    factor = KILOELECTRONVOLTS.get("kev" if data.name.endswith("energy_keV") else units.unit_of(data))
    if factor is None or not hdf5.has_numbers(data):
        return None
    energy = factor * float(np.asarray(data[()]).ravel()[0])
    return round(energy, 6) if np.isfinite(energy) and energy > 0 else None
