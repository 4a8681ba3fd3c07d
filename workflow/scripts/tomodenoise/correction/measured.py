"""Measurements that are made once per scan before its slabs are corrected, and their form in `measured.json`."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from tomodenoise.common.arrays import FloatArray
from tomodenoise.correction.channels import correct_channels
from tomodenoise.correction.frames import PIXELS
from tomodenoise.correction.measuring import Measures
from tomodenoise.correction.options import Correct
from tomodenoise.correction.screening import bands
from tomodenoise.correction.slabs import correct_slab
from tomodenoise.correction.stripe_choice import StripeChoice, blocks
from tomodenoise.correction.zingers import Noise
from tomodenoise.scans.description import Scan

FEWEST_ROWS, MOST_ROWS = 4, 32


@dataclass(frozen=True)
class Measured:
    """Measured values that all slabs of a scan share."""

    measures: Measures
    stripes: StripeChoice


def from_json(values: Mapping[str, Any]) -> Measured:
    """Restore the values of `measured.json`."""
    measures = values["measures"]
    noise = Noise(**measures["noise"]) if measures["noise"] else None
    return Measured(Measures(**{**measures, "noise": noise}), StripeChoice(**values["stripes"]))


def sample(scan: Scan, options: Correct, measures: Measures, last: int) -> tuple[FloatArray, FloatArray]:
    """Correct some rows spread over the height, but keep their stripes.

    If each section has its own flats, ranges of angles alternate between two sets of flats, see `blocks`.

    Parameters
    ----------
    last : number of projections to use, from the first on.

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
        owner[lit] = blocks(scan.angles[lit]) % 2
    slabs = [
        correct_slab(scan, (start - scan.rows[0], stop - scan.rows[0]), owner, plain, measures, slice(last))
        for start, stop in bands(scan, rows // FEWEST_ROWS)
    ]
    return np.concatenate([integrals for integrals, _ in slabs], axis=1)[lit], scan.angles[lit]
