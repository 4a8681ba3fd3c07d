"""Find the center of rotation from the projections alone, and say how sure that is."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from tomodenoise import directions
from tomodenoise.arrays import FloatArray, IntArray
from tomodenoise.centering.circle import opposite
from tomodenoise.centering.estimators import Estimate, Views, mirror, moments, ready, seam
from tomodenoise.centering.tilting import Line, differ, line

MANY_PAIRS = 16  # from here on the pairs alone beat the seam
SYSTEMATIC = {"moments": 0.15}  # pixels: what no scatter shows, a background that is not zero above all


@dataclass(frozen=True)
class Center:
    """The center, who found it, how sure that is, and what there is to say against it."""

    center: float  # pixels, leftmost pixel's centre = 0; in `row` where the axis is tilted
    method: str
    estimates: tuple[Estimate, ...]  # the chosen one first
    warning: str | None
    confidence: str = ""  # one line for a person
    row: float = 0.0  # of the volume: that which `center` is for
    tilt: float = 0.0  # columns per row, as it is applied
    tilt_found: float | None = None  # columns per row, as it was measured; None: too few rows
    tilt_error: float | None = None  # its standard error
    height: float = 0.0  # rows between the first and the last that were looked at


def find(sinograms: FloatArray, angles: FloatArray, rows: IntArray | None = None) -> Center:
    """Find the column of the rotation axis.

    A scan whose views cover the whole circle is searched to 1/16 of the columns from either edge, for half
    acquisition; any other within the middle half of the detector.

    Parameters
    ----------
    sinograms : (row, angle, column) float32, line integrals; some dozen rows, spread over the sample, are enough.
    angles : (angle,) radians, in acquisition order; any range, any order.
    rows : (row,) ascending, where in the volume these rows lie; 0, 1, 2 … where it is absent.

    Returns
    -------
    The center in the middle between the first and the last row, a tilt of zero and what was found of it. The warning
    (one line) tells where no estimate can be trusted, where the estimates differ by more than a pixel, or where the
    chosen one is uncertain by more than half a pixel.
    """
    rows = np.arange(len(sinograms)) if rows is None else rows
    pairs, whole = opposite(angles), directions.is_full_turn(angles)
    columns = sinograms.shape[-1]
    views = ready(sinograms, whole_circle=whole)
    found = [moments(views, angles)]
    if len(pairs):
        found.insert(0, mirror(views, angles, pairs, columns // 8 if whole else columns // 2))
    if 0 < len(pairs) < MANY_PAIRS <= len(angles) and found[0][0].spread is not None:
        found.insert(0, seam(views, angles, found[0][0].center))
    lines = sorted((_along(*one, views, rows) for one in found), key=lambda one: _doubt(one[0]))
    estimates = tuple(estimate for estimate, _ in lines)
    (chosen, leaning), others = lines[0], estimates[1:]
    return Center(
        chosen.center, chosen.method, estimates, _warning(chosen, others), _confidence(chosen, others),
        row=float(rows[0] + rows[-1]) / 2, height=float(rows[-1] - rows[0]),
        tilt_found=leaning.tilt if leaning else None, tilt_error=leaning.tilt_error if leaning else None,
    )  # fmt: skip


def settle(found: Center, center: float | str, tilt: float | str) -> Center:
    """Put the config's numbers in place of what was found, unless they are "auto"; see `overrule` and `lean`."""
    return lean(found if center == "auto" else overrule(found, float(center)), tilt)


def overrule(found: Center, center: float) -> Center:
    """Put a person's number in place of what was found, with a warning where trusted estimates are far from it."""
    trusted = [e for e in found.estimates if e.spread is not None and abs(e.center - center) > 1 + e.spread]
    told = ", ".join(f"{estimate.method} {estimate.center:.2f}" for estimate in trusted)
    warning = f"the config's center {center:.2f} is more than a pixel from what was found: {told}" if trusted else None
    return replace(found, center=center, method="config", warning=warning, confidence="as the config says")


def lean(found: Center, tilt: float | str) -> Center:
    """Apply the config's tilt, columns per row, or with "auto" the one that was found; warn where they differ.

    A tilt counts as found if it is beyond four of its standard errors and half a pixel over the height; else it is 0.
    """
    clear = _clear(found, 0.0)
    if tilt == "auto":
        return replace(found, tilt=(found.tilt_found or 0.0) if clear else 0.0)
    found = replace(found, tilt=float(tilt))
    if not _clear(found, found.tilt) or found.tilt_found is None:
        return found
    over = f"by {found.tilt_found * found.height:.2f} columns over the height"
    mend = f", not by {found.tilt * found.height:.2f}" if found.tilt else ": set tilt: auto"
    said = f"the axis is tilted {over}{mend}"
    return replace(found, warning=f"{found.warning}; {said}" if found.warning else said)


def _along(estimate: Estimate, centers: FloatArray, views: Views, rows: IntArray) -> tuple[Estimate, Line | None]:
    """Fit a line to the centers of groups of rows; where it is tilted, it knows the middle better than all together."""
    if estimate.spread is None:
        return estimate, None
    middles = np.array([rows[group].mean() for group in views.groups])
    found = line(middles, centers, float(rows[0] + rows[-1]) / 2, float(rows[-1] - rows[0]))
    if found is None or not found.clear:
        return estimate, found
    return replace(estimate, center=found.center, spread=found.center_error), found


def _clear(found: Center, expected: float) -> bool:
    """Whether the tilt found differs from the one expected."""
    if found.tilt_found is None or found.tilt_error is None:
        return False
    return differ(found.tilt_found - expected, found.tilt_error, found.height)


def _doubt(estimate: Estimate) -> tuple[bool, float]:
    return estimate.spread is None, max(estimate.spread or 0.0, SYSTEMATIC.get(estimate.method, 0.0))


def _apart(chosen: Estimate, others: Sequence[Estimate]) -> list[Estimate]:
    return [
        other
        for other in others
        if other.spread is not None
        and chosen.spread is not None
        and abs(other.center - chosen.center) > max(1, other.spread + chosen.spread)
    ]


def _confidence(chosen: Estimate, others: Sequence[Estimate]) -> str:
    """Sum up in one line what the estimates say of each other."""
    if chosen.spread is None:
        return "none: look at the picture and give the center"
    give = f"give or take {max(chosen.spread, 0.01):.2f} px"
    if apart := _apart(chosen, others):
        return f"low: {apart[0].method} is {abs(apart[0].center - chosen.center):.1f} px away, {give}"
    if chosen.spread > 0.5:
        return f"low: {chosen.method} alone is too noisy, {give}"
    agree = [other.method for other in others if other.spread is not None and other.spread <= 1]
    if agree and chosen.spread <= 0.25:
        return f"high: {chosen.method} and {' and '.join(agree)} agree, {give}"
    return f"fair: only {chosen.method} can tell, {give}" if not agree else f"fair: {give}"


def _warning(chosen: Estimate, others: Sequence[Estimate]) -> str | None:
    said = f"{chosen.method} says {chosen.center:.2f}"
    if chosen.spread is None:
        return f"the center cannot be found: {said}, but nothing supports it; give `center` in pixels"
    if apart := [f"{other.method} says {other.center:.2f}" for other in _apart(chosen, others)]:
        return f"the estimates of the center differ by more than a pixel: {', '.join([said, *apart])}"
    if chosen.spread > 0.5:
        return f"the center is uncertain: {said}, give or take {chosen.spread:.1f} pixels"
    return None
