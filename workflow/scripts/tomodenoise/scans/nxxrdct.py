"""Paths in files of the NeXus application definition NXxrdct: sinograms (translation, angle, channel) on a grid."""

from collections.abc import Mapping
from typing import Any

import h5py
import numpy as np

from tomodenoise.common.errors import UserError
from tomodenoise.scans import hdf5, units

DATA = "instrument/detector/data"
CHANNELS = "instrument/detector/radial_axis"
ANGLES = ("sample/rotation_angles", "sample/rotation_angle")
TRANSLATIONS = "sample/translation_values"
AXES = "tac"
UNEVEN = 0.01  # largest relative deviation of a translation step from the median


def completed(file: h5py.File, asked: Mapping[str, Any]) -> tuple[Mapping[str, Any], float | None]:
    """Complete the settings of a scan by the paths of the file's NXxrdct entry.

    Parameters
    ----------
    asked : settings of the user, which come first, see `xrdct.find`.

    Returns
    -------
    The settings, unchanged for another file or if the user names another dataset; and the step of the translation,
    micrometres, if it is even.

    Raises
    ------
    UserError
        If there are several such entries and no `dataset`.
    """
    entries = [name for name in file if _is_entry(hdf5.child(file, name))]
    named = str(asked.get("dataset", "")).strip("/")
    chosen = [name for name in entries if not named or named == f"{name}/{DATA}"]
    if len(chosen) > 1:
        raise UserError(f"{file.filename} holds the scans {', '.join(chosen)}: set dataset, as in {chosen[0]}/{DATA}")
    if not chosen:
        return asked, None
    entry = file[chosen[0]]
    angles = next((name for name in ANGLES if name in entry), ANGLES[0])
    own = {"dataset": f"{entry.name}/{DATA}", "axes": AXES, "angles": f"{entry.name}/{angles}"}
    channels = {}
    if (radial := hdf5.dataset(entry, CHANNELS)) is not None:
        channels = {"values": radial.name}
        if long_name := hdf5.text(radial, "long_name"):
            channels["name"] = long_name.split(" (")[0]
    return {**own, **asked, "channels": {**channels, **asked.get("channels", {})}}, _step(entry)


def _is_entry(node: h5py.HLObject | None) -> bool:
    if not isinstance(node, h5py.Group):
        return False
    stated = hdf5.text(node, "definition")
    data = hdf5.child(node, "definition")
    if not stated and isinstance(data, h5py.Dataset) and data.size == 1:
        stated = hdf5.as_text(data[()])
    return stated.lower() == "nxxrdct"


def _step(entry: h5py.Group) -> float | None:
    """Return the step of the translation, micrometres; None if it is not even, or not a length."""
    data = hdf5.dataset(entry, TRANSLATIONS)
    values = None if data is None else units.micrometres(data)
    if values is None or len(values) < 2:
        return None
    steps = np.abs(np.diff(values))
    usual = float(np.median(steps))
    return usual if usual > 0 and np.all(np.abs(steps - usual) < UNEVEN * usual) else None
