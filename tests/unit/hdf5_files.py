"""Tiny raw scans for tests."""

from pathlib import Path

import h5py
import numpy as np
import pytest

from tomodenoise.common.errors import UserError
from tomodenoise.scans import opening


def half_turn(count: int) -> np.ndarray:
    """Angles in degrees."""
    return np.arange(count) * (180 / max(count, 1))


def write_exchange(
    path: Path, projections: object, *, theta: object = None, units: str = "deg", **parts: object
) -> Path:
    """Write a Data Exchange file; `parts`: data_white, data_dark, image_key, or the attribute `kind`."""
    with h5py.File(path, "w") as file:
        exchange = file.create_group("exchange")
        if "kind" in parts:
            exchange.attrs["kind"] = parts.pop("kind")
        exchange["data"] = projections
        exchange["theta"] = half_turn(len(projections)) if theta is None else theta
        exchange["theta"].attrs["units"] = units
        for name, values in parts.items():
            exchange[name] = values
    return path


def write_nxtomo(
    path: Path, frames: object, keys: object, *, angles: object = None, image_key_control: object = None
) -> Path:
    """Write an NXtomo file with all frames in one stack."""
    with h5py.File(path, "w") as file:
        file["entry/definition"] = "NXtomo"
        file["entry/instrument/detector/data"] = frames
        file["entry/instrument/detector/image_key"] = np.asarray(keys)
        if image_key_control is not None:
            file["entry/instrument/detector/image_key_control"] = image_key_control
        file["entry/sample/rotation_angle"] = half_turn(len(frames)) if angles is None else angles
    return path


def complaint(file: Path, **options: object) -> str:
    """Open a scan that cannot be used, and return the line that says why."""
    with pytest.raises(UserError) as caught:
        opening.open_scan(file, **options)
    message = str(caught.value)
    assert "\n" not in message
    assert str(file) in message
    return message
