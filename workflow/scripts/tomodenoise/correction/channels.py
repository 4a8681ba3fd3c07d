"""Correction of one slab of multi-channel sinograms: repair, air and stripes, channel by channel."""

import numpy as np

from tomodenoise.common.arrays import FloatArray
from tomodenoise.correction import air, channel_photons, stripes
from tomodenoise.correction.options import Correct, check
from tomodenoise.correction.repairing import all_finite, repair
from tomodenoise.correction.slabs import SlabStatistics
from tomodenoise.scans.description import Scan
from tomodenoise.scans.reading import read_channels


def correct_channels(
    scan: Scan, rows: tuple[int, int], options: Correct, gain: float | None = None
) -> tuple[FloatArray, SlabStatistics]:
    """Read and repair a slab of sinograms; they hold no counts, so they need neither flats nor -log.

    Parameters
    ----------
    scan : a scan with `channels`.
    rows : [start, stop) of the slab's slices in the volume.
    options : the steps to take; only air and stripes apply here.
    gain : units per photon, for a virtual scan with a part of the photons.

    Returns
    -------
    (angle, channel, slice, translation) float32, and the statistics of the slab.

    Raises
    ------
    UserError
        As `check`.
    """
    check(scan, options)
    out = read_channels(scan, rows)
    if gain and scan.thinning and scan.thinning.by == "photons":
        channel_photons.split(out, scan.thinning, gain, rows[0])
    if not all_finite(out):
        out[~np.isfinite(out)] = np.nan
    flat = out.reshape(len(out), -1, scan.columns)  # all steps treat each channel of each slice as a row
    repaired, empty = repair(flat)
    if options.air:
        air.level(flat, options.air)
    flat[scan.unlit] = 0
    stripes.remove_all(flat, scan.angles, options.stripes, scan.lit)
    return out, SlabStatistics(None, None, repaired=repaired, dead=0, empty_rows=empty)
