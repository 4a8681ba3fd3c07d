"""Origin of the data of a dataset: the files that hold it, and the entries that are missing."""

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from tomodenoise.common.arrays import FloatArray, IntArray
from tomodenoise.common.errors import UserError


class Gap(NamedTuple):
    """Entries of a dataset that cannot be read."""

    entries: IntArray | None  # positions along the axis in question; None if the complete dataset would be longer
    reason: str  # message with file, path and fix


@dataclass(frozen=True)
class Origin:
    """Files that hold the data of a dataset, and what they lack."""

    name: str  # file and path in it, for messages
    files: tuple[Path, ...]  # all files found, that of the dataset itself first
    gaps: tuple[Gap, ...] = ()
    # (n,) fraction of each entry that is stored in some file; None if all entries are complete
    shares: FloatArray | None = None
    fill: str = ""  # value that HDF5 returns for the rest


def check(origin: Origin, used: IntArray | None) -> str:
    """Refuse a dataset that lacks data of the entries in use.

    Parameters
    ----------
    used : entries along the axis that ``origin`` was found for; None for all.

    Returns
    -------
    A doubt if the same fraction of every entry is stored in no file, else an empty string.

    Raises
    ------
    UserError
        For the first gap among the entries in use, or the first entry that holds less than the others.
    """
    for gap in origin.gaps:
        if gap.entries is None or used is None or np.isin(gap.entries, used).any():
            where = "" if gap.reason.startswith(origin.name) else f"{origin.name} is incomplete: "
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
        raise UserError(f"{origin.name}: all or part of entry {short[0]}{others} is stored in no file: {fix}")
    if most in {0, 1}:
        return ""
    return (
        f"{1 - most:.1%} of each frame of {origin.name} is stored in no file, like the gaps between detector modules:"
        f" it is read as {origin.fill}"
    )
