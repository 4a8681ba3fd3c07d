"""Gain, noise and afterglow of a scan, measured once on its middle rows and used for every slab."""

import warnings
from dataclasses import dataclass

import numpy as np

from tomodenoise.common.arrays import FloatArray
from tomodenoise.common.errors import UserError
from tomodenoise.correction.counts import estimate_gain, per_set
from tomodenoise.correction.references import means
from tomodenoise.correction.repairing import all_finite
from tomodenoise.correction.zingers import Noise, remove_from_references
from tomodenoise.scans.description import Scan
from tomodenoise.scans.reading import read

BAND_ROWS = 64
MOST_FLATS = 64  # enough for a precision of one per cent, few enough for memory
PROJECTIONS = 8
FEWEST_FLATS = 8
FEWEST_PAIRS = 100_000  # pairs of pixels: the afterglow to within 0.3 %
FURTHEST = 4  # flats apart
OUTLIER = 5.0  # deviations
SURE = 10.0  # deviations
MOST_OF_IT = 0.5  # least share of finite pixels of a flat that is used


@dataclass(frozen=True)
class Measures:
    """Properties of a scan's detector; None where they cannot be measured."""

    gain: float | None = None  # detector units per photon, from the flats
    noise: Noise | None = None  # noise of single pixels in projections
    afterglow: float | None = None  # share of the light that appears one frame later
    saturated: float | None = None  # share of flat pixels that hold the largest value of all


def measure(scan: Scan) -> Measures:
    """Measure a scan on its largest groups of flats and darks and on eight projections spread over it.

    Raises
    ------
    UserError
        If the flats are nowhere brighter than the darks, or if no projection holds any light.
    """
    if scan.kind == "attenuation":
        return Measures()
    middle = sum(scan.rows) // 2
    rows = (max(scan.rows[0], middle - BAND_ROWS // 2), min(scan.rows[1], middle + BAND_ROWS // 2))
    shape = (rows[1] - rows[0], scan.columns)
    chosen = np.unique(np.linspace(0, len(scan.angles) - 1, PROJECTIONS).round().astype(np.int64))
    frames = read(scan.projections, rows, chosen)
    if scan.kind == "intensity":
        return Measures(noise=estimate_noise(frames, np.ones(shape), 0.0))
    group = max(scan.flats, key=lambda flats: len(flats.indices))
    flats = read(group, rows, slice(MOST_FLATS))
    saturated = float(np.mean(flats == np.nanmax(flats))) if np.isfinite(flats).any() else None
    flats = flats[np.isfinite(flats).mean(axis=(1, 2)) > MOST_OF_IT]
    dark = means(scan.darks, rows, shape, 1, clean=_middle)[0]
    beam = _median(flats) - dark.at(group.time)
    if not (beam > 0).any():
        raise UserError(
            f"{scan.file}: in rows {rows[0]} to {rows[1] - 1} no flat is brighter than the darks: are they swapped, or"
            " was the shutter closed? Fix the file, or set correct.input to intensity or attenuation"
        )
    lit = np.where(beam > 0, beam, np.nan)
    darks = np.stack([dark.at(number) for number in chosen.tolist()])
    transmission = (frames - darks) / lit
    if not (transmission > 0).any():
        raise UserError(
            f"{scan.file}: the projections hold no light: is this the whole scan, or was the shutter closed?"
        )
    noise = estimate_noise(transmission, beam, _dark_noise(scan, rows))
    if noise:
        remove_from_references(flats, noise, SURE)
    return Measures(
        gain=estimate_gain(flats, dark.at(group.time)),
        noise=noise,
        afterglow=estimate_afterglow(flats - dark.at(group.time)),
        saturated=saturated,
    )


def estimate_noise(transmission: FloatArray, beam: FloatArray, floor: float) -> Noise | None:
    """Estimate the noise of projections.

    Parameters
    ----------
    transmission : (n, rows, columns) some projections, flat and dark corrected.
    beam : (rows, columns) signal at a transmission of 1, units of the file.
    floor : variance without light, in these units squared.

    Returns
    -------
    The noise, from differences of pixels two apart along the row. Texture adds to them, so the gain is never below the
    true one. None if the pixels do not differ, or are too few.
    """
    differences = (transmission[..., 2:] - transmission[..., :-2]) * beam[:, 1:-1]
    light = transmission[..., 1:-1] * beam[:, 1:-1]
    with np.errstate(divide="ignore", invalid="ignore"):
        gains = per_set(differences**2 / 2 - floor) / per_set(light) if differences.size else np.empty(0)
    gains = gains[np.isfinite(gains)]
    gain = float(np.median(gains)) if gains.size else 0.0
    return Noise(gain, floor) if gain > 0 else None


def estimate_afterglow(flats: FloatArray) -> float | None:
    """Estimate the share of the light that appears one frame later, from successive flats.

    Parameters
    ----------
    flats : (n, rows, columns) in order of time, dark subtracted.

    Returns
    -------
    ``share`` in light = (1 - share) * now + share * before; None for fewer than 8 flats or 100 000 pairs of pixels.

    Notes
    -----
    Successive flats then have a noise covariance of share (1 - share), and each a variance of 1 - 2 share (1 - share).
    Both are measured on differences of pixels two apart along the row, minus their mean in time. The covariance of
    flats 2 to 4 apart, due to slow changes and to the mean, is subtracted. Readout noise makes the share look smaller.
    """
    if len(flats) < FEWEST_FLATS or flats[1:].size < FEWEST_PAIRS:
        return None
    scaled = flats / np.nanmedian(flats, axis=(1, 2), keepdims=True)
    noise = scaled[..., 2:] - scaled[..., :-2]
    noise -= noise.mean(axis=0)
    deviation = 1.4826 * np.nanmedian(np.abs(noise))
    noise = np.where(np.abs(noise) < OUTLIER * deviation, noise, 0)
    variance, neighbours, *others = (
        np.mean(noise[: len(noise) - apart] * noise[apart:]) for apart in range(FURTHEST + 1)
    )
    far = np.mean(others)
    if variance <= far:
        return None
    ratio = np.clip((neighbours - far) / (variance - far), 0, 0.5)
    return float(1 - np.sqrt(1 - 4 * ratio / (1 + 2 * ratio))) / 2


def _median(frames: FloatArray) -> FloatArray:
    """Return the median (rows, columns) of the finite values of each pixel."""
    if all_finite(frames):
        return np.asarray(np.median(frames, axis=0)) if len(frames) else np.full(frames.shape[1:], np.nan)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        return np.asarray(np.nanmedian(np.where(np.isfinite(frames), frames, np.nan), axis=0))


def _middle(frames: FloatArray) -> None:
    """Set each frame to the median of all, which is robust against zingers."""
    frames[:] = _median(frames)


def _dark_noise(scan: Scan, rows: tuple[int, int]) -> float:
    """Return the variance from differences of successive darks; 0 with fewer than two darks."""
    group = max(scan.darks, key=lambda darks: len(darks.indices), default=None)
    if group is None or len(group.indices) < 2:
        return 0.0
    differences = np.diff(read(group, rows, slice(MOST_FLATS)), axis=0)
    return float(np.nanmedian(per_set(differences**2 / 2) / per_set(np.ones_like(differences))))
