"""Virtual scans with a part of the dose, made of the description of the whole scan: no data are copied."""

from dataclasses import replace

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
"""Projections that each half of those aside must have."""


def check(scan: Scan, thinning: Thinning) -> None:
    """Refuse a scan that cannot be thinned.

    Raises
    ------
    UserError
        If the scan has time steps or channels, holds no counts although photons are to be split, or has too few
        projections; or if every n-th projection gives another fraction.
    """
    if scan.steps is not None or scan.channels is not None:
        raise UserError("dose: only static scans can be studied so far: leave it out")
    if thinning.by == "photons":
        if scan.kind != "counts":
            raise UserError(f"dose.by: {scan.file} holds no counts, so no photons: set it to projections")
        return
    every = 1 / thinning.fraction
    if abs(every - round(every)) > WHOLE * every:
        raise UserError(
            f"dose.fractions: {thinning.fraction:g} is not one over a whole number, as every n-th projection gives:"
            f" take {1 / round(every):.3g}, or set dose.by: photons"
        )
    if len(scan.angles) < 2 * FEWEST * round(every):
        raise UserError(
            f"dose.fractions: {thinning.fraction:g} of {len(scan.angles)} projections are too few: take a larger one"
        )


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
    chosen[projections(scan.angles, thinning)] = True
    return excluding.select(virtual, chosen)


def projections(angles: FloatArray, thinning: Thinning) -> IntArray:
    """Return the projections of a part, ascending: every n-th in the order of their angle, or half of the others.

    Parameters
    ----------
    angles : (n,) radians, in acquisition order.
    """
    kept, *others = directions.interleave(angles, round(1 / thinning.fraction))
    if thinning.part == "kept":
        return kept
    aside = np.sort(np.concatenate(others))
    halves = directions.interleave(angles[aside], 2)
    return np.asarray(aside[halves[thinning.part == "second"]])
