"""Find the center of rotation from the projections alone, and say how sure that is."""

from dataclasses import dataclass

import numpy as np

from tomodenoise.arrays import FloatArray
from tomodenoise.centering.circle import covers_circle, opposite
from tomodenoise.centering.estimators import Estimate, mirror, moments, ready, seam

MANY_PAIRS = 16  # from here on the pairs alone beat the seam


@dataclass(frozen=True)
class Center:
    """The center, who found it, and what there is to say against it."""

    center: float  # pixels, leftmost pixel's centre = 0
    method: str
    estimates: tuple[Estimate, ...]  # the chosen one first
    warning: str | None


def find(sinograms: FloatArray, angles: FloatArray) -> Center:
    pairs, whole = opposite(angles), covers_circle(angles)
    columns = sinograms.shape[-1]
    views = ready(sinograms, whole_circle=whole)
    found = [moments(views, angles)]
    if len(pairs):
        found.insert(0, mirror(views, angles, pairs, columns // 8 if whole else columns // 2))
    if 0 < len(pairs) < MANY_PAIRS <= len(angles):
        found.insert(0, seam(views, angles, found[0][0].center))
    found.sort(key=lambda one: one[0].spread is None)
    estimates = [e for e, _ in found]
    chosen, *others = estimates
    return Center(chosen.center, chosen.method, tuple(estimates), _warning(chosen, others))


def overrule(found: Center, center: float) -> Center:
    """Put a person's number in place of what was found, with a warning where trusted estimates are far from it."""
    trusted = [e for e in found.estimates if e.spread is not None and abs(e.center - center) > 1 + e.spread]
    told = ", ".join(f"{estimate.method} {estimate.center:.2f}" for estimate in trusted)
    warning = f"the config's center {center:.2f} is more than a pixel from what was found: {told}" if trusted else None
    return Center(center, "config", found.estimates, warning)


def _warning(chosen: Estimate, others: list[Estimate]) -> str | None:
    said = f"{chosen.method} says {chosen.center:.2f}"
    if chosen.spread is None:
        return f"the center cannot be found: {said}, but nothing supports it; give `center` in pixels"
    apart = [
        f"{other.method} says {other.center:.2f}"
        for other in others
        if other.spread is not None and abs(other.center - chosen.center) > max(1, other.spread + chosen.spread)
    ]
    if apart:
        return f"the estimates of the center differ by more than a pixel: {', '.join([said, *apart])}"
    if chosen.spread > 0.5:
        return f"the center is uncertain: {said}, give or take {chosen.spread:.1f} pixels"
    return None
