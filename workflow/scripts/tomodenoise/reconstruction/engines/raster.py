"""The polar raster of the projections' frequencies, and the matrices between it and a Cartesian grid.

By the Fourier slice theorem the spectrum of the projection at angle θ is that of the image along (cosθ, sinθ). Images
are real, so half the plane is enough: where cosθ < 0 a sample is conjugated, which moves it to the opposite frequency.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch
from scipy import sparse
from scipy.fft import next_fast_len
from torch import Tensor

from tomodenoise.common import devices
from tomodenoise.common.arrays import FloatArray
from tomodenoise.reconstruction.engines.passes import Passes, Sizes, passes
from tomodenoise.reconstruction.engines.spreading import (
    SAMPLE_BYTES,
    TAPS,
    as_torch,
    interpolation_matrix,
    kernel_transform,
    shape_parameter,
    spreading_strips,
)

OVERSAMPLING = 1.5  # 2 is no more accurate for real detector pixels, 1.25 loses 3 dB
MATRIX_BYTES = 1 << 30
"""Memory of the matrices of one kind; if they need more, they are rebuilt for every call."""


@dataclass(frozen=True)
class Raster:
    """Frequencies of a set of angles, as reconstruction and projection use them; made by ``polar_raster``."""

    columns: int  # N: detector columns, and pixels along both sides of a slice
    size: int  # M: grid points along both sides
    length: int  # L: pixels of a padded projection
    directions: FloatArray  # (A, 2) float64: cosθ and sinθ
    signs: Tensor  # (A, 1) float32: -1 where the sample is conjugated
    turns: Tensor  # (A, L/2 + 1) complex64: the shift from the FFT's origin to the rotation axis
    correction: Tensor  # (N, N) float32: one over the kernel's transform, and the FFT's scale
    passes: Passes  # slices per product, and grid rows per matrix
    blocks: tuple[slice, ...]  # angles whose matrices are held at a time
    strips: tuple[Tensor, ...] | None  # the spreading matrices of successive grid rows, if there is only one block
    matrix: Tensor | None  # the interpolation matrix, if there is only one block and projection is needed

    @property
    def device(self) -> torch.device:
        """Device of the tensors."""
        return self.signs.device

    @property
    def half(self) -> tuple[int, int]:
        """Shape (u from -2, y) of the half plane between the two transforms of an image."""
        return self.size // 2 + TAPS, self.columns

    @property
    def crop(self) -> slice:
        """Pixels of the image within the grid, whose origin is in the middle."""
        first = self.size // 2 - self.columns // 2
        return slice(first, first + self.columns)

    def at_once(self, slices: int) -> int:
        """Return the number of slices per pass: all if matrices are rebuilt for each, else the fastest number."""
        return self.passes.slices if len(self.blocks) == 1 else max(slices, 1)

    def spreading(self) -> Iterator[tuple[slice, tuple[Tensor, ...]]]:
        """Yield the strips that spread the samples of all angles, block by block."""
        for block in self.blocks:
            yield block, self.strips or _strips(self, _matrix(self, block))

    def interpolation(self) -> Iterator[tuple[slice, Tensor]]:
        """Yield the matrices that interpolate the samples of all angles from the grid, block by block."""
        for block in self.blocks:
            yield block, _as_tensor(self, _matrix(self, block)) if self.matrix is None else self.matrix

    def phases(self, centers: FloatArray) -> Tensor:
        """Return the phase (slice, 1, L/2 + 1) complex64 that shifts each slice's axis from its center to column 0."""
        cycles = np.arange(self.length // 2 + 1) / self.length
        shift = np.exp(2j * np.pi * cycles * np.asarray(centers, np.float64)[:, None])
        return torch.from_numpy(shift[:, None].astype(np.complex64)).to(self.device)


def polar_raster(
    angles: FloatArray, columns: int, device: str, *, both: bool = False, limit: int = MATRIX_BYTES
) -> Raster:
    """Prepare everything that depends on the angles only.

    Parameters
    ----------
    angles : (A,) radians, any range, any order.
    columns : detector columns N; slices have N by N pixels.
    both : whether to hold the matrices for projection as well.
    limit : bytes that the matrices of one kind may take, at 128 per angle and frequency.
    """
    size = fast_even(OVERSAMPLING * columns)
    length = fast_even(2 * columns)
    directions = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float64)
    signs = np.where(directions[:, :1] < 0, -1.0, 1.0)
    half_pixel = columns // 2 - (columns - 1) / 2
    cycles = np.arange(length // 2 + 1) / length
    turns = torch.from_numpy((2 * np.pi * half_pixel * (directions[:, :1] - directions[:, 1:])).astype(np.float32))
    turns = turns.to(device) * torch.from_numpy(cycles.astype(np.float32)).to(device)
    place = torch.arange(columns, dtype=torch.float64) - columns // 2
    inverse = 1 / kernel_transform(place, size, shape_parameter(size / columns))
    step = max(1, limit // (SAMPLE_BYTES * len(cycles)))
    blocks = tuple(slice(first, min(first + step, len(angles))) for first in range(0, len(angles), step))
    raster = Raster(
        columns=columns,
        size=size,
        length=length,
        directions=directions,
        signs=torch.from_numpy(signs).to(device, torch.float32),
        turns=torch.polar(torch.ones_like(turns), turns),
        correction=(inverse[:, None] * inverse / length).to(device, torch.float32),
        passes=passes(Sizes(len(angles), columns, size, length), devices.free_memory(device)),
        blocks=blocks,
        strips=None,
        matrix=None,
    )
    if len(blocks) > 1:
        return raster
    matrix = _matrix(raster, blocks[0])
    return replace(raster, strips=_strips(raster, matrix), matrix=_as_tensor(raster, matrix) if both else None)


def fast_even(least: float) -> int:
    """Return the smallest even number >= ``least`` without a prime factor above 5, for a fast FFT."""
    return int(2 * next_fast_len(math.ceil(least / 2), real=True))


def _matrix(raster: Raster, block: slice) -> sparse.csr_array:
    """Build the interpolation matrix of some angles; takes about as long as reconstructing five slices."""
    k = np.arange(raster.length // 2 + 1) * (raster.size / raster.length)
    cos = raster.directions[block, :1]
    sin = raster.directions[block, 1:]
    sign = np.where(cos < 0, -1.0, 1.0)
    beta = shape_parameter(raster.size / raster.columns)
    return interpolation_matrix((sign * cos * k).ravel(), (-sign * sin * k).ravel(), raster.size, beta)


def _strips(raster: Raster, matrix: sparse.csr_array) -> tuple[Tensor, ...]:
    strips = spreading_strips(matrix, raster.size, raster.passes.strip)
    return tuple(strip.to(raster.device) for strip in strips)


def _as_tensor(raster: Raster, matrix: sparse.csr_array) -> Tensor:
    return as_torch(matrix.indptr, matrix.indices, matrix.data, matrix.shape).to(raster.device)
