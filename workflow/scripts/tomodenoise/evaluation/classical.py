"""Classical filters at their best strength: tuned with the truth, which a user does not have."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TypeAlias

import numpy as np
from scipy.ndimage import median_filter
from scipy.optimize import minimize_scalar

from tomodenoise.common.arrays import BoolArray, FloatArray
from tomodenoise.metrics.merit import psnr, ssim

TUNING_SLICES = 4
MARGIN = 4  # slices on either side of these that the 3-D filters see
TV_ITERATIONS = 200  # 500 gain only 0.01 dB
PRECISION = 0.03  # of the logarithm of a strength
RADII_2D = tuple(np.sqrt([1, 2, 4, 5, 8, 10, 13]).tolist())  # discs of pixels, each larger than the one before
RADII_3D = tuple(np.sqrt([1, 2, 3, 4, 5, 6, 8]).tolist())
PATCHES_2D = ((5, 2), (5, 3), (5, 4), (5, 6), (7, 3), (7, 6))  # width of a patch, largest distance of two
PATCHES_3D = ((5, 1), (5, 2), (5, 3))

Filter: TypeAlias = Callable[[FloatArray, float], FloatArray]  # of a slice or volume, and a strength


@dataclass(frozen=True, eq=False)
class Result:
    """A filter at its best strength."""

    name: str
    parameters: dict[str, float]  # radius, patch, distance: pixels; weight: of the data range; h: of the noise
    volume: FloatArray  # (z, y, x), filtered
    psnr: float
    ssim: float


@dataclass(frozen=True)
class _Variant:
    """A filter of volumes with one strength to tune."""

    name: str
    apply: Filter
    strength: str
    bounds: tuple[float, float] = (0, 0)
    choices: tuple[float, ...] = ()
    fixed: dict[str, int] = field(default_factory=dict)


def best_filters(noisy: FloatArray, truth: FloatArray, mask: BoolArray, data_range: float) -> list[Result]:
    """Tune median, total variation and non-local means, slice by slice and in 3-D, for the highest PSNR.

    Parameters
    ----------
    noisy, truth : (z, y, x) float32 in the same unit, with some noise.
    mask : (y, x), or (z, y, x) to judge some slices only; the middle ones of these are used for tuning.
    data_range : as in `merit.psnr`.

    Returns
    -------
    One result for each of the six filters, with PSNR and SSIM over the whole mask, best PSNR first.
    """
    image = noisy / np.float32(data_range)
    target = truth / np.float32(data_range)
    inside = np.broadcast_to(mask, image.shape)
    block, judged = _tuning_block(inside)
    best: dict[str, tuple[float, float, _Variant]] = {}
    for variant in _variants(noise=float(np.std((image - target)[inside]))):

        def loss(strength: float, variant: _Variant = variant) -> float:
            return -psnr(variant.apply(image[block], strength), target[block], judged, 1)

        value, strength = least(loss, variant.bounds, variant.choices, PRECISION)
        if variant.name not in best or value < best[variant.name][0]:
            best[variant.name] = value, strength, variant
    results = []
    for name, (_, strength, variant) in best.items():
        volume = variant.apply(image, strength)
        parameters = {variant.strength: strength, **variant.fixed}
        values = psnr(volume, target, inside, 1), ssim(volume, target, inside, 1)
        results.append(Result(name, parameters, volume * np.float32(data_range), *values))
    return sorted(results, key=lambda result: -result.psnr)


def _tuning_block(inside: BoolArray) -> tuple[slice, BoolArray]:
    """Return the middle judged slices with a margin around them, and the mask of the judged ones within."""
    slices = np.flatnonzero(inside.any(axis=(1, 2)))
    first = max(0, (len(slices) - TUNING_SLICES) // 2)
    chosen = slices[first : first + TUNING_SLICES]
    judged = np.zeros_like(inside)
    judged[chosen] = inside[chosen]
    block = slice(max(0, int(chosen[0]) - MARGIN), int(chosen[-1]) + 1 + MARGIN)
    return block, judged[block]


def least(
    loss: Callable[[float], float], bounds: tuple[float, float], choices: Sequence[float], precision: float
) -> tuple[float, float]:
    """Return the smallest loss and its strength: one of the choices if there are any, else between the bounds.

    The precision is that of the strength's logarithm.
    """
    if choices:
        return min((loss(choice), choice) for choice in choices)
    best = minimize_scalar(
        lambda logarithm: loss(float(np.exp(logarithm))),
        bounds=tuple(np.log(bounds).tolist()),
        method="bounded",
        options={"xatol": precision},
    )
    return float(best.fun), float(np.exp(best.x))


def _variants(noise: float) -> list[_Variant]:
    """Return all filters, with bounds around the optimum for noise of this standard deviation."""
    weights = (0.2 * noise, 3 * noise)
    variants = [
        _Variant("median 2-D", _slicewise(median), "radius", choices=RADII_2D),
        _Variant("median 3-D", median, "radius", choices=RADII_3D),
        _Variant("TV 2-D", _slicewise(total_variation), "weight", weights),
        _Variant("TV 3-D", total_variation, "weight", weights),
    ]
    for sizes, dimensions in ((PATCHES_2D, "2-D"), (PATCHES_3D, "3-D")):
        for patch, distance in sizes:
            means: Filter = partial(non_local_means, patch=patch, distance=distance, noise=noise)
            apply = _slicewise(means) if dimensions == "2-D" else means
            fixed = {"patch": patch, "distance": distance}
            variants.append(_Variant(f"NLM {dimensions}", apply, "h", (0.3, 2.0), fixed=fixed))
    return variants


def _slicewise(apply: Filter) -> Filter:
    """Return a filter that treats each slice of a volume independently."""
    return lambda volume, strength: np.stack([apply(image, strength) for image in volume])


def median(image: FloatArray, radius: float) -> FloatArray:
    """Return the median over a disc or ball of pixels, of an image or a volume."""
    reach = int(radius)
    offsets = np.indices((2 * reach + 1,) * image.ndim) - reach
    filtered: FloatArray = median_filter(image, footprint=(offsets**2).sum(axis=0) <= radius**2 + 1e-9)
    return filtered


def total_variation(image: FloatArray, weight: float) -> FloatArray:
    """Return the minimiser of Rudin, Osher and Fatemi's energy, by Chambolle's algorithm (2004) until it converges."""
    from skimage.restoration import denoise_tv_chambolle  # noqa: PLC0415 - a second that other filters need not wait

    filtered: FloatArray = denoise_tv_chambolle(  # type: ignore[no-untyped-call]
        image, weight=weight, eps=0, max_num_iter=TV_ITERATIONS
    )
    return filtered


def non_local_means(image: FloatArray, h: float, patch: int, distance: int, noise: float) -> FloatArray:
    """Return the non-local means of Buades, Coll and Morel (2005); `h` relative to the known noise."""
    from skimage.restoration import denoise_nl_means  # noqa: PLC0415 - as above

    filtered: FloatArray = denoise_nl_means(image, patch, distance, h * noise, fast_mode=True, sigma=noise)
    return filtered
