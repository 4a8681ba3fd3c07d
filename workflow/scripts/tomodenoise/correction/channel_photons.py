"""Binomial split of counts in the channels of XRD-CT, and the check that the data are counts."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from tomodenoise.common.arrays import FloatArray
from tomodenoise.correction.counts import per_set
from tomodenoise.correction.photons import drawn
from tomodenoise.scans.description import Scan
from tomodenoise.scans.reading import read_channels
from tomodenoise.scans.thinning import Thinning

WHOLE = 0.01  # largest distance of a count from a whole number of photons
MOST = 2**22  # photons in a number, beyond which float32 does not tell whole ones
NOISE = (0.6, 1.6)  # variance over that of photons, between which channels are taken for counts
NAMED = 3  # channels named in a line


@dataclass(frozen=True)
class Counted:
    """Properties of the data in the channels of a scan that show whether they are counts."""

    gain: float | None
    """Units of the file per photon; None if the numbers are not multiples of any."""
    noise: float | None
    """Variance over that of photons, median over the channels."""
    negative: tuple[str, ...]
    """Labels of channels with negative numbers."""


def split(sinograms: FloatArray, thinning: Thinning, gain: float, first: int) -> None:
    """Replace the photons of sinograms by those of a part, divided by its share, so that their mean stays.

    Parameters
    ----------
    sinograms : (angle, channel, slice, translation) float32. Overwritten; what is not finite stays.
    gain : units per photon.
    first : slice of the volume that is the first of these.

    Notes
    -----
    As `photons.split`; the random numbers depend on the seed, the angle, the slice and the channel alone.
    """
    for number, channel, row in np.ndindex(sinograms.shape[:3]):
        line = sinograms[number, channel, row]
        counted = np.rint(line / gain)
        whole = np.where(np.isfinite(counted), np.maximum(counted, 0), 0).astype(np.int64)
        random = np.random.default_rng((thinning.seed, number, first + row, channel))
        line += (gain * (drawn(whole, thinning, random) / thinning.photons - whole)).astype(np.float32)


def examine(scan: Scan) -> Counted:
    """Examine all channels of the middle slice."""
    middle = (scan.depth - 1) // 2
    sinograms = read_channels(scan, (middle, middle + 1))[:, :, 0]
    labels = scan.channels.labels if scan.channels else ()
    low = [bool((sinograms[:, channel] < 0).any()) for channel in range(sinograms.shape[1])]
    gain = step(sinograms)
    noise = None if gain is None else strength(sinograms[np.argsort(scan.angles, kind="stable")] / gain)
    return Counted(gain, noise, tuple(label for label, below in zip(labels, low, strict=True) if below))


def step(values: FloatArray) -> float | None:
    """Return the number of which all finite values are whole multiples; None if there is none, or no data."""
    different = np.unique(np.abs(values[np.isfinite(values)])).astype(np.float64)
    if len(different) < 3:
        return None
    found = float(np.diff(different).min())
    if different[-1] > MOST * found:
        return None
    for multiple in different[different > found / 2][[0, -1]].tolist():  # from the best known multiple to the largest
        found = multiple / np.rint(multiple / found)
    return float(found) if np.all(np.abs(different / found - np.rint(different / found)) < WHOLE) else None


def strength(photons: FloatArray) -> float | None:
    """Return the variance of sinograms over that of photons, the median over their channels.

    Parameters
    ----------
    photons : (angle, channel, translation) in the order of their angle.

    Notes
    -----
    Measured on second differences along the angle, where a sample changes little; the median over sets of 64 pixels
    is robust against spots. Structure adds to it.
    """
    if len(photons) < 3:
        return None
    change = (photons[:-2] - 2 * photons[1:-1] + photons[2:]) ** 2 / 6
    ratios = []
    for channel in range(photons.shape[1]):
        light = per_set(photons[1:-1, channel])
        ratio = per_set(change[:, channel])[light > 0] / light[light > 0]
        ratios += [float(np.median(ratio[np.isfinite(ratio)]))] if np.isfinite(ratio).any() else []
    return float(np.median(ratios)) if ratios else None


def refusal(found: Counted) -> str | None:
    """Return why channels cannot be split into independent parts, or None if they can."""
    return next(_doubts(found), None)


def _doubts(found: Counted) -> Iterator[str]:
    if found.negative:
        more = f" and {len(found.negative) - NAMED} more" if len(found.negative) > NAMED else ""
        yield f"there are negative numbers in {', '.join(found.negative[:NAMED])}{more}, which are no counts"
    if found.gain is None or found.noise is None:
        yield "the numbers in the channels are not whole multiples of one photon, so they are not counts"
        return
    if not NOISE[0] < found.noise < NOISE[1]:
        yield f"the noise of the channels has {found.noise:.2g} times the variance of counted photons"
