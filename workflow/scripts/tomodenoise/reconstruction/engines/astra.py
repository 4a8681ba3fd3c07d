"""The ASTRA toolbox: filtered backprojection and SIRT, on a CUDA device if there is one.

ASTRA's own FBP assumes a centred rotation axis and has filters of its own, so projections are filtered here, with the
axis moved to the middle, and ASTRA backprojects. Its SIRT takes the axis in the geometry's vectors. On a CPU it uses
Joseph's projector (ASTRA's "linear"). Slices are reconstructed one by one.

Reference: van Aarle et al., Optics Express 24, 2016.
"""

import math
from dataclasses import dataclass

import astra
import numpy as np

from tomodenoise.common.arrays import FloatArray
from tomodenoise.reconstruction.engines.filtering import check_shape, filtered
from tomodenoise.reconstruction.engines.registry import Request

_DIAGONAL = 1.5  # columns that rays through a slice's corners need, relative to its edge, with a margin


@dataclass(frozen=True)
class AstraPlan:
    """An algorithm of ASTRA prepared for a set of angles."""

    request: Request
    cuda: bool

    def __call__(self, sinograms: FloatArray, center: float | FloatArray) -> FloatArray:
        """Reconstruct (slice, angle, column) line integrals to (slice, y, x) float32 attenuation per pixel."""
        r = self.request
        check_shape(sinograms, len(r.angles), r.columns)
        slices = np.empty((len(sinograms), r.columns, r.columns), np.float32)
        centers = np.broadcast_to(center, len(sinograms))
        for image, sinogram, axis in zip(slices, sinograms, centers, strict=True):
            if r.algorithm == "fbp":
                image[:] = self._backprojection(sinogram, axis)
            else:
                image[:] = self._run("SIRT", sinogram, axis, r.iterations)
        return slices

    def _backprojection(self, sinogram: FloatArray, center: float) -> FloatArray:
        r = self.request
        length = 2 * r.columns
        wide = 2 * math.ceil(_DIAGONAL / 2 * r.columns)
        shift = np.full((1, len(r.angles)), center - (length - 1) / 2)
        rows = filtered(sinogram[None], length, r.filter, r.pad, r.weights, shift)[0]
        margin = (length - wide) // 2
        return self._run("BP", rows[:, margin : margin + wide], (wide - 1) / 2, 1)

    def _run(self, name: str, sinogram: FloatArray, center: float, iterations: int) -> FloatArray:
        """Run an algorithm of ASTRA on one sinogram (angle, column) with its axis at column ``center``."""
        columns, edge = sinogram.shape[1], self.request.columns
        vectors = _vectors(np.asarray(self.request.angles), (columns - 1) / 2 - center)
        rays = astra.create_proj_geom("parallel_vec", columns, vectors)
        pixels = astra.create_vol_geom(edge, edge)
        projector = astra.create_projector("cuda" if self.cuda else "linear", rays, pixels)
        data = astra.data2d.create("-sino", rays, np.ascontiguousarray(sinogram, np.float32))
        image = astra.data2d.create("-vol", pixels, 0)
        settings = astra.astra_dict(f"{name}_CUDA" if self.cuda else name)
        settings |= {"ProjectorId": projector, "ProjectionDataId": data, "ReconstructionDataId": image}
        algorithm = astra.algorithm.create(settings)
        try:
            astra.algorithm.run(algorithm, iterations)
            return np.asarray(astra.data2d.get(image), np.float32)
        finally:
            astra.algorithm.delete(algorithm)
            astra.data2d.delete([data, image])
            astra.projector.delete(projector)


def plan(request: Request) -> AstraPlan:
    """Prepare an algorithm of ASTRA; on "cuda" only where ASTRA itself finds it."""
    return AstraPlan(request, request.device == "cuda" and astra.use_cuda())


def _vectors(angles: FloatArray, offset: float) -> FloatArray:
    """Return ASTRA's ray vectors (A, 6): direction, middle of the detector, and step from column to column."""
    cos = np.cos(angles)
    sin = np.sin(angles)
    return np.stack([sin, -cos, offset * cos, offset * sin, cos, sin], axis=1)
