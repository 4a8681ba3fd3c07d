"""The engine torch: filtered backprojection by Fourier gridding, and iterative algorithms on its projections."""

from tomodenoise.reconstruction.engines.gridding import RasterPlan, gridding_plan
from tomodenoise.reconstruction.engines.iterative import iterative_plan
from tomodenoise.reconstruction.engines.registry import Request


def plan(request: Request) -> RasterPlan:
    """Prepare an algorithm of the engine."""
    r = request
    if r.algorithm == "fbp":
        return gridding_plan(r.angles, r.weights, r.columns, r.filter, r.pad, r.device)
    return iterative_plan(r.angles, r.columns, r.iterations, r.regularisation, r.device)
