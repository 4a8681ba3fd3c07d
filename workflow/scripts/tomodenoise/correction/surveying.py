"""Survey of a scan before its slabs are corrected: all that they share is measured on some of its rows."""

import numpy as np

from tomodenoise.centering import finding
from tomodenoise.common.arrays import FloatArray
from tomodenoise.correction import measuring, stripe_choice
from tomodenoise.correction.channels import correct_channels
from tomodenoise.correction.frames import PIXELS
from tomodenoise.correction.measured import Measured
from tomodenoise.correction.measuring import Measures
from tomodenoise.correction.options import Correct
from tomodenoise.correction.screening import bands
from tomodenoise.correction.slabs import correct_slab
from tomodenoise.scans.description import Scan

FEWEST_ROWS, MOST_ROWS = 4, 32


def survey(scan: Scan, options: Correct, last: int) -> Measured:
    """Measure a scan, and choose the method for its stripes with a first estimate of its axis.

    Parameters
    ----------
    last : number of projections to judge the stripes by, from the first on.
    """
    measures = measuring.measure(scan)
    sinograms, angles = _sample(scan, options, measures, last)
    axis = finding.find(sinograms.swapaxes(0, 1), angles).center
    return Measured(measures, stripe_choice.choose(sinograms, angles, axis, options.stripes))


def _sample(scan: Scan, options: Correct, measures: Measures, last: int) -> tuple[FloatArray, FloatArray]:
    """Correct some rows spread over the height, but keep their stripes.

    If each section has its own flats, ranges of angles alternate between two sets of flats, see `stripe_choice.blocks`.

    Returns
    -------
    (A, rows, columns) line integrals of the projections with light, and their angles (A,), radians. Channels count as
    rows.
    """
    plain = options.model_copy(update={"stripes": "none"})
    lit = scan.lit[scan.lit < last]
    rows = int(np.clip(PIXELS // scan.columns, FEWEST_ROWS, MOST_ROWS))
    if scan.channels:
        first = (scan.depth - 1) // 2
        channels = correct_channels(scan, (first, first + 1), plain)[0].reshape(len(scan.angles), -1, scan.columns)
        chosen = np.unique(np.linspace(0, channels.shape[1] - 1, rows).astype(int))
        return channels[lit][:, chosen], scan.angles[lit]
    owner = None
    if options.flats == "divided":
        owner = np.zeros(len(scan.angles), dtype=np.int64)
        owner[lit] = stripe_choice.blocks(scan.angles[lit]) % 2
    slabs = [
        correct_slab(scan, (start - scan.rows[0], stop - scan.rows[0]), owner, plain, measures, slice(last))
        for start, stop in bands(scan, rows // FEWEST_ROWS)
    ]
    return np.concatenate([integrals for integrals, _ in slabs], axis=1)[lit], scan.angles[lit]
