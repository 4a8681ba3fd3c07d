"""Figures of merit along the channels or time steps of a scan."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tomodenoise.common.arrays import FloatArray


@dataclass(frozen=True)
class Profile:
    """One number for each channel or step and figure; in this form under `along` in `quality.json`."""

    axis: str
    """`channel` or `step`."""
    places: Sequence[int]
    """Numbers of the channels or steps that were judged."""
    figures: Mapping[str, Sequence[float | None]]
    """Name of a value, see `per_channel.KEPT`, to one number for each place; None where a place does not support it."""
    absent: Mapping[str, Mapping[str, Any]]
    """Figure to the `places` that do not support it, and the `reason` of the first."""
    labels: Sequence[str]
    """Names of all channels or steps."""
    window: Sequence[int]
    """Time steps of training [start, stop); empty for channels."""

    def line(self, key: str) -> FloatArray:
        """Return one number for each place; NaN where there is none."""
        line = self.figures.get(key, [None] * len(self.places))
        return np.array([np.nan if value is None else value for value in line], dtype=float)
