"""An engine in one module: filtered backprojection with linear interpolation, written with NumPy alone."""

from dataclasses import dataclass

import numpy as np

from tomodenoise.common.arrays import FloatArray
from tomodenoise.reconstruction.engines.filtering import check_shape, filtered
from tomodenoise.reconstruction.engines.registry import Capabilities, Engine, Request


@dataclass(frozen=True)
class Backprojection:
    """A reconstruction made ready for a set of angles."""

    request: Request

    def __call__(self, sinograms: FloatArray, center: float | FloatArray) -> FloatArray:
        """Reconstruct (slice, angle, column) line integrals to (slice, y, x) float32 attenuation per pixel."""
        r = self.request
        check_shape(sinograms, len(r.angles), r.columns)
        middle = r.columns  # the column of the rotation axis once the projections are padded to twice their width
        shift = np.broadcast_to(center, len(sinograms))[:, None] - middle
        rows = filtered(sinograms, 2 * r.columns, r.filter, r.pad, r.weights, shift)
        x = np.arange(r.columns) - (r.columns - 1) / 2
        y = -x[:, None]
        slices = np.zeros((len(sinograms), r.columns, r.columns), np.float32)
        for number, projections in enumerate(rows):
            for angle, projection in zip(r.angles, projections, strict=True):
                along = middle + x * np.cos(angle) + y * np.sin(angle)
                slices[number] += np.interp(along, np.arange(len(projection)), projection)
        return slices


def plan(request: Request) -> Backprojection:
    """Prepare a reconstruction."""
    return Backprojection(request)


# The entry for `ENGINES` in reconstruction/engines/registry.py. Once the module lies next to it as simple.py,
# "add_engine:plan" becomes "tomodenoise.reconstruction.engines.simple:plan".
ENTRY = {"simple": Engine("add_engine:plan", {"fbp": Capabilities(additive=True, filtered=True)})}
