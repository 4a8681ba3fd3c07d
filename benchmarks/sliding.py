"""Measured volume that slides along the rotation axis, so that each detector row sees one slice after the other."""

from pathlib import Path

import h5py
import numpy as np
from benchmarks.pixels import binned, padded, rays

from tomodenoise.common.arrays import FloatArray
from tomodenoise.common.errors import UserError
from tomodenoise.geometry import field_of_view
from tomodenoise.simulation.series import Sample, Turns

FINENESS = 2  # pixels of the object per detector column

PROBES = 16


def read(file: Path, columns: int) -> FloatArray:
    """Read a volume and resample its slices to a whole number of pixels per detector column.

    Parameters
    ----------
    file : HDF5 with the dataset `volume`, (z, y, x), slices square. Only the inscribed disc is used.

    Returns
    -------
    (z, y, x) float32, slices of 2 x ``columns`` pixels a side, the largest value 1.

    Raises
    ------
    UserError
        If the file does not hold such a volume.
    """
    try:
        with h5py.File(file) as content:
            volume = np.asarray(content["volume"], dtype=np.float32)
    except (OSError, KeyError, TypeError, ValueError):
        raise UserError(f"{file} holds no readable volume: give an HDF5 file with the dataset `volume`") from None
    if volume.ndim != 3 or volume.shape[1] != volume.shape[2] or not volume.max() > 0:
        raise UserError(f"{file}: volume has the shape {volume.shape}, or is black: give square slices (z, y, x)")
    size = volume.shape[1]
    seen = volume * field_of_view.mask(size, size / 2)
    whole = padded(seen, FINENESS * columns) / volume.max()
    return binned(whole, FINENESS * columns).astype(np.float32)


def sample(volume: FloatArray, turns: Turns, *, quiet: float, speed: float, absorption: float = 2.0) -> Sample:
    """Make a sample of a volume that slides through the beam.

    Parameters
    ----------
    volume : as from `read`.
    quiet : steps before it moves.
    speed : slices per step; positions between slices are interpolated.
    absorption : largest line integral, over some angles.

    Raises
    ------
    UserError
        If the volume has too few slices for the distance.
    """
    distance = speed * max(0.0, turns.steps - quiet)
    if len(volume) < turns.rows + int(np.ceil(distance)) + 1:
        raise UserError(
            f"the volume has {len(volume)} slices, too few for {turns.rows} rows and a distance of"
            f" {distance:g}: lower speed"
        )
    places = np.argwhere(volume.any(axis=0))
    flat = np.ascontiguousarray(volume[:, places[:, 0], places[:, 1]].T)

    def shown(slices: FloatArray, step: float) -> FloatArray:
        """Return the values at the detector rows, interpolated from those of the slices (z, ...)."""
        first, part = divmod(speed * max(0.0, step - quiet), 1)
        low, high = (slices[start : start + turns.rows] for start in (int(first), int(first) + 1))
        return np.asarray((1 - part) * low + part * high)

    def integrals(step: float, angle: float) -> FloatArray:
        matrix = rays(places, angle, FINENESS, turns.columns, turns.center)
        return scale * shown((matrix @ flat).T, step)

    scale = 1.0
    scale = absorption / max(float(integrals(0, angle).max()) for angle in np.arange(PROBES) * np.pi / PROBES)

    def slices(step: float) -> FloatArray:
        return np.asarray(scale * binned(shown(volume, step), turns.columns), dtype=np.float32)

    return Sample(integrals, slices)
