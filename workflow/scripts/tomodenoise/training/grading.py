"""Figures on the held-out part of the scans: their noise and contrast, and error and calibration of a network."""

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from tomodenoise.training import validation
from tomodenoise.training.cutting import Batch
from tomodenoise.training.dataset import Data
from tomodenoise.training.distributed import Ranks
from tomodenoise.training.patches import Shape
from tomodenoise.training.store import Source

SOURCE = "the held-out part of the training scans"

BLURS = (0.5, 0.8, 1.2, 1.8, 2.7)
"""Standard deviations in pixels of the blurs that a network is compared with; patches have 16 pixels at least."""


@dataclass(frozen=True)
class Noise:
    """Noise and contrast of the held-out patches; variances are in units of the normalisation's variance."""

    noise: float | None
    """Variance of the noise of the full reconstruction; None if the network sees several time steps."""
    contrast: float
    """Variance of what input and target share: the sample."""
    after: float
    """Noise variance of the target relative to that of the full reconstruction, mean over the roles."""
    scale: float
    """Standard deviation of the normalisation, attenuation per pixel; root mean square over the channels."""

    def as_json(self) -> dict[str, float | None]:
        """Return noise over contrast, a ratio of standard deviations, and contrast in attenuation per pixel."""
        sample = math.sqrt(self.contrast) if self.contrast > 0 else None
        return {
            "noise": math.sqrt(self.noise) / sample if sample and self.noise and self.noise > 0 else None,
            "contrast": sample and sample * self.scale,
        }


@dataclass(frozen=True)
class Grades:
    """Figures of a network on the held-out patches."""

    error: float
    """Estimate of its mean squared error; not positive if that is too small to be measured."""
    gain: float | None
    """Decibels by which it lowers the error of its input; None if either cannot be measured."""
    skill: float | None
    """Decibels by which its error is smaller than that of the best blur of its input: how fine the structure is, and
    how strong the noise, matters for both. None if either cannot be measured."""
    slope: float
    """Of the regression of the target on the prediction: 1 if calibrated, see `metrics.calibration`."""

    def as_json(self) -> dict[str, float | None]:
        """Return plain values; those that are not finite as None."""
        values = asdict(self).items()
        return {key: value if value is not None and math.isfinite(value) else None for key, value in values}


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
        a, b = _middle(data.shape, batch), batch.targets
        sums += _sums([torch.ones_like(b), a, b, a * b, (a - b).square()], batch)
    count, a_sum, b_sum, product, apart = ranks.total(sums).tolist()
    before, after = _noisier(data.sources)
    noise = None if data.pairs.inputs.members.shape[1] > 1 else apart / count / (before + after)
    scale = float(np.sqrt(np.mean(np.square(data.norm.scale))))
    return Noise(noise, product / count - a_sum * b_sum / count**2, after, scale)


@torch.no_grad()
def grade(network: nn.Module, data: Data, measured: Noise, ranks: Ranks) -> Grades:
    """Grade a network on the patches of `Data.exam`.

    With three sections or more the error is the uMSE [Marcos Morales et al., ICML 2023]; with two it is the split loss
    minus the noise of the target.
    """
    sums = torch.zeros(5, dtype=torch.float64, device=ranks.device)
    for batch in data.exam.pairs:
        f, b = validation.predict(network, batch), batch.targets
        sums += _sums([torch.ones_like(b), f, b, f * f, f * b], batch)
    count, f_sum, b_sum, square, product = ranks.total(sums).tolist()
    variance = square / count - (f_sum / count) ** 2
    slope = (product / count - f_sum * b_sum / count**2) / variance if variance > 0 else math.nan
    noise = math.nan if measured.noise is None else measured.noise

    def error_of(predict: Callable[[Batch], Tensor]) -> float:
        loss, umse = validation.errors(predict, data.exam, ranks)
        return loss - noise * measured.after if umse is None else umse

    error = error_of(partial(validation.predict, network))
    blurs = [error_of(partial(_blurred, data.shape, width)) for width in BLURS]
    raw = error_of(partial(_middle, data.shape))
    return Grades(error, _decibels(raw, error), _decibels(min(raw, *blurs), error), slope)


def _blurred(shape: Shape, width: float, batch: Batch) -> Tensor:
    """Blur the input in its slice with a Gaussian of this standard deviation, pixels."""
    image = _middle(shape, batch)
    reach = math.ceil(3 * width)
    at = torch.arange(-reach, reach + 1, device=image.device, dtype=image.dtype)
    weights = torch.exp(-0.5 * (at / width) ** 2)
    weights = (weights / weights.sum()).reshape(1, 1, 1, -1)
    flat = functional.pad(image.reshape(-1, 1, *image.shape[-2:]), [reach] * 4, mode="reflect")
    blurred = functional.conv2d(functional.conv2d(flat, weights), weights.transpose(2, 3))
    return blurred.reshape(image.shape)


def _decibels(before: float, after: float) -> float | None:
    return 10 * math.log10(before / after) if before > 0 and after > 0 else None


def _noisier(sources: Sequence[Source]) -> tuple[float, float]:
    """Return the noise variance of input and target relative to the full reconstruction, means over the roles."""
    split = sources[0].scan.split
    sides = [
        [1 / sum(split.sections[i].share for i in side) for side in (role.inputs, role.targets)] for role in split.roles
    ]
    before, after = np.mean(sides, axis=0).tolist()
    return before, after


def _middle(shape: Shape, batch: Batch) -> Tensor:
    """Return the input of the network in the slice that it predicts; of several time steps the first."""
    if shape.volumetric:
        return batch.inputs[:, : shape.channels]
    first = shape.slices // 2 * (batch.inputs.shape[1] // shape.slices)
    return batch.inputs[:, first : first + shape.channels]


def _sums(values: Sequence[Tensor], batch: Batch) -> Tensor:
    return torch.stack([(value * batch.masks).double().sum() for value in values])
