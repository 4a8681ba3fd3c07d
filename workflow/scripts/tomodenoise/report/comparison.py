"""Table and pictures of the network next to filters and other models."""

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
    """The comparison as the page shows it."""

    columns: list[tuple[str, str]]
    """Name, and strength of a filter or architecture of a model."""
    rows: list[tuple[str, str, list[str]]]
    """Name of the figure, how to read it, and a text for each column."""
    pictures: list[tuple[str, pictures.Picture]]


def comparison(quality: Quality, scale: Scale) -> Comparison | None:
    """Lay out the comparison of a scan, None if there is none; `scale` holds the greys of all its pictures."""
    if "comparison" not in quality.figures:
        return None
    columns: Mapping[str, Mapping[str, Any]] = quality.figures["comparison"]["columns"]
    rows = [
        (name, how, [words.formatted(column.get(key), form) for column in columns.values()])
        for key, name, how, form in ROWS
        if any(column.get(key) is not None for column in columns.values())
    ]
    shown = [(name, pictures.picture(image, scale)) for name, image in quality.curves["comparison"].items()]
    return Comparison([(name, column["told"]) for name, column in columns.items()], rows, shown)
