"""Find the center of rotation from the projections alone, and say how sure that is."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np

from tomodenoise.centering.circle import closes, opposite
from tomodenoise.centering.cleaning import Views, clean
from tomodenoise.centering.closing import FEWEST_VIEWS, seam
from tomodenoise.centering.estimators import MANY_PAIRS, mirror, moments
from tomodenoise.centering.seam import around
from tomodenoise.centering.stating import Estimate
from tomodenoise.centering.tilting import Line, differ, line
from tomodenoise.common import logs
from tomodenoise.common.arrays import FloatArray, IntArray

SPREAD = 256  # views over the whole scan: for the centre of mass, and to see what stands still
FEWEST_COLUMNS = 8
HIGH, FAIR = 0.2, 0.5  # pixels, the largest errors that are called so

Answer: TypeAlias = tuple[Estimate, FloatArray]  # and the center of each group of rows, nan where there is none
Method: TypeAlias = Callable[[Views], Answer]


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
    sinograms : (row, angle, column) float32, line integrals, some of which may be NaN or infinite; some dozen rows,
        spread over the sample, are enough.
    angles : (angle,) radians, in acquisition order; any range, any order.
    rows : (row,) ascending, where in the volume these rows lie; 0, 1, 2 … where it is absent.

    Returns
    -------
    The center in the middle between the first and the last row that hold sample, a tilt of zero and what was found of
    it. The warning (one line) says where no estimate can be trusted, where the estimates differ by more than a pixel,
    or where the chosen one is uncertain by more than half a pixel. Nothing that the views show raises an error: where
    there is nothing to find, the center is in the middle.
    """
    rows = np.arange(len(sinograms)) if rows is None else rows
    methods, wanted = _methods(angles, sinograms.shape[-1])
    views = clean(sinograms, angles, wanted)
    reason = _nothing(views, len(angles))
    if reason:
        return _unknown(sinograms.shape[-1], reason, rows)
    rows = rows[views.rows]
    answers = _supported([_asked(*method, views) for method in methods])
    lines = sorted((_along(*answer, views, rows) for answer in answers), key=lambda one: _doubt(one[0]))
    estimates = tuple(estimate for estimate, _ in lines)
    (chosen, leaning), others = lines[0], estimates[1:]
    return Center(
        chosen.center, chosen.method, estimates, _warning(chosen, others), _confidence(chosen, others),
        row=float(rows[0] + rows[-1]) / 2, height=float(rows[-1] - rows[0]),
        tilt_found=leaning.tilt if leaning else None, tilt_error=leaning.tilt_error if leaning else None,
    )  # fmt: skip


def _methods(angles: FloatArray, columns: int) -> tuple[list[tuple[str, Method]], IntArray]:
    """Choose the estimators for a scan, and the views that they need, ascending."""
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
    """Say why there is nothing to find a center by."""
    if views.values.shape[-1] < FEWEST_COLUMNS:
        return f"the detector has fewer than {FEWEST_COLUMNS} columns"
    if count < 2:
        return "there is a single projection"
    if not len(views.rows):
        return "no row shows anything that turns"
    return None


def _unknown(columns: int, reason: str, rows: IntArray) -> Center:
    """Put the center in the middle."""
    nothing = Estimate("middle", (columns - 1) / 2, None, reason=reason)
    return Center(
        nothing.center, nothing.method, (nothing,), _warning(nothing, ()), _confidence(nothing, ()),
        row=float(rows[0] + rows[-1]) / 2, height=float(rows[-1] - rows[0]),
    )  # fmt: skip


def _asked(name: str, method: Method, views: Views) -> tuple[Estimate, FloatArray]:
    """Ask an estimator; whatever goes wrong in it, the others are asked too and the job goes on."""
    last = views.values.shape[-1] - 1
    try:
        estimate, centers = method(views)
    except (ArithmeticError, ValueError, IndexError, np.linalg.LinAlgError) as error:
        logs.logger.warning("center: %s failed: %s", name, error)
        return Estimate(name, last / 2, None, reason=f"it failed: {error}"), np.array([])
    if not 0 <= estimate.center <= last:
        return Estimate(
            name, last / 2, None, reason=f"its center {estimate.center:.4g} is not on the detector"
        ), centers
    return estimate, centers


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


def _supported(answers: list[Answer]) -> list[Answer]:
    """Trust the centre of mass alone only in scans without opposite views.

    What keeps views from matching, a thing that stands still or a truncated sample, shifts the centre of mass too.
    """
    (mass, centers), *matches = answers
    if mass.spread is None or all(match.spread is not None for match, _ in matches):
        return answers
    return [(replace(mass, spread=None, reason=f"{matches[0][0].method} does not support it"), centers), *matches]


def _along(estimate: Estimate, centers: FloatArray, views: Views, rows: IntArray) -> tuple[Estimate, Line | None]:
    """Fit a line to the centers of groups of rows; where it is tilted, it knows the middle better than all together."""
    if estimate.spread is None:
        return estimate, None
    middles = np.array([rows[group].mean() for group in views.groups])
    usable = np.isfinite(centers)
    found = line(middles[usable], centers[usable], float(rows[0] + rows[-1]) / 2, float(rows[-1] - rows[0]))
    if found is None or not found.clear:
        return estimate, found
    spread = float(np.hypot(found.center_error, estimate.floor))
    return replace(estimate, center=found.center, spread=spread), found


def _clear(found: Center, expected: float) -> bool:
    """Whether the tilt found differs from the one expected."""
    if found.tilt_found is None or found.tilt_error is None:
        return False
    return differ(found.tilt_found - expected, found.tilt_error, found.height)


def _doubt(estimate: Estimate) -> tuple[bool, bool, float]:
    """Rank estimates; the centre of mass, which a background shifts unseen, comes last among those to be trusted."""
    return estimate.spread is None, estimate.method == "moments", estimate.spread or 0.0


def _apart(chosen: Estimate, others: Sequence[Estimate]) -> list[Estimate]:
    return [
        other
        for other in others
        if other.spread is not None
        and chosen.spread is not None
        and abs(other.center - chosen.center) > max(1, 2 * (other.spread + chosen.spread))
    ]


def _confidence(chosen: Estimate, others: Sequence[Estimate]) -> str:
    """Sum up in one line how sure the center is: its error, and whether parts of the data agree."""
    if chosen.spread is None:
        return f"none: {chosen.reason}; look at the picture and give the center"
    error = f"± {max(chosen.spread, 0.01):.2f} px"
    if moved := _moved([chosen, *others]):
        return f"low: {error}, but the centre of mass leaves its circle by {moved:.1f} px"
    if apart := _apart(chosen, others):
        return f"low: {error}, and {apart[0].method} is {abs(apart[0].center - chosen.center):.1f} px away"
    level = "high" if chosen.spread <= HIGH else "fair" if chosen.spread <= FAIR else "low"
    halves = f"; two halves of the data differ by {chosen.halves:.2f} px" if chosen.halves is not None else ""
    return f"{level}: {error}{halves}"


def _moved(estimates: Sequence[Estimate]) -> float:
    return max(estimate.moved for estimate in estimates)


def _warning(chosen: Estimate, others: Sequence[Estimate]) -> str | None:
    said = f"{chosen.method} says {chosen.center:.2f}"
    if moved := _moved([chosen, *others]):
        cause = "the sample or the axis moved, or too few photons passed"
        return f"{cause}: the centre of mass leaves its circle by {moved:.1f} pixels ({said})"
    if chosen.spread is None:
        return f"the center cannot be found: {chosen.reason}; set `center` in pixels (now {chosen.center:.2f})"
    if apart := [f"{other.method} says {other.center:.2f}" for other in _apart(chosen, others)]:
        return f"the estimates of the center differ by more than a pixel: {', '.join([said, *apart])}"
    if chosen.spread > FAIR:
        return f"the center is uncertain: {said}, give or take {chosen.spread:.1f} pixels; look at center.png"
    return None
