"""What a page says: of each scan, of each model, and of scans that failed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from tomodenoise.common.disk_usage import Use
from tomodenoise.denoising.previews import Slice
from tomodenoise.evaluation.time_series import Series
from tomodenoise.report.channels import Channels
from tomodenoise.report.greys import Scale
from tomodenoise.report.quality import Quality
from tomodenoise.report.timing import Stage


@dataclass(frozen=True)
class ScanSection:
    """All that the page says of one scan."""

    name: str
    facts: dict[str, str]
    """Label to value: what matters most."""
    warnings: tuple[str, ...]
    planes: Sequence[Slice]
    """Axial, coronal and sagittal, in this order."""
    greys: Scale
    """Of all pictures, before and after."""
    pixel_size: float | None
    """Micrometres; None if not known."""
    center_figure: bytes
    """PNG."""
    model: str
    settings: dict[str, Any]
    """The configuration of this scan, nested."""
    provenance: dict[str, Any]
    stages: tuple[Stage, ...]
    slices: Sequence[Slice] = ()
    """Axial ones from bottom to top, averaged."""
    details: Mapping[str, str] = field(default_factory=dict)
    """Further facts."""
    quality: Quality | None = None
    series: Series | None = None
    """Of a dynamic scan."""
    channels: Channels | None = None
    """Of a scan of several; its slices are then the means of all."""
    volume: str = ""
    """Folder of the denoised volume."""
    tiff: str = ""
    """Folder of its TIFF slices, which an ``export: [tiff]`` writes."""
    exported: bool = False
    """Whether this run asks for them."""
    disk: Mapping[str, Use] = field(default_factory=dict)
    """What each product takes, see `disk.products`."""


@dataclass(frozen=True)
class ModelSection:
    """All that the page says of one model."""

    name: str
    history: list[dict[str, float]]
    """An entry per evaluation: iteration, pixels, loss, held_out_loss, learning_rate, seconds."""
    facts: dict[str, str]


@dataclass(frozen=True)
class Row:
    """What an overview says of one scan."""

    name: str
    voxels: str
    pixel_size: float | None
    model: str
    highlights: dict[str, str]
    alerts: int
    """Number of warnings and bad verdicts."""
    model_place: str
    """Of its model on its page, such as "#model-1"; empty where the page does not show it."""
    thumbnail: str
    """Address of a small picture of the middle slice, denoised; empty where there is none."""


class Failed(NamedTuple):
    """A scan without results."""

    name: str
    reason: str
    """One line."""
    log: str
    """Path of the log that says more."""
