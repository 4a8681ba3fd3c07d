"""Comparison of the raw slices, the network's and those of baselines by the same figures and the same region."""

from collections.abc import Sequence

from scipy.ndimage import gaussian_gradient_magnitude

from tomodenoise.common.arrays import BoolArray, FloatArray
from tomodenoise.common.blocks import busiest_square
from tomodenoise.evaluation.baselines import Baseline
from tomodenoise.evaluation.evidence import Evidence
from tomodenoise.evaluation.figures_of_merit import Figure, if_any
from tomodenoise.metrics import calibration, contrast, edges, merit, residuals

SHOWN = 256
"""Edge of the square that is shown, pixels."""


def compare(e: Evidence, baselines: Sequence[Baseline]) -> Figure | None:
    """Compute the same figures for all.

    Returns
    -------
    `columns`: name to figures, None where one is not supported; and curves: name to the same square of the middle
    slice. None if there are no baselines, no sample, or slices that are not finite.
    """
    if not baselines or e.finite is not e or not e.agreement.holds_sample:
        return None
    places = if_any(lambda: edges.detect(e.opposite, e.mask))
    sides = if_any(lambda: contrast.classes(e.opposite, e.mask))
    raw = Baseline("raw", e.given, e.raw, "")
    network = Baseline("network", e.predicted, e.denoised, "")
    compared = [raw, network, *baselines]
    columns = {result.name: {"setting": result.setting} | _figures(e, result, places, sides) for result in compared}
    middle = len(e.raw) // 2
    box = region(e.opposite[middle], e.mask)
    pictures = {result.name: result.denoised[middle][box] for result in compared}
    return Figure({"columns": columns}, pictures | ({} if e.truth is None else {"truth": e.truth[middle][box]}))


def region(image: FloatArray, mask: BoolArray) -> tuple[slice, slice]:
    """Find the square with the most edges."""
    side = min(SHOWN, *image.shape)
    return busiest_square(gaussian_gradient_magnitude(image, 1.5) * mask, side)


def _figures(
    e: Evidence, result: Baseline, places: edges.Edges | None, sides: tuple[BoolArray, BoolArray] | None
) -> dict[str, float | None]:
    predicted = result.predicted
    values: dict[str, float | None] = {"split_loss": merit.split_loss(predicted, e.targets, e.mask)}
    values["upsnr"] = merit.decibels(merit.umse(predicted, *e.twins, e.mask), e.scale) if e.twins else None
    values["slope"] = if_any(lambda: calibration.calibrate(predicted, e.targets, e.mask).slope)
    values["contrast"] = contrast.cnr(result.denoised, *sides) if sides else None
    values["edges"] = if_any(lambda: edges.measure(predicted, places).fwhm) if places else None
    if result.name != "raw":
        residual = residuals.examine(e.raw, result.denoised, e.noise, e.mask)
        values["residual"] = residual.at_edges - residual.noise_at_edges
    if (truth := e.truth) is not None:
        values["psnr"] = merit.psnr(result.denoised, truth, e.mask, e.scale)
        values["ssim"] = if_any(lambda: merit.ssim(result.denoised, truth, e.mask, e.scale))
    return values
