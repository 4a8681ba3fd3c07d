"""Estimation of the center of rotation from the projections alone, with its uncertainty."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np

from tomodenoise.centering.circle import closes, opposite
from tomodenoise.centering.cleaning import Views, clean
from tomodenoise.centering.closing import FEWEST_VIEWS, seam
from tomodenoise.centering.estimators import MANY_PAIRS, mirror, moments
from tomodenoise.centering.fitting import Line, differ, line
from tomodenoise.centering.seam import around
from tomodenoise.centering.stating import Estimate
from tomodenoise.common import logs
from tomodenoise.common.arrays import FloatArray, IntArray

SPREAD = 256  # views over the whole scan, for the centre of mass and the stationary structures
FEWEST_COLUMNS = 8
HIGH, FAIR = 0.2, 0.5  # pixels, the largest errors at these levels of confidence

Answer: TypeAlias = tuple[Estimate, FloatArray]  # and the center of each group of rows, NaN if unknown
Method: TypeAlias = Callable[[Views], Answer]


@dataclass(frozen=True)
class Center:
    """The center and the tilt of the axis, with their uncertainty."""

    center: float  # pixels, leftmost pixel's centre = 0; at `row` if the axis is tilted
    method: str
    estimates: tuple[Estimate, ...]  # the chosen one first
    warning: str | None
    confidence: str = ""  # one line for the user
    row: float = 0.0  # row of the volume at which the axis is at `center`
    tilt: float = 0.0  # columns per row, as applied
    tilt_found: float | None = None  # columns per row, as measured; None: too few rows
    tilt_error: float | None = None  # its standard error
    height: float = 0.0  # rows between the first and the last that were evaluated


def find(sinograms: FloatArray, angles: FloatArray, rows: IntArray | None = None) -> Center:
    """Find the column of the rotation axis.

    If the views cover the whole circle, the search extends to 1/16 of the columns from either edge, to include half
    acquisition; otherwise it is limited to the middle half of the detector.

    Parameters
    ----------
    sinograms : (row, angle, column) float32, line integrals, which may include NaN and infinity; a few dozen rows,
        spread over the sample, are enough.
    angles : (angle,) radians, in acquisition order; any range, any order.
    rows : (row,) positions of these rows in the volume, ascending. Default: 0, 1, 2, ...

    Returns
    -------
    The center midway between the first and the last row that hold sample, with a tilt of zero and the measured tilt.
    The warning (one line) reports that no estimate can be trusted, that estimates differ by more than a pixel, or that
    the chosen one is uncertain by more than half a pixel. No content of the views raises an error: if nothing can be
    found, the center is the middle of the detector.
    """
    rows = np.arange(len(sinograms)) if rows is None else rows
    methods, wanted = _methods(angles, sinograms.shape[-1])
    views = clean(sinograms, angles, wanted)
    if reason := _nothing(views, len(angles)):
        return _center([(Estimate("middle", (sinograms.shape[-1] - 1) / 2, None, reason=reason), None)], rows)
    rows = rows[views.rows]
    answers = _supported([_estimate(*method, views) for method in methods])
    return _center(sorted((_along(*answer, views, rows) for answer in answers), key=_rank), rows)


def _center(lines: Sequence[tuple[Estimate, Line | None]], rows: IntArray) -> Center:
    """Return the first of some estimates as the center of these rows."""
    estimates = tuple(estimate for estimate, _ in lines)
    chosen, axis = lines[0]
    others = estimates[1:]
    return Center(
        chosen.center, chosen.method, estimates, _warning(chosen, others), _confidence(chosen, others),
        row=float(rows[0] + rows[-1]) / 2, height=float(rows[-1] - rows[0]),
        tilt_found=axis.tilt if axis else None, tilt_error=axis.tilt_error if axis else None,
    )  # fmt: skip


def _methods(angles: FloatArray, columns: int) -> tuple[list[tuple[str, Method]], IntArray]:
    """Choose the estimators for a scan; return them with the views that they need, ascending."""
    pairs = opposite(angles)
    spread = np.unique(np.linspace(0, len(angles) - 1, min(len(angles), SPREAD)).astype(np.intp))
    least = columns // 8 if closes(angles) else columns // 2
    methods: list[tuple[str, Method]] = [("moments", lambda views: moments(views, angles, spread))]
    wanted = spread
    if 0 < len(pairs) < MANY_PAIRS and len(angles) >= FEWEST_VIEWS:
        closing = around(angles)
        methods.append(("seam", lambda views: seam(views, closing, least)))
        wanted = np.union1d(spread, closing.views)
    elif len(pairs):
        methods.append(("mirror", lambda views: mirror(views, angles, pairs, least)))
        wanted = np.union1d(spread, pairs)
    return methods, wanted


def _nothing(views: Views, count: int) -> str | None:
    """Return the reason why no center can be found, if there is one."""
    if views.values.shape[-1] < FEWEST_COLUMNS:
        return f"the detector has fewer than {FEWEST_COLUMNS} columns"
    if count < 2:
        return "there is a single projection"
    if not len(views.rows):
        return "no row shows anything that rotates"
    return None


def _estimate(name: str, method: Method, views: Views) -> Answer:
    """Run an estimator; an error in it becomes the reason not to trust it, so that the others still run."""
    last = views.values.shape[-1] - 1
    try:
        estimate, centers = method(views)
    except (ArithmeticError, ValueError, IndexError, np.linalg.LinAlgError) as error:
        logs.logger.warning("center: %s failed: %s", name, error)
        return Estimate(name, last / 2, None, reason=f"the method failed: {error}"), np.array([])
    if not 0 <= estimate.center <= last:
        return Estimate(
            name, last / 2, None, reason=f"its center {estimate.center:.4g} is not on the detector"
        ), centers
    return estimate, centers


def settle(measured: Center, center: float | str, tilt: float | str) -> Center:
    """Replace the measured values by those of the configuration unless these are "auto"; see `overrule`, `lean`."""
    return lean(measured if center == "auto" else overrule(measured, float(center)), tilt)


def overrule(measured: Center, center: float) -> Center:
    """Replace the measured center by that of the user, with a warning if trusted estimates are far from it."""
    far = [e for e in measured.estimates if e.spread is not None and abs(e.center - center) > 1 + e.spread]
    estimates = ", ".join(f"{estimate.method} {estimate.center:.2f}" for estimate in far)
    warning = f"the configured center {center:.2f} is more than a pixel from the estimates: {estimates}"
    return replace(
        measured,
        center=center,
        method="config",
        warning=warning if far else None,
        confidence="set in the configuration",
    )


def lean(measured: Center, tilt: float | str) -> Center:
    """Apply the configured tilt, columns per row, or with "auto" the measured one; warn if the two differ.

    A measured tilt counts if it exceeds four of its standard errors and half a pixel over the height; else it is 0.
    """
    clear = _clear(measured, 0.0)
    if tilt == "auto":
        return replace(measured, tilt=(measured.tilt_found or 0.0) if clear else 0.0)
    measured = replace(measured, tilt=float(tilt))
    if not _clear(measured, measured.tilt) or measured.tilt_found is None:
        return measured
    fix = f", not by {measured.tilt * measured.height:.2f}" if measured.tilt else ": set tilt: auto"
    warning = f"the axis is tilted by {measured.tilt_found * measured.height:.2f} columns over the height{fix}"
    return replace(measured, warning=f"{measured.warning}; {warning}" if measured.warning else warning)


def _supported(answers: list[Answer]) -> list[Answer]:
    """Distrust the centre of mass where views do not match, because the cause of the mismatch also shifts the mass."""
    (mass, centers), *matches = answers
    if mass.spread is None or all(match.spread is not None for match, _ in matches):
        return answers
    return [(replace(mass, spread=None, reason=f"{matches[0][0].method} does not support it"), centers), *matches]


def _along(estimate: Estimate, centers: FloatArray, views: Views, rows: IntArray) -> tuple[Estimate, Line | None]:
    """Fit a line to the centers of groups of rows; if it is tilted, its middle replaces the estimate."""
    if estimate.spread is None:
        return estimate, None
    middles = np.array([rows[group].mean() for group in views.groups])
    usable = np.isfinite(centers)
    axis = line(middles[usable], centers[usable], float(rows[0] + rows[-1]) / 2, float(rows[-1] - rows[0]))
    if axis is None or not axis.clear:
        return estimate, axis
    spread = float(np.hypot(axis.center_error, estimate.floor))
    return replace(estimate, center=axis.center, spread=spread), axis


def _clear(measured: Center, expected: float) -> bool:
    """Return whether the measured tilt differs significantly from the expected one."""
    if measured.tilt_found is None or measured.tilt_error is None:
        return False
    return differ(measured.tilt_found - expected, measured.tilt_error, measured.height)


def _rank(answer: tuple[Estimate, Line | None]) -> tuple[bool, bool, float]:
    """Return a sort key, best first; of the trusted estimates the centre of mass, sensitive to background, is last."""
    estimate, _ = answer
    return estimate.spread is None, estimate.method == "moments", estimate.spread or 0.0


def _disagreeing(chosen: Estimate, others: Sequence[Estimate]) -> list[Estimate]:
    return [
        other
        for other in others
        if other.spread is not None
        and chosen.spread is not None
        and abs(other.center - chosen.center) > max(1, 2 * (other.spread + chosen.spread))
    ]


def _confidence(chosen: Estimate, others: Sequence[Estimate]) -> str:
    """Summarise the uncertainty of the center in one line: its error, and whether parts of the data agree."""
    if chosen.spread is None:
        return f"none: {chosen.reason}; look at center.png and set the center"
    error = f"± {max(chosen.spread, 0.01):.2f} px"
    if moved := max(estimate.moved for estimate in (chosen, *others)):
        return f"low: {error}, but the centre of mass deviates from its circle by {moved:.1f} px"
    if disagreeing := _disagreeing(chosen, others):
        return f"low: {error}, and {disagreeing[0].method} is {abs(disagreeing[0].center - chosen.center):.1f} px away"
    level = "high" if chosen.spread <= HIGH else "fair" if chosen.spread <= FAIR else "low"
    halves = f"; two halves of the data differ by {chosen.halves:.2f} px" if chosen.halves is not None else ""
    return f"{level}: {error}{halves}"


def _warning(chosen: Estimate, others: Sequence[Estimate]) -> str | None:
    value = f"{chosen.method} {chosen.center:.2f}"
    if moved := max(estimate.moved for estimate in (chosen, *others)):
        cause = "the sample or the axis moved, or there were too few photons"
        return f"{cause}: the centre of mass deviates from its circle by {moved:.1f} pixels ({value})"
    if chosen.spread is None:
        return f"the center cannot be found: {chosen.reason}; set `center` in pixels (now {chosen.center:.2f})"
    if disagreeing := [f"{other.method} {other.center:.2f}" for other in _disagreeing(chosen, others)]:
        return f"the estimates of the center differ by more than a pixel: {', '.join([value, *disagreeing])}"
    if chosen.spread > FAIR:
        return f"the center is uncertain: {value} ± {chosen.spread:.1f} pixels; look at center.png"
    return None
