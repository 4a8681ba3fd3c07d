"""Correct one slab of sinograms of many channels: repair, air and stripes, in each channel by itself."""

import numpy as np

from tomodenoise.common.arrays import FloatArray
from tomodenoise.correction import air, stripes
from tomodenoise.correction.options import Correct, check
from tomodenoise.correction.repairing import all_finite, repair
from tomodenoise.correction.slabs import SlabStatistics
from tomodenoise.scans.description import Scan
from tomodenoise.scans.reading import read_channels


def correct_channels(scan: Scan, rows: tuple[int, int], options: Correct) -> tuple[FloatArray, SlabStatistics]:
    """Read a slab of sinograms, which hold no counts and so need neither flats nor -log, and repair them.

    Parameters
    ----------
    scan : one with `channels`.
    rows : start and stop of the slab's slices in the volume.
    options : the steps to take; only air and stripes mean something here.

    Returns
    -------
    (angle, channel, slice, translation) float32, and what there is to say about them.

    Raises
    ------
    UserError
        As `check`.
    """
    check(scan, options)
    out = read_channels(scan, rows)
    if not all_finite(out):
        out[~np.isfinite(out)] = np.nan
    flat = out.reshape(len(out), -1, scan.columns)  # channels and slices are rows of their own to all steps
    repaired, empty = repair(flat)
    if options.air:
        air.level(flat, options.air)
    flat[scan.unlit] = 0
    stripes.remove_all(flat, scan.angles, options.stripes, scan.lit)
    return out, SlabStatistics(None, None, repaired=repaired, dead=0, empty_rows=empty)
