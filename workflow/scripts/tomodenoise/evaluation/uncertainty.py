"""Calibration of the voxel-wise uncertainty of a scan on slices that no training used, and its check on others."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from tomodenoise.common.arrays import FloatArray
from tomodenoise.denoising import inference, spread
from tomodenoise.evaluation.held_out_slices import Slices
from tomodenoise.metrics import uncertainty
from tomodenoise.metrics.support import Unsupported
from tomodenoise.networks.models import Model
from tomodenoise.storage.sections import Sections

MOST_PAIRS = 4


@dataclass(frozen=True, eq=False)
class Measured:
    """Judged slices of one scan, (channel, z, y, x) each."""

    variance: FloatArray
    """Between results, see `spread.variance`."""
    error: FloatArray
    """(a - f)(b - f) for f of all sections but two, a and b; the mean over several such pairs."""
    sections: int


def measure(model: Model, scan: Sections, slices: Slices, time: int, ensemble: int) -> Measured:
    """Denoise the judged slices of a time step for all parts of the data that are needed, and compare."""
    variance = [spread.variance(model, scan, run, time=time, ensemble=ensemble) for run in slices.runs]
    error = [_error(model, scan, run, time, ensemble) for run in slices.runs]
    return Measured(np.concatenate(variance, axis=1), np.concatenate(error, axis=1), scan.split.per_step)


def pairs(sections: int) -> list[tuple[int, int]]:
    """Return pairs of sections to leave out, which are far apart in time."""
    opposite = [(number, (number + sections // 2) % sections) for number in range(sections)]
    return sorted({(min(pair), max(pair)) for pair in opposite})[:MOST_PAIRS]


def _error(model: Model, scan: Sections, rows: tuple[int, int], time: int, ensemble: int) -> FloatArray:
    stored = scan.at(time).read(*rows)
    every = range(scan.split.per_step)
    errors = spread.Moments()
    for a, b in pairs(len(every)):
        part = spread.given(scan, tuple(number for number in every if number not in {a, b}))
        denoised = inference.volume(model, part, rows, time=time, mode="section", ensemble=ensemble)
        errors.add((stored[a] - denoised) * (stored[b] - denoised))
    return np.asarray(errors.mean, dtype=np.float32)


def calibrate(found: Measured, slices: Slices) -> list[dict[str, Any]]:
    """Calibrate each channel on half of the judged pixels, and check it on the other half.

    Returns
    -------
    For each channel `floor` and `slope` of the squared uncertainty over the variance between results, and `least`, its
    share that is the noise of all sections, see `spread.variance`, below which it never falls. The line is that of all
    sections but two, which is somewhat more than the error of all. On the other half `ratio` and `ratio_error`, the
    squared error over the stated one, and `bins`, see `uncertainty.Bin`, with `stated`. If a channel cannot be
    calibrated, the noise alone, and `absent`, the reason.
    """
    return [_channel(found, channel, slices) for channel in range(len(found.variance))]


def apply(calibration: Sequence[Mapping[str, Any]], variance: FloatArray) -> FloatArray:
    """Return the uncertainty, one standard deviation: (channel, z, y, x) float32, from the variance between results."""
    squared = [
        np.maximum(channel["floor"] + channel["slope"] * image, channel["least"] * image)
        for channel, image in zip(calibration, variance, strict=True)
    ]
    return np.asarray(np.sqrt(np.stack(squared)), dtype=np.float32)


def noise(sections: int) -> float:
    """Return the remaining noise variance of the result for all sections, relative to the variance between results."""
    return (sections - 1) ** 2 / sections


def _channel(found: Measured, channel: int, slices: Slices) -> dict[str, Any]:
    variance, error = found.variance[channel], found.error[channel]
    known, unknown = uncertainty.halves(slices.mask)
    try:
        line = uncertainty.fit(uncertainty.bins(variance, error, known))
        checked = uncertainty.bins(variance, error, unknown)
        ratio, spread_ = uncertainty.ratio(line, variance, error, unknown)
    except Unsupported as reason:
        return {"floor": 0.0, "slope": 0.0, "least": noise(found.sections), "absent": str(reason)}
    return {
        "floor": line.floor,
        "slope": line.slope,
        "least": noise(found.sections),
        "ratio": ratio,
        "ratio_error": spread_,
        "bins": [asdict(one) | {"stated": line.floor + line.slope * one.variance} for one in checked],
    }
