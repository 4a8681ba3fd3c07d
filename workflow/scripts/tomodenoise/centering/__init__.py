"""The centre of rotation: found from the projections, overruled by a person, drawn to be judged."""

from tomodenoise.centering.circle import opposite
from tomodenoise.centering.finding import Center, find, lean, overrule, settle
from tomodenoise.centering.picture import figure
from tomodenoise.centering.stating import Estimate

__all__ = ["Center", "Estimate", "figure", "find", "lean", "opposite", "overrule", "settle"]
