"""Particles of a measured slice as a sample for XRD-CT, and measured patterns of the materials in them."""

from pathlib import Path

import h5py
import numpy as np
from PIL import Image
from skimage.measure import label

from tomodenoise.common.arrays import FloatArray
from tomodenoise.common.errors import UserError
from tomodenoise.simulation.projection import rays
from tomodenoise.simulation.xrdct import MATERIALS, Patterns, Sample, reflections

DENSE = 0.12
"""Grey value above which a pixel belongs to a particle, of the largest."""

MOST = 0.85
"""Share of its main material in a particle; another one makes up the rest."""


def particles(file: Path, shape: tuple[int, int], rng: np.random.Generator) -> Sample:
    """Make a sample of a grey picture: each particle a mixture of two materials, of the density that its grey tells.

    Parameters
    ----------
    file : picture, square, of particles on a black background; each slice shows it turned by another quarter.
    shape : slices and columns of the detector; a column spans a whole number of pixels of the picture.
    """
    fine = _padded(_picture(file), shape[1])
    fineness = len(fine) // shape[1]
    kinds = label(fine > DENSE)  # type: ignore[no-untyped-call]
    mixtures = _mixtures(int(kinds.max()), rng)[:, kinds] * fine * (kinds > 0)
    turned = np.stack([np.rot90(mixtures, number, axes=(1, 2)) for number in range(shape[0])], axis=1)
    places, flat = np.argwhere(turned.any(axis=(0, 1))), turned.reshape(-1, fine.size).T
    used = np.ascontiguousarray(flat[np.ravel_multi_index(tuple(places.T), fine.shape)])

    def integrals(angle: float) -> FloatArray:
        matrix = rays(places, angle, fineness, shape[1])
        return np.asarray((matrix @ used).T.reshape(MATERIALS, *shape))

    def volume() -> FloatArray:
        blocks = turned.reshape(MATERIALS, shape[0], shape[1], fineness, shape[1], fineness)
        return np.asarray(blocks.mean(axis=(3, 5)), dtype=np.float32)

    return Sample(shape, integrals, volume)


def patterns(file: Path, count: int) -> Patterns:
    """Read patterns of materials, each a dataset (channel,) beside `tth`, and keep ``count`` of their channels."""
    with h5py.File(file) as found:
        names = sorted(name for name in found if name not in {"q", "tth"})[:MATERIALS]
        if "tth" not in found or len(names) < MATERIALS:
            raise UserError(f"{file} holds no tth beside {MATERIALS} patterns: give a file of such")
        return reflections("2theta", "deg", found["tth"][()], np.stack([found[name][()] for name in names]), count)


def _picture(file: Path) -> FloatArray:
    with Image.open(file) as image:
        grey = np.asarray(image.convert("F"), dtype=np.float64)
    if grey.shape[0] != grey.shape[1] or not grey.max() > 0:
        raise UserError(f"{file} is {grey.shape[1]} x {grey.shape[0]} pixels, or black: give a square picture")
    return np.asarray(grey / grey.max())


def _padded(picture: FloatArray, columns: int) -> FloatArray:
    """Put black around a picture, until columns span a whole number of its pixels."""
    missing = -len(picture) % columns
    return np.pad(picture, (missing // 2, missing - missing // 2))


def _mixtures(count: int, rng: np.random.Generator) -> FloatArray:
    """Draw the shares (material, particle) of each particle; particle 0 is the background, of none."""
    mixtures = np.zeros((MATERIALS, count + 1))
    for number in range(1, count + 1):
        main, other = rng.choice(MATERIALS, 2, replace=False)
        share = rng.uniform(0.5, MOST)
        mixtures[[main, other], number] = share, 1 - share
    return mixtures
