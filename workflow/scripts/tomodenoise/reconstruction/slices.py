"""Reconstruction of slices with the rotation axis anywhere: tilted, off centre, or near an edge of the detector."""

from collections.abc import Callable

import numpy as np

from tomodenoise.common.arrays import FloatArray
from tomodenoise.geometry import half_acquisition
from tomodenoise.geometry.rotation_axis import Geometry
from tomodenoise.reconstruction.engines import registry
from tomodenoise.reconstruction.options import Reconstruct
from tomodenoise.splitting.model import Section


def prepare(
    section: Section, geometry: Geometry, options: Reconstruct, device: str
) -> Callable[[FloatArray, float | FloatArray], FloatArray]:
    """Prepare the reconstruction of a section, once for all rows and centers.

    Parameters
    ----------
    section : angles and weights of its projections.
    device : "cpu" or "cuda".

    Returns
    -------
    A function from sinograms (slice, angle, column) of the section and their centers (slice,), in detector columns, to
    slices (slice, y, x) float32 of ``geometry.size``, attenuation per pixel.
    """
    # In a half acquisition each measurement is blended with its opposite, so a full turn counts twice.
    weights = 2 * section.weights if geometry.extended else section.weights
    plan = registry.plan(
        options.engine,
        options.algorithm,
        section.angles,
        weights,
        geometry.size,
        filter=options.filter,
        pad=options.pad,
        iterations=options.iterations,
        regularisation=options.regularisation,
        device=device,
    )
    if not geometry.extended:
        return plan
    wide = geometry.wide

    def reconstruct(sinograms: FloatArray, centers: float | FloatArray) -> FloatArray:
        return plan(half_acquisition.apply(sinograms, wide, centers), np.asarray(centers) + wide.before)

    return reconstruct
