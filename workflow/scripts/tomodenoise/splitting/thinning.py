"""Virtual scans with a part of the dose, made of the description of the whole scan: no data are copied."""

from dataclasses import replace
from itertools import pairwise

import numpy as np

from tomodenoise.common.arrays import FloatArray, IntArray
from tomodenoise.common.errors import UserError
from tomodenoise.geometry import directions
from tomodenoise.scans import excluding
from tomodenoise.scans.description import Scan
from tomodenoise.scans.thinning import Thinning

WHOLE = 0.01
"""Largest deviation of 1 / fraction from a whole number, relative: 0.33 is a third."""

FEWEST = 4
"""Projections that each half of the data left out must have."""

FEWEST_PHOTONS = 0.1
"""Photons in a part of the dose, per pixel behind the sample; with fewer, projections are empty."""


def check(scan: Scan, thinning: Thinning) -> None:
    """Refuse a scan that cannot be thinned.

    Raises
    ------
    UserError
        If the scan holds no counts although photons are to be split, or too few projections; or if every n-th
        projection gives another fraction. Whether the channels of XRD-CT hold counts is known from all of them only.
    """
    if thinning.by == "photons":
        if scan.kind != "counts" and scan.channels is None:
            raise UserError(f"dose.by: {scan.file} holds no counts, so no photons: set it to projections")
        return
    every = 1 / thinning.fraction
    if abs(every - round(every)) > WHOLE * every:
        raise UserError(
            f"dose.fractions: {thinning.fraction:g} is not one over a whole number, as every n-th projection gives:"
            f" take {1 / max(round(every), 2):.3g}, or set dose.by: photons"
        )
    fewest = int(np.diff(bounds(scan)).min())
    if fewest < 2 * FEWEST * round(every):
        raise UserError(f"dose.fractions: {thinning.fraction:g} of {fewest} projections are too few: take a larger one")


def check_photons(light: float | None, thinning: Thinning) -> None:
    """Refuse a part of the dose with next to no photons.

    Parameters
    ----------
    light : photons behind the sample at full dose, see `photons.Statistics`; None for the channels of XRD-CT.

    Raises
    ------
    UserError
        With the smallest fraction.
    """
    if light is not None and thinning.photons * light < FEWEST_PHOTONS:
        least = 1.1 * FEWEST_PHOTONS / max(light, FEWEST_PHOTONS)  # passes when rounded, too
        advice = f"take {least:.2g} or more" if least < 0.5 else "set dose.by: projections"
        raise UserError(f"dose.fractions: {thinning.fraction:g} of {light:.3g} photons is next to nothing: {advice}")


def thin(scan: Scan, thinning: Thinning) -> Scan:
    """Return the virtual scan with a part of the dose; flats and darks stay.

    Raises
    ------
    UserError
        As `check`.
    """
    check(scan, thinning)
    virtual = replace(scan, thinning=thinning)
    if thinning.by == "photons":
        return virtual
    chosen = np.zeros(len(scan.angles), dtype=bool)
    for start, stop in pairwise(bounds(scan)):
        chosen[start + projections(scan.angles[start:stop], thinning)] = True
    steps = None if scan.steps is None else scan.steps[chosen]
    return replace(excluding.select(virtual, chosen), steps=steps)


def bounds(scan: Scan) -> IntArray:
    """Return the first projection of each time step, and the number of projections at the end."""
    firsts = np.flatnonzero(np.diff(scan.steps, prepend=-1)) if scan.steps is not None else [0]
    return np.append(firsts, len(scan.angles))


def projections(angles: FloatArray, thinning: Thinning) -> IntArray:
    """Return the projections of a part, ascending: every n-th in the order of their angle, or half of the others.

    Parameters
    ----------
    angles : (n,) radians of a scan or of one time step, in acquisition order.
    """
    kept, *others = directions.interleave(angles, round(1 / thinning.fraction))
    if thinning.part == "kept":
        return kept
    aside = np.sort(np.concatenate(others))
    halves = directions.interleave(angles[aside], 2)
    return np.asarray(aside[halves[thinning.part == "second"]])
