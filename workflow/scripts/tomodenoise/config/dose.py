"""The section `dose` of a scan."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from tomodenoise.common.options import Index, Number, Options, Unique, unique
from tomodenoise.scans.thinning import Thinning


class Limits(Options):
    """Changes against the full dose that are still accepted."""

    sizes: Annotated[float, Number(gt=0)] = Field(
        1,
        description="Largest change of the volume fraction, the number of pieces and their mean size, in standard"
        " errors of the full dose.",
    )
    resolution: Annotated[float, Number(gt=0)] = Field(0.1, description="Largest relative change of the edge width.")


def _named(fractions: tuple[float, ...]) -> tuple[float, ...]:
    """Refuse fractions that name the same folder, see `thinned.name`."""
    unique(tuple(f"{fraction:g}" for fraction in fractions))
    return fractions


class Dose(Options):
    """A study of how much shorter the scan could have been."""

    fractions: Annotated[
        Unique[Annotated[float, Number(gt=0, le=0.9)]],
        AfterValidator(_named),
        Field(min_length=1, description="Parts of the dose to try."),
    ] = (0.5, 0.25, 0.125)
    by: Literal["photons", "projections"] = Field(
        "photons",
        description="What is left out. `photons`: a random share of the photons of each projection, which simulates"
        " shorter exposures and needs counts with little read noise. `projections`: only every second, fourth and so"
        " on is kept, in each time step.",
    )
    seed: Index = Field(0, description="Seed of the random split of photons.")
    limits: Limits = Field(Limits(), description="Changes against the full dose that are still accepted.")

    @property
    def thinnings(self) -> list[Thinning]:
        """The part of the dose that each fraction keeps, the largest first."""
        fractions = sorted(self.fractions, reverse=True)
        return [Thinning(fraction=fraction, by=self.by, seed=self.seed) for fraction in fractions]
