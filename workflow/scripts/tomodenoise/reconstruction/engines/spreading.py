"""Interpolation between a regular grid and scattered frequency samples with a Kaiser-Bessel kernel, as sparse matrices.

The interpolation matrix has TAPS² entries in each row, one row per sample, and is built directly. Spreading is its
transpose, made by a counting sort.
"""

import math
import warnings

import numpy as np
import torch
from scipy import sparse
from torch import Tensor

from tomodenoise.common.arrays import FloatArray, IntArray

TAPS = 4  # grid points that a sample reaches along each axis
SAMPLE_BYTES = 8 * TAPS**2  # in a matrix: a value and an index per tap
_CHUNK = 1 << 15  # samples at a time: fits the cache
_STEPS = 8192  # of the table between two grid points; linear interpolation is then exact to float32


def shape_parameter(oversampling: float) -> float:
    """Return the kernel shape with the least aliasing for this oversampling of the grid [Beatty 2005, eq. 5]."""
    return math.pi * math.sqrt((TAPS / oversampling * (oversampling - 0.5)) ** 2 - 0.8)


def kernel_transform(x: Tensor, size: int, beta: float) -> Tensor:
    """Return the kernel's Fourier transform at the pixels ``x`` of the image of a grid of ``size`` points.

    Gridding multiplies the image by it, so the image must be divided by it [Beatty 2005, eq. 4]; here times exp(-beta).
    It is real for |x| within the image, where the root's argument is positive.
    """
    z = (beta**2 - (math.pi * TAPS * x / size) ** 2).sqrt()
    return TAPS * (torch.exp(z - beta) - torch.exp(-z - beta)) / (2 * z)


def interpolation_matrix(u: FloatArray, v: FloatArray, size: int, beta: float) -> sparse.csr_array:
    """Build the sparse matrix that interpolates samples from the half plane u >= 0 of a square grid.

    Parameters
    ----------
    u, v : (n,) float64 positions of the samples in grid steps; 0 <= u <= size / 2, -size / 2 <= v <= size / 2.
    size : grid points along v, in which the grid is periodic; even.
    beta : shape parameter of the kernel.

    Returns
    -------
    (n, (size / 2 + TAPS) * size) float32 CSR matrix with int32 indices. Its columns are the grid points of the rows
    u = -2 … size / 2 + 1: the caller must fold what the kernel spreads beyond the half plane. Entries carry the sign
    (-1)^(u + v), which moves the image's origin to the middle of the transform.
    """
    n = len(u)
    rows = size // 2 + TAPS
    table = _table(beta)
    indices = np.empty((n, TAPS, TAPS), np.int32)
    values = np.empty((n, TAPS, TAPS), np.float32)
    for first in range(0, n, _CHUNK):
        batch = slice(first, first + _CHUNK)
        row, weight_u = _taps(u[batch], table)
        column, weight_v = _taps(v[batch], table)
        column += np.where(column < 0, np.int32(size), np.int32(0))
        np.add(((row + np.int32(TAPS // 2)) * np.int32(size))[:, :, None], column[:, None, :], out=indices[batch])
        np.multiply(weight_u[:, :, None], weight_v[:, None, :], out=values[batch])
    pointers = np.arange(n + 1, dtype=np.int32) * np.int32(TAPS**2)
    return sparse.csr_array((values.ravel(), indices.ravel(), pointers), shape=(n, rows * size))


def spreading_strips(matrix: sparse.csr_array, size: int, strip: int) -> tuple[Tensor, ...]:
    """Transpose an interpolation matrix, and cut it into strips of some grid rows.

    Returns
    -------
    (rows of size points, n) float32 CSR matrices with int32 indices, for strips of successive grid rows u.
    """
    spread = matrix.tocsc()  # the same arrays are the transpose's CSR
    ends = range(0, spread.shape[1] + 1, size)
    strips = []
    for first in range(0, len(ends) - 1, strip):
        last = min(first + strip, len(ends) - 1)
        pointers = spread.indptr[ends[first] : ends[last] + 1]
        entries = slice(pointers[0], pointers[-1])
        shape = (len(pointers) - 1, matrix.shape[0])
        strips.append(as_torch(pointers - pointers[0], spread.indices[entries], spread.data[entries], shape))
    return tuple(strips)


def as_torch(pointers: IntArray, columns: IntArray, values: FloatArray, shape: tuple[int, int]) -> Tensor:
    """Wrap the arrays of a CSR matrix in a torch tensor without a copy."""
    crow, col, val = (torch.from_numpy(part) for part in (pointers, columns, values))
    with warnings.catch_warnings():  # "Sparse CSR tensor support is in beta state": of no use to a user
        warnings.simplefilter("ignore", UserWarning)
        return torch.sparse_csr_tensor(crow, col, val, shape, check_invariants=False)


def _taps(position: FloatArray, table: FloatArray) -> tuple[IntArray, FloatArray]:
    """Return the grid points (n, TAPS) int32 around each sample, and their float32 weights with the sign (-1)^point."""
    first = np.ceil(position - TAPS / 2).astype(np.int32)
    place = (position - first - (TAPS / 2 - 1)) * _STEPS
    step = place.astype(np.int32)
    rest = (place - step).astype(np.float32)[:, None]
    weights = table[step] * (1 - rest) + table[step + 1] * rest
    weights *= (1 - 2 * (first & 1)).astype(np.float32)[:, None]
    return first[:, None] + np.arange(TAPS, dtype=np.int32), weights


def _table(beta: float) -> FloatArray:
    """Tabulate the kernel at the TAPS grid points around a sample, (step, TAPS) float32, between two grid points.

    Two extra steps: a sample may lie on the second grid point, and is interpolated to the next step.
    """
    place = TAPS / 2 - 1 + np.arange(_STEPS + 2)[:, None] / _STEPS
    tap = np.arange(TAPS)
    root = np.sqrt(np.clip(1 - (2 / TAPS * (tap - place)) ** 2, 0, None))
    return np.asarray(np.i0(beta * root) / np.exp(beta) * (1 - 2 * (tap % 2)), dtype=np.float32)
