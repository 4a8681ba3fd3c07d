"""Robust matching of the two ends of a scan of 180 degrees in the presence of stationary structures.

Stationary structures are the same column by column at both ends, while the sample is mirrored about the axis. Hence the
difference of the ends holds the sample alone, and is odd about the axis: it locates the center. The sum of the ends
holds the even part of the sample, and the stationary structures twice. It refines the center if these are weak.

A residual is split into bands of column frequencies, one octave each. In a band, the residuals of all rows in a column
follow Student's t, so the influence of a column that cannot match is bounded. The mean over the rows is one component
of the residual and their differences are the others, as errors of the beam are the same in all rows.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy import fft, ndimage

from tomodenoise.centering.matching import Spectrum, vertex, window
from tomodenoise.centering.seam import Ends
from tomodenoise.common.arrays import FloatArray, IntArray

TAIL = 4.0  # degrees of freedom of Student's t: with fewer, large residuals count less
BLOCKS = 8  # blocks of columns about the center, for independent estimates
STEP = 0.125  # columns
WIDTH = 0.25  # of the largest period in a band: about the standard deviation of its filter's impulse response
DOUBT = 1.3  # factor by which the noise may be underestimated


@dataclass(frozen=True)
class Band:
    """An octave of column frequencies, of one combination of the ends."""

    filter: FloatArray  # (frequency,) for a period of 2 columns; the squares of all bands' filters add up to 1
    variance: FloatArray  # (column,) noise variance of either end in this band
    # Weights of the component shared by all rows and of the others: fraction of signal times independent values per
    # column
    weights: tuple[float, float]
    # Variance of the residual over that of its noise for both components; > 1 due to stationary structures
    excess: tuple[float, float] = (1.0, 1.0)


@dataclass(frozen=True)
class Misfits:
    """Minus twice the log-likelihood for some centers, up to a constant."""

    centers: FloatArray  # pixels
    blocks: FloatArray  # (center, block of columns), all rows
    without: FloatArray  # (center, group), all rows except those of the group
    alone: FloatArray  # (center, group), the rows of the group

    def lowest(self, misfit: FloatArray) -> float:
        """Return the center of the smallest misfit (center,), by a parabola through three points."""
        return vertex(self.centers, misfit)

    def __add__(self, other: "Misfits") -> "Misfits":
        """Add the misfits of other bands at the same centers."""
        blocks = self.blocks + other.blocks
        return Misfits(self.centers, blocks, self.without + other.without, self.alone + other.alone)

    @property
    def best(self) -> float:
        """Most likely center."""
        return self.lowest(self.blocks.sum(axis=1))

    @property
    def inside(self) -> bool:
        """True if the best center is within the range."""
        return bool(self.centers[1] < self.best < self.centers[-2])


def split(ends: Ends, center: float | None) -> list[Band]:
    """Split the ends into bands, weighted by how well they match about a center, or without one by signal to noise."""
    rows, columns = ends.first.shape
    level = (ends.first.mean() + ends.last.mean()) / 2
    middle = (columns - 1) / 2 if center is None else center
    inside = window(columns, middle)
    sides = [(side - level) * inside for side in (ends.first, flip(ends.last, middle))]
    gain = np.where(np.isfinite(ends.gain), ends.gain, 0)
    bands = []
    for filter_, freedom in _octaves(columns, int(np.isfinite(ends.gain).sum())):
        near = ndimage.gaussian_filter1d(ends.variance, WIDTH / freedom, mode="nearest")
        variance = np.maximum(near * np.sum(filter_**2 * gain) / columns, 1e-30)
        noise = DOUBT * float(np.average(variance, weights=inside))
        filtered = [_filtered(side, filter_)[:, inside > 0.5] for side in sides]
        means = [np.sqrt(rows) * side.mean(axis=0) for side in filtered]
        others = [(side - side.mean(axis=0)) * np.sqrt(rows / max(rows - 1, 1)) for side in filtered]
        share = [_share(first, second, noise if center is None else None) for first, second in (means, others)]
        bands.append(Band(filter_, variance, (freedom * share[0], freedom * share[1])))
    return bands


def _share(first: FloatArray, second: FloatArray, noise: float | None) -> float:
    """Return the fraction of signal in the energy of two sides: their covariance, or the energy above the noise."""
    energy = float(np.mean(first**2) + np.mean(second**2)) / 2
    signal = float(np.mean(first * second)) if noise is None else energy - noise
    return max(signal, 0) / max(energy, 1e-30)


def _octaves(columns: int, used: int) -> list[tuple[FloatArray, float]]:
    """Return filters of the `used` lowest frequencies, and the independent values per column that each leaves."""
    frequency = np.arange(columns + 1) / (2 * columns)
    octave = np.log2(np.maximum(frequency, 1e-9))
    top = min(used, columns) / (2 * columns)
    octaves: list[tuple[FloatArray, float]] = []
    while top > 2 / columns:
        rise = np.cos(np.pi / 2 * np.clip(np.abs(octave - np.log2(top) + 0.5), 0, 1))
        if not octaves:
            rise = np.where(octave > np.log2(top) - 0.5, frequency <= top, rise)
        octaves.append((rise, 2 * (top - top / 2)))
        top /= 2
    # The last filter passes everything below four periods on the detector.
    left = 1 - sum((filter_**2 for filter_, _ in octaves), np.zeros(columns + 1))
    return [*octaves, (np.where(frequency < 4 / columns, np.sqrt(np.clip(left, 0, 1)), 0), 3 / columns)]


def flip(values: FloatArray, center: float) -> FloatArray:
    """Mirror values (…, column) about a center."""
    columns = values.shape[-1]
    turn = np.exp(-1j * np.pi / columns * np.arange(columns + 1) * (2 * center - (columns - 1)))
    return _filtered(values[..., ::-1], turn)


def _residual(ends: Ends, center: float) -> FloatArray:
    """Return the difference of the ends within a window, without its mean, as the beam may have changed."""
    inside = window(len(ends.variance), center)
    residual = ends.first - flip(ends.last, center)
    return np.asarray(inside * (residual - np.average(residual.mean(axis=0), weights=inside)))


def _filtered(values: FloatArray, filter_: FloatArray | Spectrum) -> FloatArray:
    """Filter values (…, column), continued by their mirror images, in frequency."""
    spectrum = fft.rfft(np.concatenate([values, values[..., ::-1]], axis=-1))
    return np.asarray(fft.irfft(spectrum * filter_, 2 * values.shape[-1])[..., : values.shape[-1]])


def _misfit(shared: FloatArray, squares: FloatArray, rows: float | IntArray, band: Band) -> FloatArray:
    """Return minus twice the log-likelihood of residuals over their noise: squares of the shared part, of all rows."""
    others = np.maximum((squares - shared) / band.excess[1], 0)
    of_shared = band.weights[0] * (TAIL + 1) * np.log1p(shared / band.excess[0] / TAIL)
    return np.asarray(of_shared + band.weights[1] * (TAIL + rows - 1) * np.log1p(others / TAIL))


def search(ends: Ends, least: int) -> tuple[FloatArray, FloatArray]:
    """Compare the ends for every center that leaves `least` columns of overlap.

    Returns
    -------
    The centers, half a column apart, and their log-likelihood ratios to no match at all, (center, block of columns).
    """
    rows, columns = ends.first.shape
    twice = np.arange(least - 1, 2 * columns - least)  # column x is compared with column `twice` - x
    gain = np.zeros((len(twice), BLOCKS))
    level = (ends.first.mean() + ends.last.mean()) / 2
    for band in split(ends, None)[:-1]:  # the periods of the last one are longer than the overlap
        first = _filtered(ends.first - level, band.filter)
        last = _filtered(ends.last - level, band.filter)[:, ::-1]
        sums = [first.sum(axis=0), last.sum(axis=0)]
        squares = [(first**2).sum(axis=0), (last**2).sum(axis=0)]
        for at, total in enumerate(twice):
            here = slice(max(0, total - columns + 1), min(columns, total + 1))
            there = slice(columns - 1 - total + here.start, columns - 1 - total + here.stop)
            noise = band.variance[here] + band.variance[::-1][there]
            residual = first[:, here] - last[:, there]
            unmatched = (sums[0][here] ** 2 + sums[1][there] ** 2) / rows / noise
            match = (sums[0][here] - sums[1][there]) ** 2 / rows / noise
            both = (squares[0][here] + squares[1][there]) / noise
            rest = np.einsum("ij,ij->j", residual, residual) / noise
            better = _misfit(unmatched, both, rows, band) - _misfit(match, rest, rows, band)
            gain[at] += _in_blocks(better, (len(better) - 1) / 2)
    return twice / 2, gain


def compare(ends: Ends, bands: Sequence[Band], centers: FloatArray, groups: Sequence[IntArray]) -> Misfits:
    """Compare the ends in their bands from `split` for evenly spaced centers, over all rows and by groups of them."""
    rows, columns = ends.first.shape
    starts = [group[0] for group in groups]
    sizes = np.array([[len(group)] for group in groups])
    noises = [_noise(band, float(centers.mean())) for band in bands]
    misfits = Misfits(centers, np.zeros((len(centers), BLOCKS)), *np.zeros((2, len(centers), len(groups))))
    for at, center in enumerate(centers):
        residual = _residual(ends, center)
        spectrum = fft.rfft(np.concatenate([residual, residual[:, ::-1]], axis=1))
        for noise, band in zip(noises, bands, strict=True):
            part = fft.irfft(spectrum * band.filter, 2 * columns)[:, :columns] / np.sqrt(noise)
            sums = np.add.reduceat(part, starts, axis=0)
            squares = np.add.reduceat(part**2, starts, axis=0)
            total = sums.sum(axis=0)
            square = squares.sum(axis=0)
            misfits.blocks[at] += _in_blocks(_misfit(total**2 / rows, square, rows, band), center)
            misfits.alone[at] += _misfit(sums**2 / sizes, squares, sizes, band).sum(axis=1)
            if len(groups) > 1:
                rest = rows - sizes
                without = _misfit((total - sums) ** 2 / rest, square - squares, rest, band)
                misfits.without[at] += without.sum(axis=1)
    return misfits


def doubted(ends: Ends, bands: Sequence[Band], center: float) -> list[Band]:
    """Set the excess of bands whose residual at the right center exceeds the noise, as with stationary structures."""
    rows, columns = ends.first.shape
    inside = window(columns, center)
    residual = _residual(ends, center)
    weighted = []
    for band in bands:
        part = _filtered(residual, band.filter) / np.sqrt(_noise(band, center))
        shared = part.sum(axis=0) ** 2 / rows
        others = ((part**2).sum(axis=0) - shared) / max(rows - 1, 1)
        excess = [max(1.0, float(np.average(energy, weights=inside**2))) for energy in (shared, others)]
        weighted.append(replace(band, excess=(excess[0], excess[1])))
    return weighted


def _noise(band: Band, center: float) -> FloatArray:
    """Return the noise variance (column,) of the residual in a band."""
    columns = len(band.variance)
    mirrored = np.minimum(np.abs(2 * center - np.arange(columns)).astype(int), columns - 1)
    return np.asarray(band.variance + band.variance[mirrored])


def _in_blocks(values: FloatArray, center: float) -> FloatArray:
    """Sum values (column,) over blocks of equal distance from a center, (block,)."""
    distance = np.abs(np.arange(len(values)) - center)
    reach = min(center, len(values) - 1 - center) + 1
    block = np.minimum(BLOCKS * distance / reach, BLOCKS).astype(int)
    return np.asarray(np.bincount(block, values, minlength=BLOCKS + 1)[:BLOCKS], dtype=np.float64)
