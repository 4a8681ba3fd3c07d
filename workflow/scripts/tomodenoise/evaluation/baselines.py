"""What else could have denoised the same slices: classical filters, and other models."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.fft import irfft2, next_fast_len, rfft2
from scipy.optimize import minimize_scalar

from tomodenoise.common import logs, optics
from tomodenoise.common.arrays import FloatArray
from tomodenoise.evaluation import classical
from tomodenoise.evaluation.cases import Case, whole
from tomodenoise.evaluation.evidence import Evidence
from tomodenoise.metrics import merit
from tomodenoise.networks.models import Model

PRECISION = 0.1
"""Of the logarithm of a strength."""

TUNED = 384
"""Edge of the square in which a filter is tuned, pixels."""


@dataclass(frozen=True, eq=False)
class Rival:
    """What a filter or a model makes of the judged slices, (z, y, x) each."""

    name: str
    found: FloatArray
    """Of x_A."""
    denoised: FloatArray
    """Of all data."""
    told: str
    """Its strength, for a person."""


@dataclass(frozen=True)
class Filter:
    """A filter of slices with one strength."""

    apply: Callable[[FloatArray, float, float], FloatArray]
    """Of a slice, the strength, and the deviation of the noise."""
    strength: str
    """Its name and unit, with a place for the number."""
    bounds: tuple[float, float]
    choices: tuple[float, ...] = ()
    """Where strengths come in steps."""


def lorentzian(image: FloatArray, length: float) -> FloatArray:
    """Divide the spectrum of a slice by 1 + (2 pi l f)², l in pixels.

    Notes
    -----
    What phase retrieval [Paganin et al., J. Microsc. 206, 33 (2002)] does to the noise of a slice, in its plane: the
    same filter on every projection is this one on the slice.
    """
    margin = int(np.ceil(9 * length))
    wide = np.pad(image, [(margin, next_fast_len(n + 2 * margin) - n - margin) for n in image.shape], mode="edge")
    smooth = irfft2(rfft2(wide) / optics.paganin(wide.shape, length), s=wide.shape)
    return np.asarray(smooth[margin : margin + image.shape[0], margin : margin + image.shape[1]], dtype=np.float32)


FILTERS: Mapping[str, Filter] = {
    "median": Filter(
        lambda image, radius, _: classical.median(image, radius), "radius {:.1f} px", (0, 0), classical.RADII_2D
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
"""As `compare` of the configuration names them."""


def gather(filters: Sequence[str], models: Mapping[str, Model], case: Case, evidence: Evidence) -> list[Rival]:
    """Apply filters, see `filtered`, and models, see `of_model`; no filter where there is no noise to tune it on."""
    noise = evidence.noise[:, evidence.mask]
    if filters and not (noise.size and noise.std() > 0):
        logs.logger.warning("the filters %s are not compared: the judged slices hold no noise", ", ".join(filters))
        filters = ()
    found = [filtered(name, evidence) for name in filters]
    return found + [of_model(name, model, case) for name, model in models.items()]


def filtered(name: str, evidence: Evidence) -> Rival:
    """Filter the judged slices one by one, with the strength that predicts data best that the filter did not see.

    Notes
    -----
    The least split loss of x_A against x_B: the way in which the network learned, and no truth is needed. The strength
    is in units of the noise where the filter has such a unit, since all data have less noise than x_A.
    """
    chosen, e = FILTERS[name], evidence
    noise = float(np.std(e.noise[:, e.mask]))
    stronger = noise * np.sqrt(e.share / e.shares[0])
    strength = _tune(chosen, e, stronger)
    found, denoised = (
        np.stack([chosen.apply(image, strength, level) for image in images])
        for images, level in ((e.given, stronger), (e.raw, noise))
    )
    return Rival(name, found, denoised, chosen.strength.format(strength))


def of_model(name: str, model: Model, case: Case) -> Rival:
    """Apply another model to what is judged."""
    made = whole(replace(case, model=model), pairs=False)
    return Rival(name, made.found, made.denoised, f"model, {model.spec.name}")


def _tune(chosen: Filter, e: Evidence, noise: float) -> float:
    """Find the strength of the least split loss in a square of the middle slice."""
    middle = len(e.given) // 2
    rows, columns = (np.flatnonzero(e.mask.any(axis=axis)) for axis in (1, 0))
    y, x = (int(line[len(line) // 2]) for line in (rows, columns))
    box = tuple(slice(max(at - TUNED // 2, 0), at + TUNED // 2) for at in (y, x))
    image, target, mask = e.given[middle][box], e.targets[middle][box], e.mask[box]

    def loss(strength: float) -> float:
        return merit.split_loss(chosen.apply(image, strength, noise)[None], target[None], mask)

    if chosen.choices:
        return min(chosen.choices, key=loss)
    found = minimize_scalar(
        lambda logarithm: loss(float(np.exp(logarithm))),
        bounds=(float(np.log(chosen.bounds[0])), float(np.log(chosen.bounds[1]))),
        method="bounded",
        options={"xatol": PRECISION},
    )
    return float(np.exp(found.x))
