"""Deviation between the results of a network for parts of the data: the remaining noise in each voxel."""

from dataclasses import dataclass, replace

import numpy as np
from scipy.ndimage import gaussian_filter

from tomodenoise.common.arrays import FloatArray
from tomodenoise.denoising import inference
from tomodenoise.networks.models import Model
from tomodenoise.splitting.model import Role
from tomodenoise.storage.sections import Sections

SMOOTHED = 1.5
"""Pixels, deviation of a Gaussian on the variance: that of a few results alone scatters by half of itself."""


@dataclass
class Moments:
    """Mean and variance of images of which one is in memory at a time [Welford, Technometrics 4, 419 (1962)]."""

    count: int = 0
    mean: FloatArray | float = 0.0
    squares: FloatArray | float = 0.0

    def add(self, image: FloatArray) -> None:
        """Take in an image."""
        self.count += 1
        change = image - self.mean
        self.mean = self.mean + change / self.count
        self.squares = self.squares + change * (image - self.mean)

    @property
    def variance(self) -> FloatArray:
        """Variance of single images, smoothed within slices."""
        raw = np.asarray(self.squares, dtype=np.float32) / (self.count - 1)
        return np.asarray(gaussian_filter(raw, (*[0] * (raw.ndim - 2), SMOOTHED, SMOOTHED)))


def given(scan: Sections, members: tuple[int, ...]) -> Sections:
    """Return a scan whose first input is the mean of some sections; of a series, of each time step."""
    others = tuple(number for number in range(scan.split.per_step) if number not in members)
    return replace(scan, split=replace(scan.split, roles=(Role(members, others),)))


def variance(model: Model, scan: Sections, rows: tuple[int, int], *, time: int = 0, ensemble: int = 1) -> FloatArray:
    """Return the variance between the results for all sections but one, for each of them in turn: (channel, z, y, x).

    Notes
    -----
    If the noise of a result is the mean of what K sections contribute, that of the result for m of them has the
    variance (K - 1)² / m times this one: the jackknife [Tukey, Ann. Math. Stat. 29, 614 (1958)].
    """
    moments = Moments()
    sections = range(scan.split.per_step)
    for left_out in sections:
        part = given(scan, tuple(number for number in sections if number != left_out))
        moments.add(inference.volume(model, part, rows, time=time, mode="section", ensemble=ensemble))
    return moments.variance
