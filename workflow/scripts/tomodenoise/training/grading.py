"""Figures on the held-out part of the scans: their noise and contrast, and error and calibration of a network."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from tomodenoise.training import validation
from tomodenoise.training.dataset import Data
from tomodenoise.training.distributed import Ranks
from tomodenoise.training.patches import Batch, Shape
from tomodenoise.training.store import Source

SOURCE = "the held-out part of the training scans"


@dataclass(frozen=True)
class Noise:
    """Noise and contrast of the held-out patches; variances are in units of the normalisation's variance."""

    noise: float | None
    """Variance of the noise of the full reconstruction; None if the network sees several time steps."""
    contrast: float
    """Variance of what input and target share: the sample."""
    before: float
    """Noise variance of the network's input relative to that of the full reconstruction, mean over the roles."""
    after: float
    """The same of its target."""
    scale: float
    """Standard deviation of the normalisation, attenuation per pixel; root mean square over the channels."""

    def as_json(self) -> dict[str, float | None]:
        """Return noise over contrast, a ratio of standard deviations, and contrast in attenuation per pixel."""
        sample = math.sqrt(self.contrast) if self.contrast > 0 else None
        known = sample and self.noise and self.noise > 0
        return {
            "noise": math.sqrt(self.noise) / sample if known and self.noise and sample else None,
            "contrast": sample and sample * self.scale,
        }


@dataclass(frozen=True)
class Grades:
    """Figures of a network on the held-out patches."""

    error: float
    """Estimate of its mean squared error; not positive if that is too small to be measured."""
    gain: float | None
    """Decibels by which it lowers the error of its input; None if either cannot be measured."""
    uncertainty: float | None
    """Standard error of the gain, decibels."""
    slope: float
    """Of the regression of the target on the prediction: 1 if calibrated, see `metrics.calibration`."""
    loss: float
    """Split loss, mean (f - b)^2."""

    def as_json(self) -> dict[str, float | None]:
        """Return plain values; those that are not finite as None."""
        values = {"error": self.error, "gain": self.gain, "uncertainty": self.uncertainty, "slope": self.slope}
        return {key: value if value is not None and math.isfinite(value) else None for key, value in values.items()}


def facts(network: nn.Module, data: Data, ranks: Ranks) -> dict[str, Any]:
    """Return noise, contrast and grades in plain values, to be stored with a model."""
    measured = measure(data, ranks)
    return {"source": SOURCE, **measured.as_json(), **grade(network, data, measured, ranks).as_json()}


@torch.no_grad()
def measure(data: Data, ranks: Ranks) -> Noise:
    """Measure noise and contrast of the scans on the patches of `Data.exam`.

    The noise of a mean of sections is inversely proportional to their share of the projections, so the mean squared
    difference of input and target gives the noise of the full reconstruction. Differences of streaks, and motion
    between the time steps of a series, count as noise.
    """
    sums = torch.zeros(5, dtype=torch.float64, device=ranks.device)
    for batch in data.exam.pairs:
        a, b = _middle(batch, data.shape), batch.targets
        sums += _sums([torch.ones_like(b), a, b, a * b, (a - b).square()], batch)
    count, a_sum, b_sum, product, apart = ranks.total(sums).tolist()
    before, after = _noisier(data.sources)
    noise = None if len(data.pairs.inputs) > 1 else apart / count / (before + after)
    scale = float(np.sqrt(np.mean(np.square(data.norm.scale))))
    return Noise(noise, product / count - a_sum * b_sum / count**2, before, after, scale)


@torch.no_grad()
def grade(network: nn.Module, data: Data, measured: Noise, ranks: Ranks) -> Grades:
    """Grade a network on the patches of `Data.exam`.

    With three sections or more the error is the uMSE [Marcos Morales et al., ICML 2023]; with two it is the split loss
    minus the noise of the target. Its uncertainty follows from the scatter of the batches.
    """
    pairs = torch.zeros(5, dtype=torch.float64, device=ranks.device)
    loss = torch.zeros(5, dtype=torch.float64, device=ranks.device)
    umse = loss.clone()
    for batch in data.exam.pairs:
        f, b = validation.predict(network, batch), batch.targets
        pairs += _sums([torch.ones_like(b), f, b, f * f, f * b], batch)
        loss += _scatter((f - b).square(), batch)
    for one, other in data.exam.twins:
        f = validation.predict(network, one)
        umse += _scatter((one.targets - f) * (other.targets - f), one)
    count, f_sum, b_sum, square, product = ranks.total(pairs).tolist()
    variance = square / count - (f_sum / count) ** 2
    slope = (product / count - f_sum * b_sum / count**2) / variance if variance > 0 else math.nan
    split, split_error = _mean(ranks.total(loss))
    noise = math.nan if measured.noise is None else measured.noise
    error, uncertainty = _mean(ranks.total(umse)) if data.exam.twins else (split - noise * measured.after, split_error)
    known = noise > 0 and error > 0
    gain = 10 * math.log10(noise * measured.before / error) if known else None
    return Grades(error, gain, 10 / math.log(10) * uncertainty / error if known else None, slope, split)


def _scatter(values: Tensor, batch: Batch) -> Tensor:
    """Return (5,) number of pixels, sum of the values, and the products of which `_mean` makes the uncertainty."""
    total, count = ((part * batch.masks).double().sum() for part in (values, torch.ones_like(values)))
    return torch.stack([count, total, total * total, total * count, count * count])


def _mean(sums: Tensor) -> tuple[float, float]:
    """Return the mean over all pixels and its standard error, that of a ratio over batches."""
    count, total, squares, mixed, counts = sums.tolist()
    mean = total / count
    return mean, math.sqrt(max(0.0, squares - 2 * mean * mixed + mean**2 * counts)) / count


def _noisier(sources: Sequence[Source]) -> tuple[float, float]:
    """Return the noise variance of input and target relative to the full reconstruction, means over the roles."""
    split = sources[0].scan.split
    sides = [
        [1 / sum(split.sections[i].share for i in side) for side in (role.inputs, role.targets)] for role in split.roles
    ]
    before, after = np.mean(sides, axis=0).tolist()
    return before, after


def _middle(batch: Batch, shape: Shape) -> Tensor:
    """Return the input of the network in the slice that it predicts; of several time steps the first."""
    if shape.volumetric:
        return batch.inputs[:, : shape.channels]
    first = shape.slices // 2 * (batch.inputs.shape[1] // shape.slices)
    return batch.inputs[:, first : first + shape.channels]


def _sums(values: Sequence[Tensor], batch: Batch) -> Tensor:
    return torch.stack([(value * batch.masks).double().sum() for value in values])
