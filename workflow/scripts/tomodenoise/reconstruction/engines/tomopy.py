"""TomoPy: gridrec, backprojection, SIRT, MLEM and total variation, with our geometry, filters and scale.

Differences of TomoPy 1.15, according to its source, and their treatment here:

- ``gridrec`` pads to a power of two with zeros only, uses the center of the first slice of each pair for both, has the
  axis in the pixel (N/2 - 1, N/2) of an even grid, omits the frequency zero, and is off in scale by 7 to 18 %.
  ``fbp`` does not filter. So both get projections that are padded, filtered, weighted and shifted here, with one center
  for all, and no filter; the constant of the frequency zero is added; and the scale is calibrated on a disc.
- ``hann`` and ``parzen`` are not the windows of these names. As projections are filtered here, all windows are ours.
- Where rays are traced (all but gridrec) the center counts from a column's edge: half a column is added.
- All start from 1e-6 instead of zero, so sirt and fbp would not be linear: they are given zeros.

Reference: Gürsoy et al., J. Synchrotron Rad. 21, 2014. Dowd et al., SPIE 3772, 1999.
"""

from dataclasses import dataclass, replace

import numpy as np
import tomopy
import torch

from tomodenoise.common.arrays import FloatArray
from tomodenoise.reconstruction.engines.filtering import check_shape, filtered
from tomodenoise.reconstruction.engines.registry import Request

_TRIAL_ANGLES = 180  # for calibrating the scale of gridrec


@dataclass(frozen=True)
class FilteringPlan:
    """Algorithm gridrec or fbp prepared for a set of angles."""

    request: Request
    scale: float  # of gridrec; 1 for fbp

    def __call__(self, sinograms: FloatArray, center: float | FloatArray) -> FloatArray:
        """Reconstruct (slice, angle, column) line integrals to (slice, y, x) float32 attenuation per pixel."""
        r = self.request
        check_shape(sinograms, len(r.angles), r.columns)
        if not len(sinograms):
            return np.empty((0, r.columns, r.columns), np.float32)
        shift = np.broadcast_to(center, len(sinograms))[:, None] - self._length // 2 + self._turns
        rows = filtered(sinograms, self._length, r.filter, r.pad, r.weights, shift)
        slices = self._backproject(rows)
        if r.algorithm == "gridrec":  # it weights each projection by π / A
            slices *= np.float32(self.scale * len(r.angles) / np.pi)
            slices += rows.mean(axis=2).sum(axis=1)[:, None, None]
        return slices

    @property
    def _length(self) -> int:
        """Columns of the filtered projections: the next power of two, to which gridrec would pad them with zeros."""
        return 1 << (2 * self.request.columns - 1).bit_length()

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
        return np.array(slices[:, : self.request.columns, self._grid - self.request.columns :], np.float32)


@dataclass(frozen=True)
class TracingPlan:
    """An iterative algorithm prepared for a set of angles."""

    request: Request

    def __call__(self, sinograms: FloatArray, center: float | FloatArray) -> FloatArray:
        """Reconstruct (slice, angle, column) line integrals to (slice, y, x) float32 attenuation per pixel."""
        r = self.request
        check_shape(sinograms, len(r.angles), r.columns)
        if not len(sinograms):
            return np.empty((0, r.columns, r.columns), np.float32)
        options = {} if r.regularisation is None else {"reg_par": np.full(10, r.regularisation, np.float32)}
        if r.algorithm == "sirt":
            options["init_recon"] = np.zeros((len(sinograms), r.columns, r.columns), np.float32)
        if r.algorithm == "mlem":  # made for counts: its likelihood is undefined below zero
            sinograms = np.clip(sinograms, 0, None)
        slices = tomopy.recon(
            np.ascontiguousarray(sinograms, np.float32),
            r.angles,
            center=np.broadcast_to(center, len(sinograms)).astype(np.float32) + np.float32(0.5),
            sinogram_order=True,
            algorithm=r.algorithm,
            ncore=torch.get_num_threads(),
            num_iter=r.iterations,
            **options,
        )
        return np.asarray(slices, np.float32)


def plan(request: Request) -> FilteringPlan | TracingPlan:
    """Prepare an algorithm of TomoPy."""
    own = replace(request, angles=np.asarray(request.angles, np.float32))
    if own.algorithm not in {"gridrec", "fbp"}:
        return TracingPlan(own)
    return FilteringPlan(own, _gridrec_scale(own.columns) if own.algorithm == "gridrec" else 1.0)


def _gridrec_scale(columns: int) -> float:
    """Return the factor that corrects the scale of gridrec, calibrated on a disc of value one.

    The angles are always the same: the slices of sections need one scale to add up to the slice of all projections.
    """
    radius = columns / 4
    middle = (columns - 1) / 2
    edges = np.clip((np.arange(columns + 1) - columns / 2) / radius, -1, 1)
    chords = np.diff(edges * np.sqrt(1 - edges**2) + np.arcsin(edges)) * radius**2
    angles = np.arange(_TRIAL_ANGLES, dtype=np.float32) * np.float32(np.pi / _TRIAL_ANGLES)
    weights = np.full(_TRIAL_ANGLES, np.pi / _TRIAL_ANGLES)
    disc = np.broadcast_to(chords.astype(np.float32), (1, _TRIAL_ANGLES, columns))
    place = np.arange(columns) - middle
    inside = np.hypot(place[:, None], place) < radius / 2
    trial = Request("gridrec", angles, weights, columns, "hann", "zero", 1, None, "cpu")
    whole, constant = (FilteringPlan(trial, scale)(disc, middle)[0][inside].mean() for scale in (1.0, 0.0))
    return float((1 - constant) / (whole - constant))
