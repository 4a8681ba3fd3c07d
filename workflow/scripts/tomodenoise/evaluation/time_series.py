"""A denoised series in the report: its middle slice at every time step, and figures that reveal drift."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tomodenoise.common.arrays import FloatArray
from tomodenoise.common.blocks import block_mean
from tomodenoise.planning import resources
from tomodenoise.storage import grid, zarr_arrays
from tomodenoise.storage.sections import Sections, mix

EDGE = 256
"""Largest edge of the stored slices, pixels; larger ones are averaged in blocks."""


@dataclass(frozen=True)
class Series:
    """A series as the report shows it."""

    before: FloatArray
    """(t, y, x) middle slice of each step's reconstruction, attenuation per pixel."""
    after: FloatArray
    """The same, denoised."""
    noise: FloatArray
    """(t,) standard deviation of the reconstruction's noise; NaN at both ends, where a step lacks a neighbour."""
    residual: FloatArray
    """(t,) root mean square of what denoising removed."""
    umse: FloatArray
    """(t,) mean square error of the denoised slices, estimated without the truth."""
    window: tuple[int, int]
    """Time steps [start, stop) that the model was trained on; empty if it was trained on other scans."""
    factor: int
    """Pixels of the volume per pixel of the stored slices, along an edge."""
    seconds: float
    """From one step to the next; NaN if unknown."""


def watch(scan: Sections, image: Path, window: Sequence[int], seconds: float | None, *, seen: int = 1) -> Series:
    """Read a denoised series once, with few steps in memory at a time.

    Parameters
    ----------
    image : folder of the denoised volume's full resolution, (t, c, z, y, x).
    window, seconds : as in `Series`.
    seen : time steps that the network sees to denoise one.

    Notes
    -----
    With the reconstructions a and b of the nearest steps before and after that the network did not see, whose noise is
    independent, mean (a - f)(b - f) is the mean square error of the denoised f [Marcos Morales et al., ICML 2023], and
    with the raw x in place of f the variance of its noise. Matter that moves within a step adds nothing to either, as f
    equals a or b there; slow changes make both smaller.
    """
    times = scan.split.times
    distance = seen // 2 + 1
    rows = resources.watched(scan.depth)
    middle = scan.depth // 2 - rows[0]
    factor = -(-scan.size // EDGE)
    visible = scan.visible
    raw: dict[int, FloatArray] = {}
    before, after = [], []
    noise, residual, umse = np.full((3, times), np.nan)
    for time in range(times):
        denoised = zarr_arrays.read(image, (time, 0, slice(*rows)))
        near = range(*grid.with_halo(time, time + 1, distance, times))
        raw = {step: raw[step] if step in raw else _raw(scan, step, rows) for step in near}
        noisy = raw[time]
        if visible.any():
            residual[time] = np.sqrt(np.mean(np.square(noisy - denoised)[:, visible], dtype=float))
        if visible.any() and len(near) == 2 * distance + 1:
            a, b = (raw[step][:, visible].astype(float) for step in (near[0], near[-1]))
            x, f = noisy[:, visible], denoised[:, visible]
            noise[time] = np.sqrt(np.mean((a - x) * (b - x)).clip(0))
            umse[time] = np.mean((a - f) * (b - f))
        before.append(block_mean(noisy[middle], factor))
        after.append(block_mean(denoised[middle], factor))
    period = np.nan if seconds is None else seconds
    return Series(np.stack(before), np.stack(after), noise, residual, umse, (window[0], window[1]), factor, period)


def save(series: Series, path: Path) -> None:
    """Write a series to an npz file."""
    np.savez(path, **vars(series))


def load(path: Path) -> Series:
    """Read the file that `save` wrote."""
    with np.load(path, allow_pickle=False) as arrays:
        values = dict(arrays)
    start, stop = values.pop("window").tolist()
    return Series(
        **values | {"window": (start, stop), "factor": int(values["factor"]), "seconds": float(values["seconds"])}
    )


def _raw(scan: Sections, time: int, rows: tuple[int, int]) -> FloatArray:
    step = scan.at(time)
    return np.asarray(mix(step.read(*rows), step.shares)[0])
