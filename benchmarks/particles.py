"""XRD-CT sample of particles from a measured slice, with measured patterns of their materials."""

from pathlib import Path

import h5py
import numpy as np
from benchmarks.pixels import binned, padded, rays
from PIL import Image
from skimage.measure import label

from tomodenoise.common.arrays import FloatArray
from tomodenoise.common.errors import UserError
from tomodenoise.simulation.xrdct import MATERIALS, Patterns, Sample, on_background

DENSE = 0.12  # grey value above which a pixel belongs to a particle, relative to the largest
MOST = 0.85  # largest share of the main material in a particle; a second one makes up the rest


def particles(file: Path, shape: tuple[int, int], rng: np.random.Generator) -> Sample:
    """Make a sample from a grey picture: each particle is a mixture of two materials, its density the grey value.

    The picture is square, its background black; each slice shows it rotated by another quarter turn.
    """
    fine = padded(_picture(file), shape[1])
    fineness = len(fine) // shape[1]
    kinds = label(fine > DENSE)  # type: ignore[no-untyped-call]
    mixtures = _mixtures(int(kinds.max()), rng)[:, kinds] * fine * (kinds > 0)
    turned = np.stack([np.rot90(mixtures, number, axes=(1, 2)) for number in range(shape[0])], axis=1)
    places = np.argwhere(turned.any(axis=(0, 1)))
    flat = turned.reshape(-1, fine.size).T
    used = np.ascontiguousarray(flat[np.ravel_multi_index(tuple(places.T), fine.shape)])

    def integrals(angle: float) -> FloatArray:
        matrix = rays(places, angle, fineness, shape[1])
        return np.asarray((matrix @ used).T.reshape(MATERIALS, *shape))

    return Sample(shape, integrals, lambda: binned(turned, shape[1]).astype(np.float32))


def patterns(file: Path, count: int) -> Patterns:
    """Read the patterns of materials, each a dataset (channel,) next to `tth`, and keep ``count`` of their channels."""
    with h5py.File(file) as content:
        names = sorted(name for name in content if name not in {"q", "tth"})[:MATERIALS]
        if "tth" not in content or len(names) < MATERIALS:
            raise UserError(f"{file} does not hold tth and {MATERIALS} patterns: give a file with these datasets")
        return reflections("2theta", "deg", content["tth"][()], np.stack([content[name][()] for name in names]), count)


def reflections(name: str, unit: str, values: FloatArray, measured: FloatArray, count: int) -> Patterns:
    """Select the channels of measured patterns (material, channel) that best distinguish materials, none adjacent."""
    apart = max(1, len(values) // (4 * count))
    height = measured.std(axis=0)
    kept: list[int] = []
    for channel in np.argsort(-height, kind="stable").tolist():
        if len(kept) < count and all(abs(channel - other) >= apart for other in kept):
            kept.append(channel)
    chosen = np.sort(kept)
    return Patterns(name, unit, values[chosen], on_background((measured - measured.min())[:, chosen]))


def _picture(file: Path) -> FloatArray:
    with Image.open(file) as image:
        grey = np.asarray(image.convert("F"), dtype=np.float64)
    if grey.shape[0] != grey.shape[1] or not grey.max() > 0:
        raise UserError(f"{file} has {grey.shape[1]} x {grey.shape[0]} pixels, or is black: give a square picture")
    return np.asarray(grey / grey.max())


def _mixtures(count: int, rng: np.random.Generator) -> FloatArray:
    """Draw the shares (material, particle) of each particle; particle 0 is the background, without material."""
    mixtures = np.zeros((MATERIALS, count + 1))
    for number in range(1, count + 1):
        main, other = rng.choice(MATERIALS, 2, replace=False)
        share = rng.uniform(0.5, MOST)
        mixtures[[main, other], number] = share, 1 - share
    return mixtures
