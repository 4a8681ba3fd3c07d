"""Binomial split of photon counts into independent, shorter exposures, and its limits."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from tomodenoise.common.arrays import FloatArray, IntArray
from tomodenoise.correction.counts import estimate_gain, per_set
from tomodenoise.correction.measuring import BAND_ROWS, MOST_FLATS, Measures
from tomodenoise.scans.description import Scan
from tomodenoise.scans.reading import read
from tomodenoise.scans.thinning import Thinning

PROJECTIONS = 8
DARK_RAYS = 0.05  # quantile of the counts behind the sample that is compared with the read noise
# Largest correlation of neighbouring pixels, and of successive frames. The error of a denoised image is a tenth of the
# variance of raw noise, and shared noise in both halves left out adds to it in full.
MOST_SHARED = 0.02
MOST_READOUT = 0.1  # largest share of read noise in two halves of the counts; it is measured, but not split exactly


@dataclass(frozen=True, eq=False)
class Splitter:
    """All that a split of some detector rows needs."""

    thinning: Thinning
    gain: float  # detector units per photon of the whole scan
    dark: FloatArray  # (rows, columns) mean of all darks, the same for all parts of a split
    first: int  # detector row of the first of these rows
    read_noise: float = 0.0  # rms, detector units


@dataclass(frozen=True)
class Statistics:
    """Noise statistics of a scan that show whether its counts are photons."""

    gain: float | None  # detector units per photon
    gain_error: float | None  # its standard error, relative
    read_noise: float | None  # photons, rms; None with fewer than two darks
    photons: float | None  # behind the sample on its darkest rays, see `DARK_RAYS`
    neighbours: float | None  # correlation of the noise of neighbouring pixels
    afterglow: float | None  # share of the light that appears one frame later
    darks: int  # frames without light


def prepare(scan: Scan, rows: tuple[int, int], measures: Measures) -> Splitter | None:
    """Prepare the split of some detector rows [start, stop); None if the scan is whole, or thinned by projections."""
    if scan.thinning is None or scan.thinning.by != "photons" or measures.gain is None:
        return None
    dark = np.zeros((rows[1] - rows[0], scan.columns))
    for group in scan.darks:
        dark += np.nan_to_num(read(group, rows)).sum(axis=0, dtype=np.float64)
    count = sum(len(group.indices) for group in scan.darks)
    read_noise = float(np.sqrt(measures.noise.floor)) if measures.noise else 0.0
    return Splitter(scan.thinning, measures.gain, dark / max(count, 1), rows[0], read_noise)


def measured(scan: Scan, measures: Measures) -> Measures:
    """Return the measures of a virtual scan, whose frames are as bright as those of the scan itself.

    A photon of a part then stands for 1 / share photons, and noise is as much stronger.
    """
    if scan.thinning is None:
        return measures
    share = scan.thinning.photons
    noise = replace(measures.noise, gain=measures.noise.gain / share) if measures.noise else None
    return replace(measures, gain=measures.gain and measures.gain / share, noise=noise)


def split(frames: FloatArray, numbers: IntArray, splitter: Splitter) -> None:
    """Replace the photons of raw frames by those of a part, divided by its share, so that their mean stays.

    Parameters
    ----------
    frames : (n, rows, columns) float32, detector units. Overwritten; what is not finite stays.
    numbers : (n,) of the projections in the scan.

    Notes
    -----
    If a count is Poisson distributed, the parts of its binomial split are so, too, and independent [Raikov 1937]. The
    parts would share the read noise; Gaussian noise with the covariance of a multinomial split takes the place of that
    and leaves them uncorrelated [Neufeld et al., J. Mach. Learn. Res. 25 (2024)]. The random numbers of a row depend
    on the seed, its projection and its place on the detector alone.
    """
    share = splitter.thinning.photons
    for frame, number in zip(frames, numbers, strict=True):
        counted = np.rint((frame - splitter.dark) / splitter.gain)
        photons = np.where(np.isfinite(counted), np.maximum(counted, 0), 0).astype(np.int64)
        for row, whole in enumerate(photons):
            random = np.random.default_rng((splitter.thinning.seed, int(number), splitter.first + row))
            change = splitter.read_noise * dealt(len(whole), splitter.thinning, random)
            change += splitter.gain * (drawn(whole, splitter.thinning, random) / share - whole)
            frame[row] += change.astype(np.float32)


def dealt(count: int, thinning: Thinning, random: np.random.Generator) -> FloatArray:
    """Draw a part of noise of unit variance (count,): it has the variance 1 / share - 1, and two parts covary by -1."""
    roots = np.sqrt(list(thinning.shares.values()))
    noise = random.standard_normal((len(roots), count))
    number = list(thinning.shares).index(thinning.part)
    return np.asarray(noise[number] / roots[number] - roots @ noise)


def drawn(photons: IntArray, thinning: Thinning, random: np.random.Generator) -> IntArray:
    """Draw the photons of a part; the same generator deals those of the three parts so that they add up."""
    kept = random.binomial(photons, thinning.fraction)
    if thinning.part == "kept":
        return np.asarray(kept)
    first = random.binomial(photons - kept, 0.5)
    return np.asarray(first if thinning.part == "first" else photons - kept - first)


def examine(scan: Scan, measures: Measures) -> Statistics:
    """Measure the noise on the middle rows of the flats and of some projections."""
    middle = sum(scan.rows) // 2
    rows = (max(scan.rows[0], middle - BAND_ROWS // 2), min(scan.rows[1], middle + BAND_ROWS // 2))
    floor = measures.noise.floor if measures.noise else None
    dark = np.mean([read(group, rows).mean(axis=0) for group in scan.darks], axis=0) if scan.darks else np.zeros(1)
    darks = sum(len(group.indices) for group in scan.darks)
    groups = [read(group, rows, slice(MOST_FLATS)) for group in scan.flats]
    gain, error = precise_gain(groups, dark, floor or 0.0)
    if gain is None:
        return Statistics(None, None, None, None, None, measures.afterglow, darks)
    chosen = np.unique(np.linspace(0, len(scan.lit) - 1, PROJECTIONS).astype(int))
    light = (read(scan.projections, rows, scan.lit[chosen]) - dark) / gain
    sizes = [len(group.indices) for group in scan.flats]
    return Statistics(
        gain,
        error,
        float(np.sqrt(floor)) / gain if floor else None,
        float(np.nanquantile(light, DARK_RAYS)),
        neighbours(groups[sizes.index(max(sizes))] - dark),
        measures.afterglow,
        darks,
    )


def precise_gain(groups: Sequence[FloatArray], dark: FloatArray, floor: float) -> tuple[float | None, float | None]:
    """Return the detector units per photon from all groups of flats, and their relative standard error.

    Parameters
    ----------
    groups : (n, rows, columns) each, in order of time.
    dark : (rows, columns), mean dark.
    floor : variance without light.

    Notes
    -----
    If the gain is too large by a share d, parts of the counts covary by -d of the noise of the whole. The error is that
    of a median over pairs of successive flats, which overlap, of medians over sets of pixels.
    """
    gains = [estimate_gain(flats, dark, floor) for flats in groups]
    found = [(gain, flats[1:].size) for gain, flats in zip(gains, groups, strict=True) if gain is not None]
    if not found:
        return None, None
    values, differences = zip(*found, strict=True)
    return float(np.average(values, weights=differences)), float(np.sqrt(3 / sum(differences)) * np.pi / 2)


def neighbours(flats: FloatArray) -> float | None:
    """Return the correlation of the noise of neighbouring pixels of a row, from differences of successive flats.

    Parameters
    ----------
    flats : (n, rows, columns) in order of time, dark subtracted.

    Notes
    -----
    Flats are scaled to one level. The covariance of pixels five apart, due to changes of the beam, is subtracted; the
    median over sets of 64 pixels is robust against zingers.
    """
    if len(flats) < 2 or flats.shape[2] < 8:
        return None
    level = np.nanmedian(flats, axis=(1, 2), keepdims=True)
    noise = np.nan_to_num(np.diff(flats / level, axis=0))
    own, near, far = (
        float(np.median(per_set(noise[..., : noise.shape[2] - 5] * noise[..., apart : noise.shape[2] - 5 + apart])))
        for apart in (0, 1, 5)
    )
    return (near - far) / (own - far) if own > far else None


def refusal(statistics: Statistics) -> str | None:
    """Return why counts cannot be split into independent parts, or None if they can."""
    return next(_doubts(statistics), None)


def may_split(file: Path) -> bool:
    """Return whether the file of `examine_counts.py` refuses nothing."""
    return json.loads(file.read_text())["refused"] is None


def _doubts(found: Statistics) -> Iterator[str]:
    if found.gain is None or found.photons is None:
        yield (
            "the flats do not show how many counts a photon gives: at least four are needed, and their noise must grow"
            " with the light"
        )
        return
    if found.darks < 2 and abs(found.gain - 1) > max(MOST_SHARED, 3 * (found.gain_error or 0.0)):
        yield "with fewer than two darks, the dark level and the read noise are unknown"  # but of a photon counter
    light = max(found.photons, 0.0)
    readout = (found.read_noise or 0.0) ** 2
    if readout and readout / (2 * light + readout) > MOST_READOUT:
        yield f"a read noise of {found.read_noise:.1f} photons is too strong for {light:.0f} photons behind the sample"
    if abs(found.neighbours or 0.0) > MOST_SHARED:
        yield f"the noise of neighbouring pixels is correlated by {found.neighbours:.2f}, so they share photons"
    if (found.afterglow or 0.0) > MOST_SHARED:
        yield f"{found.afterglow:.0%} of the light appears one frame later, so frames share photons"
