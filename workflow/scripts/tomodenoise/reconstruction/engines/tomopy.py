"""TomoPy: gridrec, backprojection, SIRT, MLEM and total variation, with our geometry, filters and scale.

Differences of TomoPy 1.15, according to its source, and their treatment here:

- ``gridrec`` pads to a power of two with zeros only, uses the center of the first slice of each pair for both, has the
  axis in the pixel (N/2 - 1, N/2) of an even grid, and omits the frequency zero. ``fbp`` does not filter. So both get
  projections that are padded, filtered, weighted and shifted here, with one center for all, and no filter; and the
  constant of the frequency zero is added.
- ``gridrec`` spreads with a narrower kernel than it corrects for, and corrects one pixel aside. The resulting gain is
  lopsided and grows from 0.56 on the axis to 0.63 at 0.85 of the radius. Slices are divided by it.
- ``hann`` and ``parzen`` are not the windows of these names. As projections are filtered here, all windows are ours.
- Where rays are traced (all but gridrec) the center counts from a column's edge: half a column is added.
- All start from 1e-6 instead of zero, so sirt and fbp would not be linear: all but ``mlem`` are given zeros.
- ``mlem`` divides zero by zero where a sinogram is zero around a small object, and NaN spreads over the slice.
  Sinograms get a floor, relative to their maximum, so that the unit does not matter.
- ``tv`` scales its projector by the size of the sinogram, and thereby λ, which would differ from ours and between
  sections: it is given λ times that scale.

Reference: Gürsoy et al., J. Synchrotron Rad. 21, 2014. Dowd et al., SPIE 3772, 1999.
"""

from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import tomopy
import torch
from scipy.special import pro_ang1

from tomodenoise.common.arrays import FloatArray
from tomodenoise.reconstruction.engines.filtering import check_shape, filtered
from tomodenoise.reconstruction.engines.registry import Plan, Request

_BANDWIDTH = 7  # of gridrec's kernel, a prolate spheroidal wave function of degree zero
_EIGENVALUE = 0.99998546  # of that function
_REACH = 2  # half-width of the kernel, frequency bins; its correction assumes _BANDWIDTH / π
_ENTRIES = 512  # of the kernel's table
_FLOOR = 1e-6  # of mlem's sinograms, relative to their maximum


@dataclass(frozen=True)
class Filtering:
    """Algorithm gridrec or fbp."""

    request: Request

    def __call__(self, sinograms: FloatArray, centers: FloatArray) -> FloatArray:
        """Reconstruct (slice, angle, column) with the axis at columns (slice,)."""
        r = self.request
        shift = centers[:, None] - self._length // 2 + self._turns
        rows = filtered(sinograms, self._length, r.filter, r.pad, r.weights, shift)
        slices = self._backproject(rows)
        if r.algorithm == "gridrec":  # it weights each projection by π / A
            slices *= np.float32(len(r.angles) / np.pi)
            slices += rows.mean(axis=2).sum(axis=1)[:, None, None]
        return slices

    @property
    def _length(self) -> int:
        """Columns of the filtered projections: a power of two, at least 16, to which gridrec would pad with zeros."""
        return max(16, 1 << (2 * self.request.columns - 1).bit_length())

    @property
    def _grid(self) -> int:
        """Edge of TomoPy's slices, pixels: even for gridrec, as its origin is known there."""
        columns = self.request.columns
        return columns + columns % 2 if self.request.algorithm == "gridrec" else columns

    @property
    def _turns(self) -> FloatArray:
        """Shift (A,) of projections in columns that moves the slice's origin from TomoPy's to ours."""
        if self.request.algorithm != "gridrec" or self.request.columns % 2:
            return np.zeros(len(self.request.angles))
        return (np.cos(self.request.angles) + np.sin(self.request.angles)) / 2

    def _backproject(self, rows: FloatArray) -> FloatArray:
        """Backproject (slice, angle, L) with the axis at column L / 2."""
        options = {}
        if self.request.algorithm == "fbp":
            options["init_recon"] = np.zeros((len(rows), self._grid, self._grid), np.float32)
        middle = self._length / 2 + (0.5 if self.request.algorithm == "fbp" else 0)
        slices = tomopy.recon(
            rows,
            self.request.angles,
            center=middle,
            sinogram_order=True,
            algorithm=self.request.algorithm,
            ncore=torch.get_num_threads(),
            num_gridx=self._grid,
            num_gridy=self._grid,
            filter_name="none",
            **options,
        )
        if self.request.algorithm == "gridrec":
            gain = gridrec_gain(np.arange(self._grid) - self._grid / 2, self._length).astype(np.float32)
            slices = slices / (gain[::-1, None] * gain)
        return np.array(slices[:, : self.request.columns, self._grid - self.request.columns :], np.float32)


def plan(request: Request) -> Plan:
    """Prepare an algorithm of TomoPy."""
    own = replace(request, angles=np.asarray(request.angles, np.float32))
    solve = Filtering(own) if own.algorithm in {"gridrec", "fbp"} else partial(_traced, own)

    def reconstruct(sinograms: FloatArray, center: float | FloatArray) -> FloatArray:
        check_shape(sinograms, len(own.angles), own.columns)
        if not len(sinograms):
            return np.empty((0, own.columns, own.columns), np.float32)
        return solve(sinograms, np.broadcast_to(center, len(sinograms)))

    return reconstruct


def _traced(r: Request, sinograms: FloatArray, centers: FloatArray) -> FloatArray:
    """Reconstruct (slice, angle, column) by an iterative algorithm, with the axis at columns (slice,)."""
    scale: FloatArray | float = 1.0
    options: dict[str, FloatArray] = {}
    if r.algorithm == "mlem":  # made for counts: its likelihood is undefined below zero
        scale = np.maximum(sinograms.max(axis=(1, 2), keepdims=True), 0)
        sinograms = np.clip(sinograms / np.where(scale > 0, scale, 1), _FLOOR, None)
    else:
        options["init_recon"] = np.zeros((len(sinograms), r.columns, r.columns), np.float32)
    if r.regularisation is not None:
        weight = r.regularisation / np.sqrt(r.columns * len(r.angles) / 2)
        options["reg_par"] = np.full(10, weight, np.float32)
    slices = tomopy.recon(
        np.ascontiguousarray(sinograms, np.float32),
        r.angles,
        center=centers.astype(np.float32) + np.float32(0.5),
        sinogram_order=True,
        algorithm=r.algorithm,
        ncore=torch.get_num_threads(),
        num_iter=r.iterations,
        **options,
    )
    return np.asarray(slices * scale, np.float32)


def gridrec_gain(place: FloatArray, length: int) -> FloatArray:
    """Return the gain of TomoPy's gridrec along one direction of a slice.

    A slice is too large by the product of the gains along its two directions.

    Parameters
    ----------
    place : distance from gridrec's origin, pixels, to the right or up; from -length/2 to below length/2 - 1.
    length : columns of its projections, a power of two.

    Returns
    -------
    Array like ``place``: the Fourier transform of the kernel that spreads the samples, over the value from which the
    correction is made, that of the next pixel in a table. The kernel ψ is its own transform if its half-width is
    bandwidth / π bins [Dowd 1999], but it is cut to 2 bins.
    """
    share = (np.arange(_ENTRIES) + 0.5) / _ENTRIES
    waves = np.cos(2 * np.pi / length * _REACH * share * place[:, None])
    transform = 2 * _REACH * np.mean(_kernel(share) * waves, axis=1)
    entry = np.rint(np.abs(place + 1) * _ENTRIES / ((length - 1) / 2))
    norm = np.sqrt(np.pi / 2 / _BANDWIDTH / _EIGENVALUE) / 1.2  # TomoPy's
    return np.asarray(norm * transform / _kernel(entry / _ENTRIES))


def _kernel(share: FloatArray) -> FloatArray:
    """Return ψ over the share of its half-width, below one; ψ(0) is one."""
    values, _ = pro_ang1(0, 0, _BANDWIDTH, np.append(share, 0.0))
    return np.asarray(values[:-1] / values[-1])
