"""What a denoised series shows of itself: its middle slice at every time step, and figures by which drift is seen."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np

from tomodenoise.common.arrays import FloatArray
from tomodenoise.planning import resources
from tomodenoise.storage import grid, zarr_arrays
from tomodenoise.storage.sections import Sections, mix

EDGE = 256
"""Pixels of the slices that are kept, at most; larger ones are averaged."""


@dataclass(frozen=True)
class Series:
    """A series as the report shows it."""

    before: FloatArray
    """(t, y, x) middle slice of each step's reconstruction, attenuation per pixel."""
    after: FloatArray
    """The same, denoised."""
    noise: FloatArray
    """(t,) deviation of the reconstruction's noise; NaN at both ends, where a step has no two neighbours."""
    residual: FloatArray
    """(t,) root mean square of what denoising took away."""
    umse: FloatArray
    """(t,) mean square error of the denoised slices, estimated without the truth."""
    window: tuple[int, int]
    """Steps that the model was trained on, first and last plus one; empty where it was trained elsewhere."""
    factor: int
    """Pixels of the volume, along an edge, in one of the slices kept."""
    seconds: float
    """From one step to the next; NaN where it is not known."""


def watch(scan: Sections, image: Path, window: Sequence[int], seconds: float | None, *, seen: int = 1) -> Series:
    """Go through a denoised series once, few steps in memory at a time.

    Parameters
    ----------
    image : folder of the denoised volume's full resolution, (t, c, z, y, x).
    window, seconds : as in `Series`.
    seen : time steps that the network saw to denoise one.

    Notes
    -----
    With the reconstructions a and b of the nearest steps before and after that the network did not see, whose noise is
    their own, mean (a - f)(b - f) is the mean square error of the denoised f [Marcos Morales et al., ICML 2023], and
    with the raw x in place of f the variance of its noise. What moves from black to white in a step adds nothing to
    either, as f equals a or b there; what changes slowly makes both smaller.
    """
    middle, times, apart = scan.depth // 2, scan.split.times, seen // 2 + 1
    rows = resources.watched(scan.depth)
    factor, visible = -(-scan.size // EDGE), scan.visible
    raw: dict[int, FloatArray] = {}
    before, after, figures = [], [], np.full((3, times), np.nan)
    for time in range(times):
        denoised = zarr_arrays.read(image, (time, 0, slice(*rows)))
        near = range(*grid.with_halo(time, time + 1, apart, times))
        raw = {each: raw[each] if each in raw else _raw(scan, each, rows) for each in near}
        noisy = raw[time]
        if visible.any():
            figures[1, time] = np.sqrt(np.mean(np.square(noisy - denoised)[:, visible], dtype=float))
        if visible.any() and len(near) == 2 * apart + 1:
            a, b = (raw[each][:, visible].astype(float) for each in (near[0], near[-1]))
            x, f = noisy[:, visible], denoised[:, visible]
            figures[0, time] = np.sqrt(np.mean((a - x) * (b - x)).clip(0))
            figures[2, time] = np.mean((a - f) * (b - f))
        before.append(_shrunk(noisy[middle - rows[0]], factor))
        after.append(_shrunk(denoised[middle - rows[0]], factor))
    period = np.nan if seconds is None else seconds
    noise, residual, umse = figures
    return Series(np.stack(before), np.stack(after), noise, residual, umse, (window[0], window[1]), factor, period)


def save(series: Series, path: Path) -> None:
    """Write it to an npz file."""
    np.savez(path, **{field.name: getattr(series, field.name) for field in fields(Series)})


def load(path: Path) -> Series:
    """Read what `save` wrote."""
    with np.load(path, allow_pickle=False) as kept:
        arrays = {name: kept[name] for name in kept}
    first, last = arrays.pop("window").tolist()
    factor, seconds = int(arrays.pop("factor")), float(arrays.pop("seconds"))
    return Series(**arrays, window=(first, last), factor=factor, seconds=seconds)


def _raw(scan: Sections, time: int, rows: tuple[int, int]) -> FloatArray:
    step = scan.at(time)
    return np.asarray(mix(step.read(*rows), step.shares)[0])


def _shrunk(image: FloatArray, factor: int) -> FloatArray:
    """Average blocks of pixels; those that are not whole at the far edges are left out."""
    edge = image.shape[0] // factor
    whole = image[: edge * factor, : edge * factor]
    return np.asarray(whole.reshape(edge, factor, edge, factor).mean(axis=(1, 3)), dtype=np.float32)
