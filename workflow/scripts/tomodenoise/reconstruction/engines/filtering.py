"""Filtering of projections for engines that only backproject, so that all share our padding, ramp and windows."""

import numpy as np
import torch
from torch import Tensor

from tomodenoise.common.arrays import FloatArray
from tomodenoise.reconstruction.engines.filters import response


def filtered(
    sinograms: FloatArray, length: int, kind: str, pad: str, weights: FloatArray, shift: FloatArray
) -> FloatArray:
    """Pad, filter, weight and shift projections.

    Parameters
    ----------
    sinograms : (slice, angle, column) line integrals.
    length : columns L of the result, even, at least twice those of the sinograms.
    kind, pad : as in ``registry.plan``.
    weights : (angle,) radians.
    shift : (slice, angle) position in the sinogram of column 0 of the result, columns; any number. The result is
        periodic: with center - L / 2 the rotation axis is at L / 2 with all rays around it.

    Returns
    -------
    (slice, angle, L) float32.
    """
    rows = padded(torch.from_numpy(np.ascontiguousarray(sinograms, np.float32)), length, pad)
    spectra = np.fft.rfft(rows.numpy())
    cycles = np.arange(length // 2 + 1) / length
    gain = response(kind, length) * np.asarray(weights)[:, None]
    spectra *= (gain * np.exp(2j * np.pi * cycles * np.asarray(shift)[..., None])).astype(np.complex64)
    return np.asarray(np.fft.irfft(spectra, n=length), np.float32)


def check_shape(sinograms: FloatArray, angles: int, columns: int) -> None:
    """Raise ValueError for sinograms with other numbers of angles or columns than those of a plan."""
    if sinograms.shape[1:] != (angles, columns):
        raise ValueError(f"sinograms {sinograms.shape} do not fit {angles} angles and {columns} columns")


def padded(projections: Tensor, length: int, pad: str) -> Tensor:
    """Pad (…, column) to ``length``; by periodicity the padding before the first column is at the end."""
    columns = projections.shape[-1]
    result = projections.new_zeros(*projections.shape[:-1], length)
    result[..., :columns] = projections
    if pad == "edge":
        middle = (length + columns) // 2
        result[..., columns:middle] = projections[..., -1:]
        result[..., middle:] = projections[..., :1]
    return result
