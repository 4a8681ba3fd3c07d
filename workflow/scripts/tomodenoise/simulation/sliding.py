"""A measured volume that slides along the axis: what each row of the detector sees changes from slice to slice."""

from pathlib import Path

import h5py
import numpy as np

from tomodenoise.common.arrays import FloatArray
from tomodenoise.common.errors import UserError
from tomodenoise.geometry import field_of_view
from tomodenoise.simulation.projection import rays
from tomodenoise.simulation.series import Sample, Turns

FINENESS = 2
"""Pixels of the object in a column."""

PROBES = 16


def read(file: Path, columns: int) -> FloatArray:
    """Read a volume and give its slices a whole number of pixels in each column of the detector.

    Parameters
    ----------
    file : HDF5 with the dataset `volume`, (z, y, x), slices square. What lies outside of the disc within is left out.

    Returns
    -------
    (z, y, x) float32 of 2 x ``columns`` pixels, the largest value 1.

    Raises
    ------
    UserError
        If the file holds no such volume.
    """
    try:
        with h5py.File(file) as content:
            volume = np.asarray(content["volume"], dtype=np.float32)
    except (OSError, KeyError, TypeError, ValueError):
        raise UserError(f"{file} holds no volume to be read: give an HDF5 file with the dataset `volume`") from None
    if volume.ndim != 3 or volume.shape[1] != volume.shape[2] or not volume.max() > 0:
        raise UserError(f"{file}: volume has the shape {volume.shape}, or is black: give square slices (z, y, x)")
    size = volume.shape[1]
    seen = volume * field_of_view.mask(size, size / 2)
    missing = -size % (FINENESS * columns)
    sides = (missing // 2, missing - missing // 2)
    whole = np.pad(seen, ((0, 0), sides, sides)) / volume.max()
    block = whole.shape[1] // (FINENESS * columns)
    parts = whole.reshape(len(whole), FINENESS * columns, block, FINENESS * columns, block)
    return np.asarray(parts.mean(axis=(2, 4)), dtype=np.float32)


def sample(volume: FloatArray, turns: Turns, *, quiet: float, speed: float, absorption: float = 2.0) -> Sample:
    """Let a volume slide through the beam.

    Parameters
    ----------
    volume : as from `read`.
    quiet, speed : steps before it moves, and slices per step then; between slices it is interpolated.
    absorption : largest line integral, of some angles.

    Raises
    ------
    UserError
        If it has not enough slices for the way.
    """
    way = speed * max(0.0, turns.steps - quiet)
    if len(volume) < turns.rows + int(np.ceil(way)) + 1:
        raise UserError(
            f"the volume has {len(volume)} slices, too few for {turns.rows} rows and a way of {way:g}: lower speed"
        )
    places = np.argwhere(volume.any(axis=0))
    flat = np.ascontiguousarray(volume[:, places[:, 0], places[:, 1]].T)

    def shown(slices: FloatArray, step: float) -> FloatArray:
        """Rows of the detector, from (z, ...) of the slices that they see."""
        first, part = divmod(speed * max(0.0, step - quiet), 1)
        low, high = (slices[int(first) + more : int(first) + more + turns.rows] for more in (0, 1))
        return np.asarray((1 - part) * low + part * high)

    def integrals(step: float, angle: float) -> FloatArray:
        matrix = rays(places, angle, FINENESS, turns.columns, turns.center)
        return scale * shown((matrix @ flat).T, step)

    scale = 1.0
    scale = absorption / max(float(integrals(0, angle).max()) for angle in np.arange(PROBES) * np.pi / PROBES)

    def slices(step: float) -> FloatArray:
        fine = shown(volume, step).reshape(turns.rows, turns.columns, FINENESS, turns.columns, FINENESS)
        return np.asarray(scale * fine.mean(axis=(2, 4)), dtype=np.float32)

    return Sample(integrals, slices)
