r"""Backprojection by Fourier gridding: gridrec's idea, with the gridding written as sparse matrices.

A slice is the weighted sum of its filtered projections q_a, each smeared along its rays:

    f(x, y) = Σ_a w_a q_a(x cosθ_a + y sinθ_a),   q_a(t) = 1/L Σ_k H_k P_ak exp(2πi k (t + center) / L)

so it is the inverse Fourier transform of samples H_k P_ak on a polar raster [Dowd 1999; Marone & Stampanoni 2012].
They are spread onto a Cartesian grid of M >= 1.5 N points a side with a Kaiser-Bessel kernel of 4 by 4 points,
transformed by FFT, cropped, and divided by the kernel's transform. The spreading depends on the angles alone: it is
built once and applied to every slice as a sparse product.

The FFT along u is a real one, and each slice is a column of its own, independent of its neighbours. Projections are
filtered at L >= 2 N, so that the FFT's periodicity does not wrap a projection onto itself.

References: Dowd et al., SPIE 3772, 1999. Marone & Stampanoni, J. Synchrotron Rad. 19, 2012. Beatty et al., IEEE Trans.
Med. Imaging 24, 2005. Kak & Slaney, Principles of Computerized Tomographic Imaging, 1988.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from tomodenoise.common import devices
from tomodenoise.common.arrays import FloatArray
from tomodenoise.reconstruction.engines.filtering import check_shape, padded
from tomodenoise.reconstruction.engines.filters import response
from tomodenoise.reconstruction.engines.raster import MATRIX_BYTES, Raster, polar_raster
from tomodenoise.reconstruction.engines.spreading import TAPS

_BLOCK = 64  # projections, or image rows, per FFT: fits the cache; large buffers are allocated once and filled


@dataclass(frozen=True)
class RasterPlan:
    """An algorithm prepared for a set of angles."""

    raster: Raster
    solve: Callable[[Tensor, Tensor], Tensor]
    """Maps projections (slice, angle, column) and their phases, see ``Raster.phases``, to slices (slice, y, x)."""

    @torch.no_grad()
    def __call__(self, sinograms: FloatArray, center: float | FloatArray) -> FloatArray:
        """Reconstruct (slice, angle, column) line integrals to (slice, y, x) float32 attenuation per pixel.

        While a GPU works on a group of slices, the CPU prepares the next one.
        """
        raster = self.raster
        check_shape(sinograms, len(raster.directions), raster.columns)
        slices = devices.host_buffer((len(sinograms), raster.columns, raster.columns), raster.device)
        phases = raster.phases(np.broadcast_to(center, len(sinograms)))
        size = raster.at_once(len(sinograms))
        for first in range(0, len(sinograms), size):
            group = slice(first, first + size)
            projections = devices.upload(sinograms[group], raster.device)
            slices[group].copy_(self.solve(projections, phases[group]), non_blocking=True)
        devices.wait(raster.device)
        return slices.numpy()


def gridding_plan(
    angles: FloatArray,
    weights: FloatArray,
    columns: int,
    kind: str,
    pad: str,
    device: str,
    limit: int = MATRIX_BYTES,
) -> RasterPlan:
    """Prepare filtered backprojection to slices of ``columns`` pixels; arguments as in ``registry.plan``.

    Notes
    -----
    The matrices take 128 bytes per detector pixel: 0.8 GB for 3217 angles and 2048 columns. If that is more than
    ``limit``, the angles are taken in blocks, and every call rebuilds the matrices.
    """
    raster = polar_raster(np.asarray(angles, np.float64), columns, device, limit=limit)
    gain = response(kind, raster.length) * np.asarray(weights, np.float64)[:, None]
    gain[:, [0, -1]] /= 2  # these two frequencies are their own opposites: they occur in both halves of the plane
    factors = raster.turns * torch.from_numpy(gain).to(device, torch.float32)
    return RasterPlan(raster, lambda projections, phases: backproject(raster, projections, factors, phases, pad))


def backproject(raster: Raster, projections: Tensor, factors: Tensor, phases: Tensor, pad: str = "zero") -> Tensor:
    """Sum projections along their rays.

    Parameters
    ----------
    projections : (slice, angle, column) float32.
    factors : (angle, L/2 + 1) complex64 factor of each frequency of a projection.
    phases : result of ``raster.phases`` for these slices.

    Returns
    -------
    (slice, y, x) float32.
    """
    half = factors.new_empty(len(projections), *raster.half)
    for block, strips in raster.spreading():
        for first in range(0, len(projections), raster.passes.slices):
            batch = slice(first, first + raster.passes.slices)
            shifts = raster.signs[block], factors[block], phases[batch]
            spectra = _filter(raster, projections[batch, block], *shifts, pad)
            _spread(raster, strips, spectra, half[batch], add=block.start > 0)
        del strips  # before the next ones are built
    return _images(raster, half)


def _filter(raster: Raster, projections: Tensor, signs: Tensor, factors: Tensor, phases: Tensor, pad: str) -> Tensor:
    """Return the filtered samples (angle, frequency, slice) of projections (slice, angle, column)."""
    spectra = factors.new_empty(*factors.shape, len(projections))
    for first in range(0, len(spectra), _BLOCK):
        block = slice(first, first + _BLOCK)
        samples = torch.fft.rfft(padded(projections[:, block], raster.length, pad))
        samples *= factors[block]
        samples *= phases
        torch.view_as_real(samples)[..., 1] *= signs[block]
        spectra[block] = samples.permute(1, 2, 0)
    return spectra


def _spread(raster: Raster, strips: tuple[Tensor, ...], spectra: Tensor, half: Tensor, *, add: bool) -> None:
    """Write spectra (angle, frequency, slice) to ``half`` (slice, u from -2, y), or add them."""
    columns = torch.view_as_real(spectra).view(-1, 2 * len(half))
    u = 0
    for strip in strips:
        grid = torch.view_as_complex(torch.sparse.mm(strip, columns).view(-1, raster.size, len(half), 2))
        # Two 1-D transforms: torch.fft.ifft2 of such a tensor may be scaled wrongly (pytorch issue 169670).
        rows = torch.fft.ifft(grid.permute(2, 0, 1), norm="forward")[..., raster.crop]
        target = half[:, u : u + len(grid)]
        target.add_(rows) if add else target.copy_(rows)
        u += len(grid)


def _images(raster: Raster, half: Tensor) -> Tensor:
    """Return the images (slice, y, x) of a half plane (slice, u from -2, y), which is folded in place."""
    folded = _fold(half, raster.size)
    images = raster.correction.new_empty(len(half), raster.columns, raster.columns)
    for first in range(0, raster.columns, _BLOCK):
        rows = slice(first, first + _BLOCK)
        image = torch.fft.irfft(folded[..., rows].transpose(1, 2), n=raster.size, norm="forward")
        torch.mul(image[..., raster.crop], raster.correction[rows], out=images[:, rows])
    return images


def _fold(half: Tensor, size: int) -> Tensor:
    """Fold the conjugate half plane into (slice, u from -2, y), in place, and return the rows u = 0 … size / 2."""
    spill = TAPS // 2
    end = size // 2
    folded = half[:, spill : spill + end + 1]
    for i in range(1, spill + 1):
        folded[:, i] += half[:, spill - i].conj()
    for i in range(1, spill):
        folded[:, end - i] += half[:, spill + end + i].conj()
    for own in (0, end):
        folded[:, own] += folded[:, own].conj()
    return folded
