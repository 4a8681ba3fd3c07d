"""Alternatives for denoising the same slices: classical filters and other models."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.fft import irfft2, next_fast_len, rfft2

from tomodenoise.common import logs, optics
from tomodenoise.common.arrays import BoolArray, FloatArray
from tomodenoise.evaluation import cases, classical
from tomodenoise.evaluation.cases import Case
from tomodenoise.evaluation.evidence import Evidence
from tomodenoise.metrics import merit
from tomodenoise.networks.models import Model

PRECISION = 0.1  # of the logarithm of a strength
TUNED = 384  # edge of the square in which a filter is tuned, pixels


@dataclass(frozen=True, eq=False)
class Baseline:
    """The judged slices denoised by a filter or another model, (z, y, x) each."""

    name: str
    predicted: FloatArray
    """From x_A, the sections that are given to the network."""
    denoised: FloatArray
    """From all data."""
    setting: str
    """Strength of a filter or architecture of a model, as shown in the report."""


@dataclass(frozen=True)
class Filter:
    """A filter of slices with one strength."""

    apply: Callable[[FloatArray, float, float], FloatArray]
    """Function of a slice, the strength, and the standard deviation of the noise."""
    strength: str
    """Format string for the strength, with its name and unit."""
    bounds: tuple[float, float] = (0, 0)
    choices: tuple[float, ...] = ()


def lorentzian(image: FloatArray, length: float) -> FloatArray:
    """Divide the spectrum of a slice by 1 + (2 pi l f)², l in pixels.

    Notes
    -----
    Phase retrieval [Paganin et al., J. Microsc. 206, 33 (2002)] has this effect on the noise within a slice: filtering
    every projection is the same as filtering the slice.
    """
    margin = int(np.ceil(9 * length))
    wide = np.pad(image, [(margin, next_fast_len(n + 2 * margin) - n - margin) for n in image.shape], mode="edge")
    smooth = irfft2(rfft2(wide) / optics.paganin(wide.shape, length), s=wide.shape)
    return np.asarray(smooth[margin : margin + image.shape[0], margin : margin + image.shape[1]], dtype=np.float32)


FILTERS: Mapping[str, Filter] = {
    "median": Filter(
        lambda image, radius, _: classical.median(image, radius), "radius {:.1f} px", choices=classical.RADII_2D
    ),
    "tv": Filter(
        lambda image, weight, noise: classical.total_variation(image, weight * noise),
        "weight {:.2f} of the noise",
        (0.1, 4),
    ),
    "nlm": Filter(
        lambda image, h, noise: classical.non_local_means(image, h, 5, 6, noise), "h {:.2f} of the noise", (0.2, 2.5)
    ),
    "paganin": Filter(lambda image, length, _: lorentzian(image, length), "length {:.2f} px", (0.1, 8)),
}
"""Filters by name, as under `compare` in the configuration."""


def gather(filters: Sequence[str], models: Mapping[str, Model], case: Case, evidence: Evidence) -> list[Baseline]:
    """Apply filters and models; without noise there is nothing to tune filters on, so they are skipped."""
    noise = evidence.noise[:, evidence.mask]
    if filters and not (noise.size and noise.std() > 0):
        logs.logger.warning("the filters %s are not compared: the judged slices hold no noise", ", ".join(filters))
        filters = ()
    return [filtered(name, evidence) for name in filters] + [of_model(*item, case) for item in models.items()]


def filtered(name: str, e: Evidence) -> Baseline:
    """Filter the judged slices one by one, with the strength that best predicts unseen data.

    Notes
    -----
    The criterion is the split loss of x_A against x_B, as in the training of the network; it needs no truth. The
    strength is relative to the noise where the filter allows it, since all data have less noise than x_A.
    """
    chosen = FILTERS[name]
    noise = float(np.std(e.noise[:, e.mask]))
    stronger = noise * np.sqrt(e.share(e.groups.whole) / e.shares[0])
    strength = tune(chosen, e.given, e.targets, e.mask, stronger)
    predicted = np.stack([chosen.apply(image, strength, stronger) for image in e.given])
    denoised = np.stack([chosen.apply(image, strength, noise) for image in e.raw])
    return Baseline(name, predicted, denoised, chosen.strength.format(strength))


def of_model(name: str, model: Model, case: Case) -> Baseline:
    """Apply another model to the judged slices; channels are averaged."""
    predicted, denoised = cases.results(replace(case, model=model), case.middle)
    return Baseline(name, predicted.mean(axis=0), denoised.mean(axis=0), f"model, {model.spec.name}")


def tune(chosen: Filter, images: FloatArray, targets: FloatArray, mask: BoolArray, noise: float) -> float:
    """Find the strength with the smallest split loss in a square of the middle slice.

    Parameters
    ----------
    images, targets : (z, y, x) with independent noise.
    mask : (y, x).
    noise : standard deviation of the noise of the images.
    """
    middle = len(images) // 2
    lines = [np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0)]
    centers = [int(line[len(line) // 2]) for line in lines]
    box = tuple(slice(max(center - TUNED // 2, 0), center + TUNED // 2) for center in centers)
    image = images[middle][box]
    target = targets[middle][box][None]

    def loss(strength: float) -> float:
        return merit.split_loss(chosen.apply(image, strength, noise)[None], target, mask[box])

    return classical.least(loss, chosen.bounds, chosen.choices, PRECISION)[1]
