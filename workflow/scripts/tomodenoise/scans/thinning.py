"""A part of the dose of a scan: some of its photons, or some of its projections."""

from typing import Annotated, Literal

from tomodenoise.common.options import Number, Options, Whole

Part = Literal["kept", "first", "second"]


class Thinning(Options):
    """A part of a scan that stands for a shorter exposure, or one of the two halves of the data left out."""

    fraction: Annotated[float, Number(gt=0, le=0.9)]
    """Of the dose, in the part that is kept."""
    by: Literal["photons", "projections"]
    seed: Annotated[int, Whole(ge=0)] = 0
    """Of the random split of photons."""
    part: Part = "kept"

    @property
    def shares(self) -> dict[Part, float]:
        """Fraction of the dose in each part."""
        half = (1 - self.fraction) / 2
        return {"kept": self.fraction, "first": half, "second": half}

    @property
    def share(self) -> float:
        """Fraction of the dose in this part."""
        return self.shares[self.part]

    @property
    def photons(self) -> float:
        """Fraction of the photons of each projection in this part."""
        return self.share if self.by == "photons" else 1.0

    def of(self, part: Part) -> "Thinning":
        """Return another part of the same split; the three parts share no data."""
        return self.model_copy(update={"part": part})
