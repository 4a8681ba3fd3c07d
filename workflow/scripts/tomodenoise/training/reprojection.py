"""Rotated copies of a model's output, projected and reconstructed like the scan, to learn its artefacts.

Streaks of few angles and missing wedges belong to the acquisition, not to the sample. A rotated copy of a denoised
slice, projected at the angles of the scan and reconstructed like it, has them in other places than the slice itself,
so a network that restores the slice learns to remove them. This is equivariant imaging [Chen, Tachella & Davies, ICCV
2021] with the network's output as a fixed target.

The noise of a copy is measured: denoised slices, projected and reconstructed, leave a residual in each section. It
contains the noise of that section, and structure that the network missed; differences of sections lack the latter.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.random import Generator
from torch import Tensor
from torch.nn import functional

from tomodenoise.common.arrays import FloatArray
from tomodenoise.denoising import inference
from tomodenoise.geometry.rotation_axis import Geometry
from tomodenoise.networks.models import Model
from tomodenoise.reconstruction import slices
from tomodenoise.reconstruction.engines import projecting
from tomodenoise.reconstruction.options import Reconstruct
from tomodenoise.splitting.model import Role, Section
from tomodenoise.storage.sections import Sections, mix

TURNS = 3
"""Copies of each slice."""

INPUTS = 2
"""Roles whose inputs are copied, in addition to the full reconstruction."""


@dataclass(frozen=True)
class Scanner:
    """Projection and reconstruction as in a scan, with the axis in the middle of the slices."""

    sections: tuple[Section, ...]
    options: Reconstruct
    device: str

    def apply(self, images: FloatArray, sections: Sequence[int]) -> FloatArray:
        """Project slices (channel, z, y, x) and reconstruct some sections: (section, channel, z, y, x) float32."""
        flat = images.reshape(-1, *images.shape[-2:])
        chosen = [self.sections[number] for number in sections]
        results = [self.reconstruct(projecting.sinograms(flat, s.angles, self.device), s) for s in chosen]
        return np.stack(results).reshape(-1, *images.shape)

    def reconstruct(self, sinograms: FloatArray, section: Section) -> FloatArray:
        """Reconstruct slices (slice, y, x) of a section from its sinograms (slice, angle, column)."""
        size = sinograms.shape[-1]
        middle = (size - 1) / 2
        return slices.prepare(section, Geometry(size, middle), self.options, self.device)(sinograms, middle)


def rotated(images: Tensor, angle: float) -> Tensor:
    """Rotate slices (z, y, x) about their middle by an angle in radians, cubic; zero beyond the edge."""
    cosine, sine = math.cos(angle), math.sin(angle)
    turn = images.new_tensor([[[cosine, sine, 0], [-sine, cosine, 0]]])
    lattice = functional.affine_grid(turn, [1, 1, *images.shape[1:]], align_corners=False)
    return functional.grid_sample(images[None], lattice, mode="bicubic", align_corners=False)[0]


def inputs(scan: Sections) -> list[tuple[int, ...]]:
    """Return the unions of sections that are copied: all of them, then the inputs of some roles."""
    every = tuple(range(len(scan.split.sections)))
    return [every, *[role.inputs for role in scan.split.roles[:INPUTS]]]


def roles(scan: Sections) -> tuple[Role, ...]:
    """Return the roles of copies: the full reconstruction, which denoising is given, takes every other turn."""
    unions = len(inputs(scan))
    return tuple(Role((number,), (unions,)) for other in range(1, unions) for number in (0, other))


def copies(
    scan: Sections, scanner: Scanner, model: Model, rows: tuple[int, int], rng: Generator
) -> Iterator[FloatArray]:
    """Make training data of some rows, see `copies_of`."""
    return copies_of(scan, scanner, inference.volume(model, scan, rows), scan.read(*rows), rng)


def copies_of(
    scan: Sections, scanner: Scanner, denoised: FloatArray, measured: FloatArray, rng: Generator
) -> Iterator[FloatArray]:
    """Make training data of some rows, several times.

    Parameters
    ----------
    denoised : (channel, z, y, x).
    measured : (section, channel, z, y, x), the same rows of the sections.

    Yields
    ------
    (union + 1, channel, z, y, x) float32: the copies of `inputs`, and the slices that they are to become.
    """
    inside = denoised * scan.visible
    every = range(len(scanner.sections))
    drawn = noise(scan, measured - scanner.apply(inside, every))
    for turn in range(TURNS):
        sign = 1 - 2 * (turn % 2)
        target = _turned(inside, rng.uniform(0, 2 * math.pi))[..., ::sign] * scan.visible
        exact = scanner.apply(target, every)
        yield np.stack([*_noisy(scan, exact, sign * drawn), target])


def noise(scan: Sections, residuals: FloatArray) -> FloatArray:
    """Return noise (channel, z, y, x) of the strength of the full reconstruction's, from the residuals of the sections.

    The weights sum to zero, so structure that all sections share cancels; their squares sum to those of the shares.
    """
    count = len(residuals)
    signs = np.sign(count // 2 - 0.5 - np.arange(count)) * (np.arange(count) < 2 * (count // 2))
    weights = signs * math.sqrt(np.square(scan.shares).sum() / np.square(signs).sum())
    return mix(residuals, weights.astype(np.float32))


def _noisy(scan: Sections, exact: FloatArray, drawn: FloatArray) -> list[FloatArray]:
    """Mix exact sections to the inputs, each with noise for the share of the projections that it has."""
    shares = [sum(scan.split.sections[number].share for number in union) for union in inputs(scan)]
    return [
        mix(exact, scan.mixing(union)) + drawn / np.float32(math.sqrt(share))
        for union, share in zip(inputs(scan), shares, strict=True)
    ]


def error(model: Model, scan: Sections, scanner: Scanner, rows: tuple[int, int]) -> float:
    """Return the error of a model against the measured data, on rows that it was not trained on.

    The output for the inputs of a role is projected at the angles of its first target, reconstructed as that was, and
    compared with it: mean square in the field of view, mean over the first roles. It includes the noise of the target.
    Streaks and missing wedges do not count, as prediction and target have the same ones.
    """
    measured = scan.read(*rows)
    errors = []
    for role in scan.split.roles[:INPUTS]:
        given = replace(scan, split=replace(scan.split, roles=(role,)))
        images = inference.volume(model, given, rows, mode="section") * scan.visible
        target = role.targets[0]
        errors.append(np.square(scanner.apply(images, [target])[0] - measured[target])[..., scan.visible].mean())
    return float(np.mean(errors))


def _turned(images: FloatArray, angle: float) -> FloatArray:
    flat = torch.from_numpy(images.reshape(-1, *images.shape[-2:]))
    return np.asarray(rotated(flat, angle).numpy().reshape(images.shape))
