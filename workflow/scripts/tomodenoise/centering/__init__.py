"""The centre of rotation: found from the projections, overruled by a person, drawn to be judged."""

from tomodenoise.centering.finding import Center, Estimate, find, moments, opposite, overrule
from tomodenoise.centering.picture import figure

__all__ = ["Center", "Estimate", "figure", "find", "moments", "opposite", "overrule"]
