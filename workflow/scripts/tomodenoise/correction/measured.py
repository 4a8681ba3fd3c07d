"""Measurements that are made once per scan before its slabs are corrected, and their form in `measured.json`."""

import json
from dataclasses import dataclass
from pathlib import Path

from tomodenoise.correction.measuring import Measures
from tomodenoise.correction.stripe_choice import StripeChoice
from tomodenoise.correction.zingers import Noise


@dataclass(frozen=True)
class Measured:
    """Measured values that all slabs of a scan share."""

    measures: Measures
    stripes: StripeChoice


def read(file: Path) -> Measured:
    """Read `measured.json`."""
    values = json.loads(file.read_text())
    measures = values["measures"]
    noise = Noise(**measures["noise"]) if measures["noise"] else None
    return Measured(Measures(**{**measures, "noise": noise}), StripeChoice(**values["stripes"]))
