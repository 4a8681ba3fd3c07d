"""Figures of merit of a scan, each computed from the evidence, or the reason why it is absent."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, TypeVar

import numpy as np

from tomodenoise.common.arrays import FloatArray
from tomodenoise.evaluation.evidence import Evidence, Pair
from tomodenoise.metrics import calibration, contrast, edges, independence, merit, residuals, rings
from tomodenoise.metrics.support import Unsupported

T = TypeVar("T")

NO_TWINS = "it needs three sections, one for the network and two to compare: set split.sections: 3 or more"
NOT_STORED = "it needs unions of sections that are not reconstructed with this algorithm and this split"
NO_SAMPLE = "the judged rows hold no sample that both halves of the data show"
WHOLE_STEPS = {
    "input": "the network sees whole steps only",
    "independence": "each step is a separate reconstruction, and change from step to step looks like shared noise",
    "coverage": "the angles belong to single steps: see the facts of the scan",
}
"""Figures that are not available where whole time steps predict each other, with the reason."""

# Meaningless on noise alone.
OF_SAMPLE = frozenset({"umse", "fsc", "cross_frc", "calibration", "contrast", "edges", "input"})
WITHOUT_PIXELS = frozenset({"sample", "coverage", "counts"})
ALIKE = 0.05  # two parts of the data are halves if their shares differ by no more than this


@dataclass(frozen=True)
class Figure:
    """One figure of merit."""

    values: Mapping[str, Any]
    curves: Mapping[str, FloatArray] = field(default_factory=dict)


@dataclass(frozen=True)
class Judgement:
    """All figures of merit of a model on a scan."""

    figures: Mapping[str, Figure]
    absent: Mapping[str, str]
    """Name of a figure to the reason."""

    @property
    def values(self) -> dict[str, Mapping[str, Any]]:
        """Name of each figure to its values."""
        return {name: figure.values for name, figure in self.figures.items()}

    @property
    def curves(self) -> dict[str, FloatArray]:
        """All curves, named `figure/curve`."""
        return {
            f"{name}/{curve}": array.astype(np.float32)
            for name, figure in self.figures.items()
            for curve, array in figure.curves.items()
        }


def judge(evidence: Evidence, names: Collection[str] = ()) -> Judgement:
    """Compute every figure that the evidence supports, or only those named, on the slices that are finite."""
    used = evidence.finite
    figures = {}
    absent = {}
    for name in names or FIGURES:
        try:
            _check(used, name)
            figures[name] = FIGURES[name](used)
        except Unsupported as reason:
            absent[name] = str(reason)
    if "sample" in figures:
        left_out = evidence.stored.shape[-3] - used.stored.shape[-3]
        figures["sample"] = Figure({**figures["sample"].values, "left_out": left_out})
    return Judgement(figures, absent)


def if_any(compute: Callable[[], T]) -> T | None:
    """Compute a figure; None where the data do not support it."""
    try:
        return compute()
    except Unsupported:
        return None


def _check(e: Evidence, name: str) -> None:
    """Raise `Unsupported` for a figure that these slices cannot support."""
    if name in WHOLE_STEPS and e.groups.whole == e.groups.given:
        raise Unsupported(WHOLE_STEPS[name])
    if name in WITHOUT_PIXELS:
        return
    if not len(e.raw):
        raise Unsupported("all judged slices hold values that are not finite")
    if not e.mask.any():
        raise Unsupported("no pixel is judged")
    if name in OF_SAMPLE and not e.agreement.holds_sample:
        raise Unsupported(NO_SAMPLE)


def _sample(e: Evidence) -> Figure:
    ratio = e.agreement.shared / e.agreement.noise if e.agreement.noise else None
    return Figure({"agreement": ratio, "holds": e.agreement.holds_sample})


def _split_loss(e: Evidence) -> Figure:
    return Figure({"split_loss": merit.split_loss(e.predicted, e.targets, e.mask)})


def _umse(e: Evidence) -> Figure:
    a, b = _twins(e)
    values = {}
    for suffix, image in (("", e.predicted), ("_given", e.given)):
        error, spread = merit.umse_with_error(image, a, b, e.mask)
        values[f"umse{suffix}"] = error
        values[f"umse{suffix}_error"] = spread
        values[f"upsnr{suffix}"] = merit.decibels(error, e.scale)
    return Figure(values | {"range": e.scale, "sampling": e.coverage.sampling})


def _fsc(e: Evidence) -> Figure:
    if abs(e.shares[0] - e.shares[1]) > ALIKE:
        raise Unsupported(f"the two parts hold {e.shares[0]:.0%} and {e.shares[1]:.0%} of the data, not half each")
    over = rings.rings(e.mask)
    counts = over.counts(len(e.raw))
    halves = rings.correlation(e.given, e.targets, over)
    threshold = rings.half_bit(counts)
    cut = rings.resolution(halves, threshold, counts, over.frequency)
    values = {"frequency": cut, "resolution": 1 / cut if cut else None, "sampled_to": _sampled_to(e, over)}
    full = rings.expected_full(halves)
    return Figure(values, {"frequency": over.frequency, "halves": halves, "half_bit": threshold, "full": full})


def _cross_frc(e: Evidence) -> Figure:
    twins = _twins(e)
    over = rings.rings(e.mask)
    found = rings.cross(e.predicted, *twins, over)
    if found.valid_to is None:
        raise Unsupported(f"two targets correlate by less than {rings.VALID} at every frequency: noise is too strong")
    values = {"valid_to": found.valid_to, "valid": float(np.isfinite(found.curve).mean()), "half": found.half}
    curves = {"frequency": over.frequency, "network": found.curve, "targets": found.targets}
    if e.truth is not None:
        curves["truth"] = rings.correlation(e.predicted, e.truth, over)
        values["off_truth"] = float(np.nanmax(np.abs(found.curve - curves["truth"])))
    return Figure(values, curves)


def _calibration(e: Evidence) -> Figure:
    values, curves = _parted(calibration.calibrate(e.predicted, e.targets, e.mask))
    return Figure(values | {"range": e.scale, "sampling": e.coverage.sampling}, curves)


def _contrast(e: Evidence) -> Figure:
    low, high = contrast.classes(e.opposite, e.mask)
    values: dict[str, float] = {}
    for name, side in (("dark", low), ("bright", high)):
        values[name] = float(e.denoised[side].mean(dtype=float))
        values[f"{name}_pixels"] = int(side.sum())
    ratios = {name: contrast.cnr(image, low, high) for name, image in (("raw", e.raw), ("denoised", e.denoised))}
    if not all(map(np.isfinite, ratios.values())):
        raise Unsupported("grey values do not vary within the two classes")
    return Figure(values | ratios)


def _edges(e: Evidence) -> Figure:
    # Not measured in all data: edges were found in part of it, whose noise would make raw edges look sharper.
    places = edges.detect(e.opposite, e.mask)
    widths = {name: edges.measure(image, places) for name, image in (("raw", e.given), ("denoised", e.predicted))}
    values: dict[str, float] = {"edges": len(places.places)}
    for name, width in widths.items():
        values |= {name: width.fwhm, f"{name}_spread": width.spread}
    return Figure(values, {"offset": edges.OFFSETS, **{name: width.profile for name, width in widths.items()}})


def _spectrum(e: Evidence) -> Figure:
    over = rings.rings(e.mask)
    images = {"raw": e.raw, "denoised": e.denoised, "residual": e.raw - e.denoised, "noise": e.noise}
    return Figure({}, {"frequency": over.frequency, **{name: rings.power(i, over) for name, i in images.items()}})


def _residual(e: Evidence) -> Figure:
    values, curves = _parted(residuals.examine(e.raw, e.denoised, e.noise, e.mask))
    if not e.agreement.holds_sample:
        values["outline"] = None
    middle = len(e.raw) // 2
    return Figure(values, curves | {"picture": e.raw[middle] - e.denoised[middle]})


def _independence(e: Evidence) -> Figure:
    if not e.neighbours:
        raise Unsupported(NO_TWINS if e.groups.twins is None else NOT_STORED)
    zones = independence.by_radius(e.neighbours, e.mask)
    share = None
    flats = e.acquisition.flats if e.acquisition.shared else None
    if flats and e.acquisition.filtered:
        views = e.projections((0,))
        turn = e.coverage.full_turn
        shares = independence.flats_share(views, flats, _transmission(e), e.acquisition.window, full_turn=turn)
        inner = [zone.inner for zone in zones]
        share = [part for part, (start, _) in zip(shares, independence.ZONES, strict=True) if start in inner]
    values: dict[str, Any] = {"zones": [asdict(zone) for zone in zones], "flats": flats, "flats_share": share}
    if e.apart:
        values["in_time"], values["in_time_error"] = independence.excess(zones, independence.by_radius(e.apart, e.mask))
    return Figure(values)


def _input(e: Evidence) -> Figure:
    if e.inputs is None:
        raise Unsupported(NO_TWINS if e.groups.twins is None else NOT_STORED)
    together, parts = (image[np.broadcast_to(e.mask, image.shape)].astype(float) for image in e.inputs)
    # The unseen section's noise cancels in the mean.
    gain = np.square(parts) - np.square(together)
    values = {"gain": float(gain.mean()), "gain_error": float(gain.std() / np.sqrt(gain.size))}
    return Figure(values | {"umse": merit.umse(e.predicted, *_twins(e), e.mask)})


def _coverage(e: Evidence) -> Figure:
    return Figure(asdict(e.coverage) | {"given": e.projections(e.groups.given)})


def _counts(e: Evidence) -> Figure:
    fewest = e.acquisition.fewest_photons
    if fewest is None:
        raise Unsupported("the file holds no counts with flats, or the detector's gain is unknown")
    return Figure({"fewest_photons": fewest, "low_photons": e.acquisition.low_photons})


def _truth(e: Evidence) -> Figure:
    truth = e.truth
    if truth is None:
        raise Unsupported("no truth is given")
    images = {"raw": e.raw, "denoised": e.denoised, "half": e.predicted}
    values: dict[str, float | None] = {"range": e.scale}
    for name, image in images.items():
        values[f"psnr_{name}"] = merit.psnr(image, truth, e.mask, e.scale)
        values[f"ssim_{name}"] = if_any(lambda image=image: merit.ssim(image, truth, e.mask, e.scale))  # type: ignore[misc]
        values[f"mse_{name}"] = merit.split_loss(image, truth, e.mask)
    over = if_any(lambda: rings.rings(e.mask))
    if over is None:
        return Figure(values)
    curves = {name: rings.correlation(image, truth, over) for name, image in images.items()}
    return Figure(values, {"frequency": over.frequency, **curves})


def _parted(result: calibration.Calibration | residuals.Residual) -> tuple[dict[str, Any], dict[str, FloatArray]]:
    """Split a result into its numbers and its curves over grey levels."""
    values = asdict(result)
    return values, {name: values.pop(name) for name in ("levels", "means", "errors")}


def _sampled_to(e: Evidence, over: rings.Rings) -> float:
    """Return the frequency up to which the part with fewer angles samples the judged region, cycles per pixel.

    At the frequency f, angles π/N apart are πfD/N apart in units of 1/D, for a slice of diameter D [Crowther et al.,
    Proc. R. Soc. A 317, 319 (1970)].
    """
    views = min(e.projections(members) for members in (e.groups.given, e.groups.targets))
    return float(views / (np.pi * max(over.window.shape)) / (2 if e.coverage.full_turn else 1))


def _twins(e: Evidence) -> Pair:
    if e.twins is None:
        raise Unsupported(NO_TWINS)
    return e.twins


def _transmission(e: Evidence) -> float:
    """Return the transmission along rays through the axis; a harmonic mean, as variances add."""
    middle = e.raw.shape[-1] // 2
    inside = e.denoised * e.mask
    rays = np.concatenate([inside[:, middle].sum(axis=-1), inside[:, :, middle].sum(axis=-1)])
    return float(1 / np.mean(np.exp(np.clip(rays, 0, 20))))


FIGURES: Mapping[str, Callable[[Evidence], Figure]] = {
    "sample": _sample,
    "split_loss": _split_loss,
    "umse": _umse,
    "fsc": _fsc,
    "cross_frc": _cross_frc,
    "calibration": _calibration,
    "contrast": _contrast,
    "edges": _edges,
    "spectrum": _spectrum,
    "residual": _residual,
    "independence": _independence,
    "input": _input,
    "coverage": _coverage,
    "counts": _counts,
    "truth": _truth,
}
