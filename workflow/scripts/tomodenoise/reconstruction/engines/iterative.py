"""SIRT and total variation minimisation, with the projector and backprojector of the gridding engine.

Both assume that nothing lies outside the slice of N by N pixels, so matter outside the field of view is smeared along
the slice's border.

References: Gilbert, J. Theor. Biol. 36, 1972 (SIRT). Gregor & Benson, IEEE Trans. Med. Imaging 27, 2008 (its weights).
Chambolle & Pock, J. Math. Imaging Vis. 40, 2011. Sidky, Jørgensen & Pan, Phys. Med. Biol. 57, 2012.
"""

import math
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from torch import Tensor

from tomodenoise.common.arrays import FloatArray
from tomodenoise.reconstruction.engines.gridding import RasterPlan, backproject
from tomodenoise.reconstruction.engines.projecting import project, ray_factors
from tomodenoise.reconstruction.engines.raster import MATRIX_BYTES, Raster, polar_raster

_GRADIENT_NORM = math.sqrt(8)  # of differences between neighbours in two directions [Chambolle 2004]
_POWER_ITERATIONS = 20
_MARGIN = 1.05  # factor on the norm, as the power iteration has not fully converged and other centers differ


@dataclass(frozen=True)
class Rays:
    """Rays through some slices: a matrix A of line integrals, and its transpose."""

    raster: Raster
    factors: Tensor
    phases: Tensor

    def along(self, images: Tensor) -> Tensor:
        """Project: A x, (slice, y, x) to (slice, angle, column)."""
        return project(self.raster, images, self.factors, self.phases)

    def back(self, projections: Tensor) -> Tensor:
        """Backproject: A' y, (slice, angle, column) to (slice, y, x)."""
        return backproject(self.raster, projections, self.factors, self.phases)


def iterative_plan(
    angles: FloatArray,
    columns: int,
    iterations: int,
    regularisation: float | None,
    device: str,
    limit: int = MATRIX_BYTES,
) -> RasterPlan:
    """Prepare total variation minimisation, or SIRT without ``regularisation``.

    Arguments as in ``registry.plan``. Two kinds of matrices are held, 256 bytes per detector pixel; if one kind takes
    more than ``limit``, they are rebuilt in every iteration, which is slow.
    """
    raster = polar_raster(np.asarray(angles, np.float64), columns, device, both=True, limit=limit)
    factors = ray_factors(raster)
    solve = partial(sirt, iterations=iterations)
    if regularisation is not None:
        middle = Rays(raster, factors, raster.phases(np.array([(columns - 1) / 2])))
        solve = partial(total_variation, iterations=iterations, regularisation=regularisation, norm=norm(middle))
    return RasterPlan(raster, lambda projections, phases: solve(Rays(raster, factors, phases), projections))


def sirt(rays: Rays, projections: Tensor, iterations: int) -> Tensor:
    """Run SIRT, x ← x + C A' R (b - A x), from zero, with a fixed number of iterations.

    R is one over the length of each ray inside the slice, C one over the number of rays through each pixel; both
    denominators are at least one, for rays and pixels that hardly meet. The result is linear in b up to rounding.
    """
    size = rays.raster.columns
    image = projections.new_zeros(len(projections), size, size)
    rows = 1 / rays.along(torch.ones_like(image)).clamp(min=1)
    columns = 1 / rays.back(torch.ones_like(projections)).clamp(min=1)
    for _ in range(iterations):
        image += columns * rays.back(rows * (projections - rays.along(image)))
    return image


def total_variation(rays: Rays, projections: Tensor, iterations: int, regularisation: float, norm: float) -> Tensor:
    """Minimise ½ |A x - b|² + regularisation · Σ |∇x|, from zero, with a fixed number of iterations.

    Notes
    -----
    Algorithm 1 of Chambolle & Pock with the proximal maps of Sidky et al., algorithm 4. A and ∇ are both divided by
    their norms, so that one step length suits both, and the objective by the square of A's.
    """
    size = rays.raster.columns
    step = 0.99 / math.sqrt(2)
    bound = regularisation * _GRADIENT_NORM / norm**2
    image = projections.new_zeros(len(projections), size, size)
    ahead = image
    misfit = torch.zeros_like(projections)
    slope = image.new_zeros(2, *image.shape)
    for _ in range(iterations):
        misfit = (misfit + step / norm * (rays.along(ahead) - projections)) / (1 + step)
        slope = slope + step / _GRADIENT_NORM * gradient(ahead)
        slope /= (slope.square().sum(0).sqrt() / bound).clamp(min=1)
        moved = image - step * (rays.back(misfit) / norm - divergence(slope) / _GRADIENT_NORM)
        ahead, image = 2 * moved - image, moved
    return image


def gradient(images: Tensor) -> Tensor:
    """Return differences to the next pixel along y and x, (2, slice, y, x); zero at the last one."""
    slope = images.new_zeros(2, *images.shape)
    slope[0, :, :-1] = images.diff(dim=1)
    slope[1, :, :, :-1] = images.diff(dim=2)
    return slope


def divergence(slope: Tensor) -> Tensor:
    """Return minus the adjoint of ``gradient``."""
    total = torch.zeros_like(slope[0])
    total[:, :-1] += slope[0, :, :-1]
    total[:, 1:] -= slope[0, :, :-1]
    total[:, :, :-1] += slope[1, :, :, :-1]
    total[:, :, 1:] -= slope[1, :, :, :-1]
    return total


@torch.no_grad()
def norm(rays: Rays) -> float:
    """Return an upper bound of the largest singular value of A, by power iteration with a margin.

    Rounded to three digits: further ones depend on the number of threads, and results must not.
    """
    size = rays.raster.columns
    image = rays.factors.new_ones(1, size, size, dtype=torch.float32)
    for _ in range(_POWER_ITERATIONS):
        image = rays.back(rays.along(image / image.norm()))
    return float(f"{_MARGIN * math.sqrt(float(image.double().norm())):.3g}")
