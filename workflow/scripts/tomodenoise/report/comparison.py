"""The table and the pictures of what the network is compared with."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tomodenoise.report import pictures, words
from tomodenoise.report.greys import Scale
from tomodenoise.report.quality import Quality

ROWS = (
    ("split_loss", "held-out loss", "lower is better", ".4g"),
    ("upsnr", "uPSNR, dB", "higher is better", ".2f"),
    ("slope", "slope of grey values", "1 is right", ".3f"),
    ("contrast", "contrast to noise", "higher is better", ".1f"),
    ("edges", "width of edges, px", "lower is sharper", ".2f"),
    ("residual", "removed at edges", "0 is right", ".3f"),
    ("psnr", "PSNR, dB", "against the truth", ".2f"),
    ("ssim", "SSIM", "against the truth", ".3f"),
)
"""Key, name, how to read it, format."""


@dataclass(frozen=True)
class Comparison:
    """What the page shows of filters and other models."""

    columns: list[tuple[str, str]]
    """Names, and what a filter's strength is."""
    rows: list[tuple[str, str, list[str]]]
    """Name of the figure, how to read it, and a text for each column."""
    pictures: list[tuple[str, pictures.Picture]]


def comparison(quality: Quality, scale: Scale) -> Comparison | None:
    """Gather the columns of a scan, None where nothing is compared; the greys are those of all of its pictures."""
    if "comparison" not in quality.figures:
        return None
    found: Mapping[str, Mapping[str, Any]] = quality.figures["comparison"]["columns"]
    rows = [
        (name, how, [_text(column.get(key), form) for column in found.values()])
        for key, name, how, form in ROWS
        if any(column.get(key) is not None for column in found.values())
    ]
    shown = [(name, pictures.picture(image, scale)) for name, image in quality.curves["comparison"].items()]
    return Comparison([(name, column["told"]) for name, column in found.items()], rows, shown)


def _text(value: float | None, form: str) -> str:
    return words.NOTHING if value is None else f"{value:{form}}".replace("-", "\N{MINUS SIGN}")
