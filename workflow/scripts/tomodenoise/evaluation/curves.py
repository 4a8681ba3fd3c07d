"""The curves behind the figures of quality, as a file holds them; apart, so that who only reads needs no torch."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from tomodenoise.common.arrays import FloatArray


def pack(curves: Mapping[str, Mapping[str, FloatArray]]) -> dict[str, FloatArray]:
    """Name the arrays of a file, from figure to name to array: float32, called `figure/name`."""
    return {
        f"{figure}/{name}": array.astype(np.float32)
        for figure, named in curves.items()
        for name, array in named.items()
    }


def read(file: Path) -> dict[str, dict[str, FloatArray]]:
    """Read a file of curves: figure to name to array."""
    found: dict[str, dict[str, FloatArray]] = {}
    with np.load(file, allow_pickle=False) as arrays:
        for name, array in arrays.items():
            figure, key = name.split("/")
            found.setdefault(figure, {})[key] = array
    return found
