"""Scans to judge without files: sections with independent noise, and stand-ins for a network."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from tomodenoise.common.arrays import FloatArray
from tomodenoise.splitting import by_angle
from tomodenoise.storage.sections import Sections


def scan(order: np.ndarray, sections: int = 4, depth: int = 6, size: int = 96, *, additive: bool = True) -> Sections:
    """Describe a scan whose angles were measured in this order."""
    split = by_angle.split(order * np.pi / len(order), sections, sections - 1)
    unions = by_angle.stored(split.roles, additive=additive)
    return Sections(Path("sections.zarr"), 1, depth, size, split, size / 2, unions)


def stored(quarters: Sequence[FloatArray], sections: int) -> FloatArray:
    """Make sections of four images with independent noise; the first and third are in those that a network is given."""
    a, b, c, d = quarters
    given = (a + c) / 2
    return np.stack({2: (given, (b + d) / 2), 3: (b, given, d), 4: (a, b, c, d)}[sections])
