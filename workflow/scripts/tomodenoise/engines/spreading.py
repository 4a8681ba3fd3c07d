"""Spread scattered frequency samples onto a regular grid with a Kaiser-Bessel kernel, as sparse matrices."""

import math
import warnings
from collections.abc import Iterator

import torch
from torch import Tensor

TAPS = 4  # grid points that a sample reaches along each axis
_STRIP = 16  # grid rows per matrix: bounds what building takes beside the result, and keeps a strip's FFT in cache


def shape_parameter(oversampling: float) -> float:
    """Width of the kernel that aliases least for a grid this much finer than the image [Beatty 2005, eq. 5]."""
    return math.pi * math.sqrt((TAPS / oversampling * (oversampling - 0.5)) ** 2 - 0.8)


def kernel_transform(x: Tensor, size: int, beta: float) -> Tensor:
    """Fourier transform of the kernel at the pixels ``x`` of an image that a grid of ``size`` points transforms to.

    What gridding multiplies the image with, so what it must be divided by [Beatty 2005, eq. 4], times exp(-beta).
    Real while |x| stays within the image, where the root's argument is positive.
    """
    z = (beta**2 - (math.pi * TAPS * x / size) ** 2).sqrt()
    return TAPS * (torch.exp(z - beta) - torch.exp(-z - beta)) / (2 * z)


def spreading_matrices(u: Tensor, v: Tensor, size: int, beta: float) -> Iterator[Tensor]:
    """Build the sparse matrices that spread samples onto the half plane u >= 0 of a square grid.

    Parameters
    ----------
    u, v : (n,) float64, where the samples lie, in grid steps; 0 <= u <= size / 2, any v (the grid is periodic along v).
    size : grid points along v; even.
    beta : shape parameter of the kernel.

    Yields
    ------
    (rows of size points, n) float32 CSR matrices with int32 indices, for strips of successive grid rows u. All strips
    together hold the rows u = -2 … size / 2 + 1: what the kernel spills over the half plane's borders is the caller's
    to fold. Entries carry the sign (-1)^(u + v), which moves the image's origin to the middle of the transform.

    Notes
    -----
    Samples are sorted by the cell (first row, first column) that their kernel starts in. A grid point is then reached
    by TAPS runs of successive samples, one for each row of cells, so the matrix is written down without sorting its
    entries, which are TAPS² times as many.
    """
    rows, width = size // 2 + TAPS, size + TAPS - 1
    cell = (_first_tap(u).long() + TAPS // 2) * width + _first_tap(v).long() % size + TAPS - 1
    # The grid closes along v: cells that start at its end are repeated before its start, where their taps go on.
    wrapped = torch.nonzero(cell % width >= size).squeeze(1)
    cell, order = torch.sort(torch.cat([cell, cell[wrapped] - size]).int(), stable=True)
    sample = torch.cat([torch.arange(len(u)), wrapped])[order]
    bounds = torch.nn.functional.pad(torch.bincount(cell, minlength=rows * width).cumsum(0), (1, 0))
    for row in range(0, rows, _STRIP):
        strip = torch.arange(row, min(row + _STRIP, rows))
        reach = slice(int(bounds[max(row - TAPS + 1, 0) * width]), int(bounds[(int(strip[-1]) + 1) * width]))
        entry, tap, pointers = _entries(bounds - reach.start, strip, size)
        near = sample[reach]
        weights = _tap_weights(u[near], beta)[:, :, None] * _tap_weights(v[near], beta)[:, None, :]
        first = torch.arange(len(near)) * TAPS**2 - cell[reach] % width
        values = weights.view(-1)[first[entry] + tap]
        yield _matrix(pointers, near.int()[entry], values, (len(strip) * size, len(u)))


def _first_tap(position: Tensor) -> Tensor:
    """Grid point, of any sign, where the kernel of a sample starts to reach."""
    return torch.ceil(position - TAPS / 2)


def _tap_weights(position: Tensor, beta: float) -> Tensor:
    """Kaiser-Bessel weights (n, TAPS) float32 of the grid points around a sample, their sign alternating."""
    tap = _first_tap(position)[:, None] + torch.arange(TAPS)
    root = (1 - (2 / TAPS * (tap - position[:, None]).float()) ** 2).clamp(min=0).sqrt()
    kernel: Tensor = torch.special.i0e(beta * root) * torch.exp(beta * (root - 1))
    return kernel * (1 - 2 * (tap % 2)).float()


def _entries(bounds: Tensor, strip: Tensor, size: int) -> tuple[Tensor, Tensor, Tensor]:
    """List a strip's entries in the order of its grid points.

    ``bounds`` are the ends of the cells' runs among the sorted samples. Returns for each entry the sample, and where
    its weight stands among the sample's TAPS² if its cell were in column 0; and for each grid point its first entry.
    """
    cell_row = strip[:, None, None] - torch.arange(TAPS)
    column = torch.arange(size)[:, None]
    cell = cell_row.clamp(min=0) * (size + TAPS - 1) + column
    begin, end = bounds[cell], bounds[cell + TAPS]
    length = torch.where(cell_row >= 0, end - begin, 0)
    pointers = torch.nn.functional.pad(length.sum(-1).view(-1).cumsum(0), (1, 0)).int()
    length = length.view(-1)
    run = torch.repeat_interleave(length)
    entry = torch.arange(len(run)) + (begin.view(-1) + length - length.cumsum(0))[run]
    tap = (torch.arange(TAPS) * TAPS + column + TAPS - 1).repeat(len(strip), 1, 1).view(-1)[run]
    return entry, tap, pointers


def _matrix(pointers: Tensor, columns: Tensor, values: Tensor, shape: tuple[int, int]) -> Tensor:
    with warnings.catch_warnings():  # "Sparse CSR tensor support is in beta state": nothing a user can act on
        warnings.simplefilter("ignore", UserWarning)
        return torch.sparse_csr_tensor(pointers, columns, values, shape, check_invariants=False)
