"""Forward projection by the Fourier slice theorem: the exact adjoint of the unfiltered backprojection.

The steps of ``gridding.backproject`` are adjoined in reverse order: the image is divided by the kernel's transform,
embedded in the larger grid, transformed, interpolated at the frequencies of the projections, shifted to the rotation
axis, and transformed back. So iterative algorithms descend along an exact gradient.

References: Matej, Fessler & Kazantsev, IEEE Trans. Med. Imaging 23, 2004.
"""

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import pad

from tomodenoise.common.arrays import FloatArray
from tomodenoise.reconstruction.engines.raster import Raster, polar_raster
from tomodenoise.reconstruction.engines.spreading import TAPS


@torch.no_grad()
def sinograms(images: FloatArray, angles: FloatArray, device: str) -> FloatArray:
    """Integrate slices (slice, y, x) float32 along rays, the axis in their middle: (slice, angle, column) float32.

    Parameters
    ----------
    angles : (angle,) radians.
    """
    columns = images.shape[-1]
    raster = polar_raster(np.asarray(angles, np.float64), columns, device, both=True)
    middle = raster.phases(np.full(len(images), (columns - 1) / 2))
    found = project(raster, torch.from_numpy(images).to(device), ray_factors(raster), middle)
    return np.asarray(found.cpu().numpy())


def ray_factors(raster: Raster) -> Tensor:
    """Return ``factors`` for which ``backproject`` is the plain sum over rays, each projection with weight one."""
    factors = raster.turns.clone()
    factors[:, [0, -1]] /= 2
    return factors


def project(raster: Raster, images: Tensor, factors: Tensor, phases: Tensor) -> Tensor:
    """Integrate images along rays.

    Parameters
    ----------
    images : (slice, y, x) float32, per pixel.
    factors, phases : as for ``gridding.backproject``; with the same ones and zero padding this is its adjoint.

    Returns
    -------
    (slice, angle, column) float32.
    """
    projections = images.new_empty(len(images), len(raster.directions), raster.columns)
    for block, matrix in raster.interpolation():
        for first in range(0, len(images), raster.passes.slices):
            batch = slice(first, first + raster.passes.slices)
            spectra = _interpolate(matrix, _half_plane(raster, images[batch]))
            spectra = spectra.view(-1, raster.length // 2 + 1, len(images[batch])).permute(2, 0, 1).contiguous()
            torch.view_as_real(spectra)[..., 1] *= raster.signs[block]
            spectra = spectra * factors[block].conj() * phases[batch].conj()
            spectra[..., [0, -1]] *= 2  # irfft counts these two frequencies once, and all others twice
            projections[batch, block] = torch.fft.irfft(spectra, n=raster.length, norm="forward")[..., : raster.columns]
        del matrix  # before the next one is built
    return projections


def _half_plane(raster: Raster, images: Tensor) -> Tensor:
    """Transform (slice, y, x) to the rows u = -2 … M/2 + 1 of the grid, (u, v, slice) complex64."""
    before = raster.crop.start
    after = raster.size - raster.crop.stop
    rows = torch.fft.rfft(pad(images * raster.correction, (before, after))).transpose(1, 2)
    spill = TAPS // 2
    end = raster.size // 2
    below = rows[:, 1 : spill + 1].flip(1).conj()
    beyond = rows[:, end - spill + 1 : end].flip(1).conj()
    half = torch.cat([below, rows, beyond], dim=1)
    grid: Tensor = torch.fft.fft(pad(half, (before, after)))
    return grid.permute(1, 2, 0).contiguous()


def _interpolate(matrix: Tensor, half: Tensor) -> Tensor:
    """Interpolate the samples (angle and frequency, slice) from the grid (u, v, slice)."""
    samples: Tensor = torch.sparse.mm(matrix, torch.view_as_real(half).view(matrix.shape[1], -1))
    return torch.view_as_complex(samples.view(matrix.shape[0], -1, 2))
