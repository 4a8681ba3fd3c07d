"""Raw frames to line integrals: flats and darks, zingers, phase, -log without bias, repair, air and stripes.

All but the last act on one frame at a time, on a pixel or its row, or on a few rows of the scan around it: a slab
comes out the same, bit for bit, whichever rows are worked on beside it; with phase within 1e-4. Stripes are removed
from the sinogram of one row.
"""

from tomodenoise.correction.channels import correct_channels
from tomodenoise.correction.concerns import concerns, rings
from tomodenoise.correction.frames import describing, halo, held
from tomodenoise.correction.measured import Measured, sample
from tomodenoise.correction.measured import from_json as measured_from_json
from tomodenoise.correction.measured import to_json as measured_to_json
from tomodenoise.correction.measuring import Measures, measure
from tomodenoise.correction.options import Options, Phase, check, from_settings
from tomodenoise.correction.screening import screen
from tomodenoise.correction.slabs import SlabStatistics, correct_slab
from tomodenoise.correction.stripe_choice import StripeChoice
from tomodenoise.correction.stripe_choice import choose as choose_stripes

__all__ = [
    "Measured",
    "Measures",
    "Options",
    "Phase",
    "SlabStatistics",
    "StripeChoice",
    "check",
    "choose_stripes",
    "concerns",
    "correct_channels",
    "correct_slab",
    "describing",
    "from_settings",
    "halo",
    "held",
    "measure",
    "measured_from_json",
    "measured_to_json",
    "rings",
    "sample",
    "screen",
]
