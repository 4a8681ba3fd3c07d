"""The section `correct` of the configuration, and its checks against a scan."""

from typing import Annotated, Literal

from pydantic import Field

from tomodenoise.common.errors import UserError
from tomodenoise.common.options import Flag, Number, Optional, Options, Whole
from tomodenoise.correction import stripes
from tomodenoise.scans.description import Scan


class Phase(Options):
    """Propagation and material for phase retrieval."""

    delta_beta: Annotated[float, Number(gt=0)] = Field(
        description="Ratio δ/β of the refractive index n = 1 − δ + iβ of the material. Larger values smooth more."
    )
    energy: Annotated[float, Number(gt=0)] = Field(description="Photon energy in keV.")
    distance: Annotated[float, Number(gt=0)] = Field(description="Distance from the sample to the detector, in metres.")


class Correct(Options):
    """From raw frames to line integrals."""

    input: Literal["auto", "counts", "intensity", "attenuation"] = Field(
        "auto",
        description="Meaning of the data, if the file does not state it. `counts` need flats; `intensity` is the"
        " transmitted fraction; `attenuation` is a line integral already.",
    )
    flats: Literal["divided", "shared"] = Field(
        "divided",
        description="`divided` gives each section its own flats and darks, so that their noise is not a common"
        " structure that the network keeps. `shared` uses all of them for every projection, which is suitable if there"
        " are a few hundred flats.",
    )
    zingers: Literal["none"] | Annotated[float, Number(ge=1)] = Field(
        10,
        description="A pixel that is more than this many standard deviations of the noise above all pixels two pixels"
        " away from it is a zinger and is replaced; `none` keeps zingers. Lower it for weak zingers; raise it if the"
        " sample itself has bright spots of one to three pixels.",
    )
    stripes: Literal["auto", "none", "sorting", "wavelet", "vo"] = Field(
        "auto",
        description="How stripes of sinograms, which become rings in slices, are removed so that the network does not"
        " keep them. `auto` measures them on some rows and takes `none` if they do not exceed the noise, otherwise the"
        " milder of `sorting` and `vo` that removes them. `sorting` evens out stripes along all angles; `vo` also"
        " removes wide stripes and dead columns, but takes ten times as long; `wavelet` damps stripes. Each costs some"
        " detail of the sample. `wavelet` and `vo` need algotom.",
    )
    screen: Flag = Field(
        True,
        description="Check every frame first: flats and darks that differ from the others, and projections without"
        " light, are left out and reported.",
    )
    phase: Optional[Phase] = Field(
        None,
        description="Single-distance phase retrieval after Paganin, for a sample of one material: `{delta_beta: 200,"
        " energy: 20, distance: 0.1}`. Needs the pixel size. Default: none.",
    )
    air: Annotated[int, Whole(ge=0)] = Field(
        0,
        description="Number of columns at each side of the detector that see air in every projection. They are used to"
        " remove changes of the beam that flats miss; 0 switches this off.",
    )

    @property
    def deviations(self) -> float | None:
        """Standard deviations of the noise at which a pixel is a zinger; None keeps zingers."""
        return None if self.zingers == "none" else float(self.zingers)


def check(scan: Scan, options: Correct) -> None:
    """Refuse options that the scan cannot have.

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
        raise UserError(f"correct.phase: {scan.file} does not state the pixel size: set pixel_size of the scan")
    if 2 * options.air > scan.columns:
        raise UserError(
            f"correct.air: {options.air} columns at each side are more than the {scan.columns} columns of {scan.file}:"
            " set fewer"
        )
    if options.stripes != "auto":
        stripes.check(options.stripes, len(scan.angles), scan.columns)
