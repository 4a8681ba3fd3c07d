"""Small scans as beamlines deliver them, each with faults; all of them should come out as volumes."""

from collections.abc import Callable, Mapping
from pathlib import Path

import h5py
import numpy as np

ROWS, COLUMNS, VIEWS, AXIS = 12, 48, 120, 24.3
DARK, BEAM = 100, 2000

Parts = dict[str, np.ndarray]


def parts(seed: int = 0) -> Parts:
    """Count photons behind a few disks on a smooth beam: `data`, `data_white`, `data_dark` and `theta`, in degrees."""
    rng = np.random.default_rng(seed)
    theta = np.arange(VIEWS) * 180 / VIEWS
    x = np.arange(COLUMNS) - AXIS
    integrals = np.zeros((VIEWS, ROWS, COLUMNS))
    for cx, cy, radius, height in [(0, 0, 17, 0.03), (6, 3, 4, 0.04), (-6, 5, 3, -0.02), (3, -8, 3, 0.05)]:
        s = x - (cx * np.cos(np.radians(theta)) + cy * np.sin(np.radians(theta)))[:, None]
        integrals += 2 * height * np.sqrt(np.clip(radius**2 - s**2, 0, None))[:, None]
    beam = BEAM * (1 + 0.1 * np.sin(np.arange(COLUMNS) / 9))
    return {
        "data": (DARK + rng.poisson(beam * np.exp(-integrals))).astype(np.uint16),
        "data_white": (DARK + rng.poisson(beam, (20, ROWS, COLUMNS))).astype(np.uint16),
        "data_dark": (DARK + rng.normal(0, 1, (10, ROWS, COLUMNS))).round().astype(np.uint16),
        "theta": theta,
    }


def write(file: Path, made: Mapping[str, np.ndarray]) -> Path:
    """Write a Data Exchange file."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with h5py.File(file, "w") as content:
        for name, values in made.items():
            content[f"exchange/{name}"] = values
        content["exchange/theta"].attrs["units"] = "deg"
    return file


def shutter_closed(scan: Parts) -> None:
    """Take one flat before the shutter opens."""
    scan["data_white"][0] = scan["data_dark"][0]


def bad_frames(scan: Parts) -> None:
    """Take a dark with the shutter open and two flats with the sample, and lose the beam twice.

    The file is laid out for all projections, but the last ones are never taken.
    """
    scan["data_dark"][3] = scan["data_white"][3]
    scan["data_white"][[4, 5]] = scan["data"][[4, 5]]
    scan["data"][[30, 31, 32, 77]] = DARK
    scan["data"][-9:] = 0


def harmless(scan: Parts) -> None:
    """See air above a short sample, lose frames of a fly scan at two places, note the time of each frame as text."""
    scan["data"][:, :3] = scan["data_white"][:1, :3]
    kept = ~np.isin(np.arange(VIEWS), [*range(30, 36), *range(80, 86)])
    scan["data"], scan["theta"] = scan["data"][kept], scan["theta"][kept]
    scan["time"] = np.array([f"2026-01-01T00:00:{number % 60:02d}".encode() for number in range(kept.sum())])


ODD: Mapping[str, Callable[[Parts], None]] = {
    change.__name__: change for change in (shutter_closed, bad_frames, harmless)
}
