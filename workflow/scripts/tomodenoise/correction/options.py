"""What a person may choose for the correction of a scan, and what of it a scan cannot have."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tomodenoise.common.errors import UserError
from tomodenoise.correction import stripes
from tomodenoise.scans.description import Scan


@dataclass(frozen=True)
class Phase:
    """Propagation and material for phase retrieval."""

    delta_beta: float
    """Ratio of the refractive index's decrement to its imaginary part, n = 1 - delta + i beta."""
    energy: float
    """keV."""
    distance: float
    """From the sample to the detector, metre."""


@dataclass(frozen=True)
class Options:
    """Steps beyond flats, darks and -log; by itself none."""

    zingers: float | None = None
    """Deviations of the noise by which a zinger stands above all that surrounds it; None keeps zingers."""
    stripes: str = "none"
    """`none`, `sorting`, `wavelet` or `vo`; `auto` has to be settled before, see `stripe_choice`."""
    phase: Phase | None = None
    air: int = 0
    """Columns at each side that see no sample; 0 leaves the beam as it is."""


def from_settings(settings: Mapping[str, Any]) -> Options:
    """Take them from the section `correct` of the resolved configuration."""
    zingers, phase = settings["zingers"], settings.get("phase")
    return Options(
        zingers=None if zingers == "none" else float(zingers),
        stripes=settings["stripes"],
        phase=None if phase is None else Phase(**phase),
        air=settings["air"],
    )


def check(scan: Scan, options: Options) -> None:
    """Find what would stop the correction of a scan.

    Raises
    ------
    UserError
        If phase is to be retrieved from line integrals or without a pixel size, if the columns of air overlap, or
        if `stripes.check` refuses.
    """
    if options.phase and scan.kind == "attenuation":
        raise UserError(
            f"correct.phase: {scan.file} holds line integrals, phase is retrieved from intensities:"
            " leave correct.phase out, or set correct.input if they are intensities"
        )
    if options.phase and scan.pixel_size is None:
        raise UserError(f"correct.phase: {scan.file} does not tell the pixel size: set pixel_size of the scan")
    if 2 * options.air > scan.columns:
        raise UserError(
            f"correct.air: {options.air} columns at each side are more than the {scan.columns} columns of {scan.file}:"
            " set fewer"
        )
    if options.stripes != "auto":
        stripes.check(options.stripes, len(scan.angles), scan.columns)
