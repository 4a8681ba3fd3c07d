"""Photon statistics: detector gain from the flats, and -log without its bias."""

import numpy as np

from tomodenoise.common.arrays import FloatArray

SMALLEST_TRANSMISSION = 1e-4  # lower limit of the transmission in -log where the gain is unknown

FEWEST_FLATS = 4
PIXELS_PER_SET = 64


def estimate_gain(flats: FloatArray, dark: FloatArray, floor: float = 0.0) -> float | None:
    """Estimate the detector units per photon from the noise of the flats.

    Parameters
    ----------
    flats : (n, rows, columns), in order of time.
    dark : (rows, columns), mean dark.
    floor : variance without light. Unless it is given, the gain is too large by floor / (mean - dark).

    Returns
    -------
    ``gain`` in variance = floor + gain * (mean - dark) [Janesick 2007, photon transfer]; None for fewer than 4 flats,
    or if they do not behave like counts.

    Notes
    -----
    The variance comes from successive differences of flats scaled to the same level, so neither drift nor flicker of
    the beam adds to it. The median over sets of 64 pixels is robust against a few bad pixels, the median over pairs
    of flats against a few bad frames. The median of a sum of 64 squares is below its mean [Wilson & Hilferty 1931].
    """
    if len(flats) < FEWEST_FLATS:
        return None
    beam = np.asarray(flats - dark, dtype=np.float64).reshape(len(flats), -1)
    with np.errstate(divide="ignore", invalid="ignore"):
        levels = per_set(beam)
        beam /= np.nanmedian(levels / np.median(levels, axis=0), axis=1)[:, None]
        gains = per_set(np.diff(beam, axis=0) ** 2 - 2 * floor) / per_set(beam[1:] + beam[:-1])
    medians = [np.median(pair[np.isfinite(pair)]) for pair in gains if np.isfinite(pair).any()]
    gain = float(np.median(medians)) / (1 - 2 / (9 * PIXELS_PER_SET)) ** 3 if medians else 0.0
    return gain if gain > 0 else None


def attenuation(transmission: FloatArray, photon: FloatArray | None, out: FloatArray) -> None:
    """Convert transmissions to line integrals, without the bias of -log at low counts.

    Parameters
    ----------
    transmission : (..., rows, columns) float32.
    photon : transmission of one photon, gain / beam, broadcastable to `transmission`; None if unknown.
    out : receives -log(max(transmission, 0) + photon / 2), float32.

    Notes
    -----
    For Poisson counts of mean m, E[log(n + c)] = log(m) + (c - 1/2) / m + O(1 / m^2): c = 1/2 leaves no first-order
    bias [Haldane 1956; Anscombe 1956]. At 10 counts the plain -log is biased by +0.055, this one by less than
    0.001. Without the gain, the plain -log is taken.
    """
    if photon is None:
        np.maximum(transmission, np.float32(SMALLEST_TRANSMISSION), out=out)
    else:
        np.maximum(transmission, np.float32(0), out=out)
        out += np.float32(0.5) * photon
    np.negative(np.log(out, out=out), out=out)


def per_set(values: FloatArray) -> FloatArray:
    """Sum over sets of 64 pixels, (n, ...) to (n, sets); a median over sets is robust against a few bad pixels."""
    flat = values.reshape(len(values), -1)
    return np.asarray(np.add.reduceat(flat, np.arange(0, flat.shape[1], PIXELS_PER_SET), axis=1, dtype=np.float64))
