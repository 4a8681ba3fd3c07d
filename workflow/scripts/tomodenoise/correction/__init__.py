"""Raw frames to line integrals: dark and flat correction, -log without bias, repair within the frame.

Everything acts on one detector pixel, or on one row of one frame, at a time: a slab comes out the same, bit for bit,
whichever rows are worked on beside it.
"""

from tomodenoise.correction.concerns import concerns
from tomodenoise.correction.counts import attenuation_from_counts, estimate_gain
from tomodenoise.correction.references import Reference, deal, is_shared
from tomodenoise.correction.repairing import repair
from tomodenoise.correction.slabs import SlabStatistics, correct_slab, measure_gain

__all__ = [
    "Reference",
    "SlabStatistics",
    "attenuation_from_counts",
    "concerns",
    "correct_slab",
    "deal",
    "estimate_gain",
    "is_shared",
    "measure_gain",
    "repair",
]
