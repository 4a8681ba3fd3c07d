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

from dataclasses import dataclass

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

    algorithm: str
    angles: FloatArray
    weights: FloatArray
    columns: int
    kind: str
    pad: str
    scale: float  # of gridrec; 1 for fbp

    def __call__(self, sinograms: FloatArray, center: float | FloatArray) -> FloatArray:
        """Reconstruct (slice, angle, column) line integrals to (slice, y, x) float32 attenuation per pixel."""
        check_shape(sinograms, len(self.angles), self.columns)
        if not len(sinograms):
            return np.empty((0, self.columns, self.columns), np.float32)
        centers = np.broadcast_to(center, len(sinograms))[:, None]
        rows = filtered(
            sinograms, self._length, self.kind, self.pad, self.weights, centers - self._length // 2 + self._turns
        )
        slices = self._backproject(rows)
        if self.algorithm == "gridrec":  # it weights each projection by π / A
            slices *= np.float32(self.scale * len(self.angles) / np.pi)
            slices += rows.mean(axis=2).sum(axis=1)[:, None, None]
        return slices

    @property
    def _length(self) -> int:
        """Columns of the filtered projections: the next power of two, to which gridrec would pad them with zeros."""
        return 1 << (2 * self.columns - 1).bit_length()

    @property
    def _grid(self) -> int:
        """Edge of TomoPy's slices, pixels: even for gridrec, as its origin is known there."""
        return self.columns + self.columns % 2 if self.algorithm == "gridrec" else self.columns

    @property
    def _turns(self) -> FloatArray:
        """Shift (A,) of projections in columns that moves the slice's origin from TomoPy's to ours."""
        if self.algorithm != "gridrec" or self.columns % 2:
            return np.zeros(len(self.angles))
        return (np.cos(self.angles) + np.sin(self.angles)) / 2

    def _backproject(self, rows: FloatArray) -> FloatArray:
        """Backproject (slice, angle, L) with the axis at column L / 2."""
        options = {}
        if self.algorithm == "fbp":
            options["init_recon"] = np.zeros((len(rows), self._grid, self._grid), np.float32)
        middle = self._length / 2 + (0.5 if self.algorithm == "fbp" else 0)
        slices = tomopy.recon(
            rows,
            self.angles,
            center=middle,
            sinogram_order=True,
            algorithm=self.algorithm,
            ncore=torch.get_num_threads(),
            num_gridx=self._grid,
            num_gridy=self._grid,
            filter_name="none",
            **options,
        )
        return np.array(slices[:, : self.columns, self._grid - self.columns :], np.float32)


@dataclass(frozen=True)
class TracingPlan:
    """An iterative algorithm prepared for a set of angles."""

    algorithm: str
    angles: FloatArray
    columns: int
    iterations: int
    regularisation: float | None

    def __call__(self, sinograms: FloatArray, center: float | FloatArray) -> FloatArray:
        """Reconstruct (slice, angle, column) line integrals to (slice, y, x) float32 attenuation per pixel."""
        check_shape(sinograms, len(self.angles), self.columns)
        if not len(sinograms):
            return np.empty((0, self.columns, self.columns), np.float32)
        options = {} if self.regularisation is None else {"reg_par": np.full(10, self.regularisation, np.float32)}
        if self.algorithm == "sirt":
            options["init_recon"] = np.zeros((len(sinograms), self.columns, self.columns), np.float32)
        if self.algorithm == "mlem":  # made for counts: its likelihood is undefined below zero
            sinograms = np.clip(sinograms, 0, None)
        slices = tomopy.recon(
            np.ascontiguousarray(sinograms, np.float32),
            self.angles,
            center=np.broadcast_to(center, len(sinograms)).astype(np.float32) + np.float32(0.5),
            sinogram_order=True,
            algorithm=self.algorithm,
            ncore=torch.get_num_threads(),
            num_iter=self.iterations,
            **options,
        )
        return np.asarray(slices, np.float32)


def plan(request: Request) -> FilteringPlan | TracingPlan:
    """Prepare an algorithm of TomoPy."""
    r = request
    angles = np.asarray(r.angles, np.float32)
    if r.algorithm not in {"gridrec", "fbp"}:
        return TracingPlan(r.algorithm, angles, r.columns, r.iterations, r.regularisation)
    scale = _gridrec_scale(r.columns) if r.algorithm == "gridrec" else 1.0
    return FilteringPlan(r.algorithm, angles, np.asarray(r.weights), r.columns, r.filter, r.pad, scale)


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
    whole, constant = (
        FilteringPlan("gridrec", angles, weights, columns, "hann", "zero", scale)(disc, middle)[0][inside].mean()
        for scale in (1.0, 0.0)
    )
    return float((1 - constant) / (whole - constant))
