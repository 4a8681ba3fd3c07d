"""What a verdict is, and what it takes into account beside the figures."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

Level = Literal["good", "note", "bad"]
Values = Mapping[str, Any]
"""Of a figure."""


UNSURE = 0.1
"""Error of a slope above which it says nothing."""


@dataclass(frozen=True)
class Verdict:
    """What a person reads."""

    figure: str
    level: Level
    text: str


@dataclass(frozen=True)
class Context:
    """What verdicts take into account beside the figures."""

    pixel_size: float | None
    """Micrometre."""
    flats: int
    divided: bool
    """Whether the configuration asks for flats of its own for each section."""
    afterglow: float | None
    """Share of the light that appears one frame later, as measured on the flats."""
    trained: bool = True
    """Whether the configuration trains the model on this scan, so that a longer training is a choice."""
    improving: bool | None = None
    """Whether the held-out loss still fell at the end of the training; None where that is not known."""

    @property
    def advice(self) -> str:
        """What makes a network better."""
        if not self.trained:
            return "Fine-tune the model: name this scan under models.NAME.scans, or train a model of this scan"
        if self.improving is False:
            return "Training had stopped improving: use a larger network (network.width) or more data"
        return "Train longer (train.pixels)"

    @property
    def more_flats(self) -> str:
        """What makes sections share less of the noise of flats."""
        return "Take more flats" if self.divided else "Set correct.flats: divided"

    def length(self, pixels: float) -> str:
        """Write a length of some pixels."""
        text = f"{pixels:.1f} px" if pixels >= 2 else f"{pixels:.2f} px"
        return f"{text} ({pixels * self.pixel_size:.3g} µm)" if self.pixel_size else text
