"""What the numbers of a dataset come from, and which of them are missing."""

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from tomodenoise.common.arrays import FloatArray, IntArray
from tomodenoise.common.errors import UserError


class Gap(NamedTuple):
    """Entries of a dataset that cannot be read."""

    entries: IntArray | None
    """Positions along the axis in question; None where the dataset would be longer if it were whole."""
    reason: str
    """A line with file, path and fix."""


@dataclass(frozen=True)
class Origin:
    """What the numbers of a dataset come from."""

    name: str
    """File and path, for messages."""
    files: tuple[Path, ...]
    """All that were found, its own first."""
    gaps: tuple[Gap, ...] = ()
    shares: FloatArray | None = None
    """(n,) share of the numbers of each entry that lies in some file; None where it is 1 for all."""
    fill: str = ""
    """What HDF5 reads for the others."""


def check(origin: Origin, used: IntArray | None) -> str:
    """Refuse a dataset that lacks what it is used for.

    Parameters
    ----------
    used : entries along the axis that ``origin`` was found for; None for all of them.

    Returns
    -------
    A doubt, where the same share of every entry lies in no file; else nothing.

    Raises
    ------
    UserError
        For the first gap among the entries that are used, and for one that holds less than the others.
    """
    for gap in origin.gaps:
        if gap.entries is None or used is None or np.isin(gap.entries, used).any():
            where = "" if gap.reason.startswith(origin.name) else f"{origin.name} cannot be read whole: "
            raise UserError(where + gap.reason)
    if origin.shares is None:
        return ""
    numbers = np.arange(len(origin.shares)) if used is None else used
    shares = origin.shares[numbers]
    most = float(shares.max(initial=0))
    short = numbers[(shares < most) | (shares == 0)]
    if len(short):
        others = f" and {len(short) - 1} others" if len(short) > 1 else ""
        fix = "complete the virtual dataset" + (", or leave them out with exclude" if used is not None else "")
        raise UserError(f"{origin.name}: all or a part of entry {short[0]}{others} lies in no file: {fix}")
    if most in {0, 1}:
        return ""
    return (
        f"{1 - most:.1%} of each frame of {origin.name} lies in no file, as between the modules of a detector: it is"
        f" read as {origin.fill}"
    )
