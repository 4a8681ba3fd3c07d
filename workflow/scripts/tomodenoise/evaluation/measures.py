"""The figures of a scan, each from the images that it is judged by."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from tomodenoise.common.arrays import FloatArray
from tomodenoise.evaluation.evidence import Evidence
from tomodenoise.evaluation.section_groups import union
from tomodenoise.geometry import directions
from tomodenoise.metrics import calibration, contrast, coverage, edges, independence, merit, residuals, rings
from tomodenoise.metrics.support import Unsupported

NO_TWINS = (
    "two sections leave no two to compare beside the one that the network is given: set split.sections: 3 or more"
)
NOT_STORED = "it takes unions of sections that are not reconstructed with this algorithm and this split"
HALF = 0.5
ALIKE = 0.05
"""Shares of the data in two parts that differ by less are halves."""


@dataclass(frozen=True)
class Found:
    """One figure."""

    values: Mapping[str, Any]
    curves: Mapping[str, FloatArray] = field(default_factory=dict)


def _split_loss(e: Evidence) -> Found:
    return Found({"split_loss": merit.split_loss(e.found, e.targets, e.mask)})


def _umse(e: Evidence) -> Found:
    a, b = _twins(e)
    before, after = (merit.umse(image, a, b, e.mask) for image in (e.given, e.found))
    errors = [merit.umse_error(image, a, b, e.mask) for image in (e.given, e.found)]
    return Found(
        {
            "umse": after,
            "umse_error": errors[1],
            "umse_given": before,
            "umse_given_error": errors[0],
            "upsnr": merit.decibels(after, e.scale),
            "upsnr_given": merit.decibels(before, e.scale),
            "range": e.scale,
            "sampling": _sampling(e),
        }
    )


def _fsc(e: Evidence) -> Found:
    if abs(e.shares[0] - e.shares[1]) > ALIKE:
        raise Unsupported(f"the two parts hold {e.shares[0]:.0%} and {e.shares[1]:.0%} of the data and are no halves")
    over = rings.rings(e.mask)
    counts = over.counts(len(e.raw))
    halves, threshold = rings.correlation(e.given, e.targets, over), rings.half_bit(counts)
    cut = rings.resolution(halves, threshold, counts, over.frequency)
    curves = {
        "frequency": over.frequency,
        "halves": halves,
        "half_bit": threshold,
        "full": rings.expected_full(halves),
    }
    values = {"frequency": cut, "resolution": 1 / cut if cut else None}
    return Found(values | {"sampled_to": _sampled_to(e, over)}, curves)


def _cross_frc(e: Evidence) -> Found:
    a, b = _twins(e)
    over = rings.rings(e.mask)
    found = rings.correlation(e.found, a, over), rings.correlation(e.found, b, over)
    targets = rings.correlation(a, b, over)
    curve = rings.cross(found, targets, over.counts(len(a)))
    valid = np.flatnonzero(np.isfinite(curve))
    if not len(valid):
        raise Unsupported(f"two targets correlate by less than {rings.VALID} at every frequency: noise is too strong")
    low = valid[curve[valid] < HALF]
    values = {
        "valid_to": float(over.frequency[valid[-1]]),
        "valid": len(valid) / len(curve),
        "half": float(over.frequency[low[0]]) if len(low) else None,
    }
    curves = {"frequency": over.frequency, "network": curve, "targets": targets}
    if e.truth is not None:
        curves["truth"] = rings.correlation(e.found, e.truth, over)
        values["off_truth"] = float(np.nanmax(np.abs(curve - curves["truth"])))
    return Found(values, curves)


def _calibration(e: Evidence) -> Found:
    line = calibration.calibrate(e.found, e.targets, e.mask)
    values = {"slope": line.slope, "slope_error": line.slope_error, "intercept": line.intercept, "range": e.scale}
    values["sampling"] = _sampling(e)
    return Found(values, {"levels": line.levels, "means": line.means, "errors": line.errors})


def _contrast(e: Evidence) -> Found:
    low, high = contrast.classes(e.opposite, e.mask)
    found: dict[str, float] = {
        name: float(e.denoised[side].mean(dtype=float)) for name, side in (("dark", low), ("bright", high))
    }
    found |= {"dark_pixels": int(low.sum()), "bright_pixels": int(high.sum())}
    ratios = {name: contrast.cnr(image, low, high) for name, image in (("raw", e.raw), ("denoised", e.denoised))}
    if not all(map(np.isfinite, ratios.values())):
        raise Unsupported("grey values do not vary within the two classes")
    return Found(found | ratios)


def _edges(e: Evidence) -> Found:
    # Not in all data: the noise of the part where edges were found would place them, and sharpen raw ones by a sixth.
    places = edges.detect(e.opposite, e.mask)
    found = {name: edges.measure(image, places) for name, image in (("raw", e.given), ("denoised", e.found))}
    values: dict[str, float] = {"edges": len(places.places)}
    for name, width in found.items():
        values |= {name: width.fwhm, f"{name}_spread": width.spread}
    return Found(values, {"offset": edges.OFFSETS, **{name: width.profile for name, width in found.items()}})


def _spectrum(e: Evidence) -> Found:
    over = rings.rings(e.mask)
    images = {"raw": e.raw, "denoised": e.denoised, "residual": e.raw - e.denoised, "noise": e.noise}
    curves = {name: rings.power(image, over) for name, image in images.items()}
    return Found({}, {"frequency": over.frequency, **curves})


def _residual(e: Evidence) -> Found:
    found = asdict(residuals.examine(e.raw, e.denoised, e.noise, e.mask))
    curves = {name: found.pop(name) for name in ("levels", "means", "errors")}
    if not e.agreement.holds_sample:
        found["outline"] = None
    middle = len(e.raw) // 2
    return Found(found, curves | {"picture": e.raw[middle] - e.denoised[middle]})


def _independence(e: Evidence) -> Found:
    if not e.neighbours:
        raise Unsupported(NO_TWINS if len(e.split.sections) == 2 else NOT_STORED)
    zones = independence.by_radius(e.neighbours, e.mask)
    share = None
    if e.setting.flats and e.setting.filtered:
        views = len(e.split.sections[0].indices)
        turn = directions.is_full_turn(np.concatenate([section.angles for section in e.split.sections]))
        every = independence.flats_share(views, e.setting.flats, _transmission(e), e.setting.window, full_turn=turn)
        inner = [zone.inner for zone in zones]
        share = [part for part, (start, _) in zip(every, independence.ZONES, strict=True) if start in inner]
    values: dict[str, Any] = {"zones": [asdict(zone) for zone in zones], "flats": e.setting.flats, "flats_share": share}
    if e.apart:
        values["in_time"], values["in_time_error"] = independence.excess(zones, independence.by_radius(e.apart, e.mask))
    return Found(values)


def _coverage(e: Evidence) -> Found:
    given = union(e.split, e.parts.given)
    return Found(asdict(coverage.cover(e.split, e.raw.shape[-1])) | {"given": given})


def _counts(e: Evidence) -> Found:
    if e.setting.fewest_photons is None:
        raise Unsupported("the file holds no counts with flats, or the detector's gain is not known")
    return Found({"fewest_photons": e.setting.fewest_photons, "low_photons": e.setting.low_photons})


def _truth(e: Evidence) -> Found:
    if e.truth is None:
        raise Unsupported("no truth is given")
    values: dict[str, float] = {"range": e.scale}
    images = {"raw": e.raw, "denoised": e.denoised, "half": e.found}
    for name, image in images.items():
        values[f"psnr_{name}"] = merit.psnr(image, e.truth, e.mask, e.scale)
        values[f"ssim_{name}"] = _or_nan(lambda image=image: merit.ssim(image, e.truth, e.mask, e.scale))  # type: ignore[misc]
        values[f"mse_{name}"] = merit.split_loss(image, e.truth, e.mask)
    try:
        over = rings.rings(e.mask)
    except Unsupported:
        return Found(values)
    curves = {name: rings.correlation(image, e.truth, over) for name, image in images.items()}
    return Found(values, {"frequency": over.frequency, **curves})


def _sample(e: Evidence) -> Found:
    found = e.agreement
    ratio = found.shared / found.noise if found.noise else None
    return Found({"agreement": ratio, "holds": found.holds_sample})


def _or_nan(compute: Callable[[], float]) -> float:
    try:
        return compute()
    except Unsupported:
        return float("nan")


def _sampling(e: Evidence) -> float:
    """Projections per section and column."""
    return coverage.cover(e.split, e.raw.shape[-1]).sampling


def _sampled_to(e: Evidence, over: rings.Rings) -> float:
    """Frequency up to which the fewer angles of the two parts sample what is judged, cycles per pixel.

    Angles π/N apart are fD apart in units of 1/D at the frequency f, for a slice of diameter D [Crowther et al., Proc.
    R. Soc. A 317, 319 (1970)].
    """
    views = min(union(e.split, part) for part in (e.parts.given, e.parts.targets))
    turn = directions.is_full_turn(np.concatenate([section.angles for section in e.split.sections]))
    return float(views / (np.pi * max(over.window.shape)) / (2 if turn else 1))


def _twins(e: Evidence) -> tuple[FloatArray, FloatArray]:
    if e.twins is None:
        raise Unsupported(NO_TWINS)
    return e.twins


def _transmission(e: Evidence) -> float:
    """Share of the light that passes the sample on its way through the axis; a harmonic mean, as variances add."""
    middle = e.raw.shape[-1] // 2
    inside = e.denoised * e.mask
    rays = np.concatenate([inside[:, middle].sum(axis=-1), inside[:, :, middle].sum(axis=-1)])
    return float(1 / np.mean(np.exp(np.clip(rays, 0, 20))))


FIGURES: Mapping[str, Callable[[Evidence], Found]] = {
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
    "coverage": _coverage,
    "counts": _counts,
    "truth": _truth,
}
