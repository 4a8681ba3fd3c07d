"""The raw slices, the network's, and those of others, side by side: the same figures and the same place."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import numpy as np
from scipy.ndimage import gaussian_gradient_magnitude, uniform_filter

from tomodenoise.common.arrays import BoolArray, FloatArray
from tomodenoise.evaluation.baselines import Rival
from tomodenoise.evaluation.evidence import Evidence
from tomodenoise.metrics import calibration, contrast, edges, merit, residuals
from tomodenoise.metrics.support import Unsupported

T = TypeVar("T")

SHOWN = 256
"""Edge of the square that is shown of each, pixels."""


def columns(e: Evidence, rivals: Sequence[Rival]) -> tuple[dict[str, Any], dict[str, FloatArray]]:
    """Judge all in the same way.

    Returns
    -------
    Name to figures, None where one cannot be had; and name to the picture of the same square of the middle slice.
    """
    places = _if_any(lambda: edges.detect(e.opposite, e.mask))
    sides = _if_any(lambda: contrast.classes(e.opposite, e.mask))
    images = {"raw": (e.given, e.raw), "network": (e.found, e.denoised)}
    images |= {rival.name: (rival.found, rival.denoised) for rival in rivals}
    told = {rival.name: rival.told for rival in rivals}
    found = {name: {"told": told.get(name, "")} | _figures(e, *pair, places, sides) for name, pair in images.items()}
    middle, box = len(e.raw) // 2, region(e.opposite[len(e.raw) // 2], e.mask)
    pictures = {name: denoised[middle][box] for name, (_, denoised) in images.items()}
    return found, pictures | ({} if e.truth is None else {"truth": e.truth[middle][box]})


def region(image: FloatArray, mask: BoolArray) -> tuple[slice, slice]:
    """Find the square with the most edges."""
    side = min(SHOWN, *image.shape)
    strength = uniform_filter(gaussian_gradient_magnitude(image, 1.5) * mask, side, mode="constant")
    half = side // 2
    inner = strength[half : image.shape[0] - side + half + 1, half : image.shape[1] - side + half + 1]
    y, x = (int(start) for start in np.unravel_index(np.argmax(inner), inner.shape))
    return slice(y, y + side), slice(x, x + side)


def _figures(
    e: Evidence,
    found: FloatArray,
    denoised: FloatArray,
    places: edges.Edges | None,
    sides: tuple[BoolArray, BoolArray] | None,
) -> dict[str, float | None]:
    values: dict[str, float | None] = {"split_loss": merit.split_loss(found, e.targets, e.mask)}
    values["upsnr"] = merit.decibels(merit.umse(found, *e.twins, e.mask), e.scale) if e.twins else None
    values["slope"] = _if_any(lambda: calibration.calibrate(found, e.targets, e.mask).slope)
    values["contrast"] = contrast.cnr(denoised, *sides) if sides else None
    values["edges"] = _if_any(lambda: edges.measure(found, places).fwhm) if places else None
    if denoised is not e.raw:
        left = residuals.examine(e.raw, denoised, e.noise, e.mask)
        values["residual"] = left.at_edges - left.noise_at_edges
    if (truth := e.truth) is not None:
        values["psnr"] = merit.psnr(denoised, truth, e.mask, e.scale)
        values["ssim"] = _if_any(lambda: merit.ssim(denoised, truth, e.mask, e.scale))
    return values


def _if_any(compute: Callable[[], T]) -> T | None:
    try:
        return compute()
    except Unsupported:
        return None
