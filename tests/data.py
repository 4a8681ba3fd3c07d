"""Measured scans: they lie outside of the repository, in the folder that TOMODENOISE_DATA names."""

import os
from pathlib import Path

import pytest

VARIABLE = "TOMODENOISE_DATA"
FOLDER = Path(os.environ.get(VARIABLE) or Path(__file__).parents[2] / "shared/data").absolute()


def measured(name: str) -> Path:
    """Return the path of a measured file, or skip the test where there is no such file."""
    file = FOLDER / name
    if not file.is_file():
        pytest.skip(f"{FOLDER} has no {name}: set {VARIABLE} to the folder of the measured scans")
    return file
