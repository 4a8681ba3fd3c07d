"""Content of a page: its scans, its models, and the scans that failed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from tomodenoise.common.disk_usage import Use
from tomodenoise.denoising.greys import Scale
from tomodenoise.denoising.previews import Slice
from tomodenoise.denoising.spectra import Chosen
from tomodenoise.evaluation.time_series import Series
from tomodenoise.report.dose import Study
from tomodenoise.report.quality import Quality
from tomodenoise.report.timing import Stage
from tomodenoise.report.uncertainty import Uncertainty


@dataclass(frozen=True)
class ScanSection:
    """Content of the page for one scan."""

    name: str
    facts: dict[str, str]
    """Label to value, the most important facts."""
    warnings: tuple[str, ...]
    planes: Sequence[Slice]
    """Axial, coronal and sagittal, in this order."""
    greys: Scale
    """Of all pictures, before and after."""
    pixel_size: float | None
    """Micrometres; None if unknown."""
    center_figure: bytes
    """PNG."""
    model: str
    settings: dict[str, Any]
    """Resolved configuration of this scan, nested."""
    provenance: dict[str, Any]
    stages: tuple[Stage, ...]
    slices: Sequence[Slice] = ()
    """Averaged axial slices from bottom to top."""
    details: Mapping[str, str] = field(default_factory=dict)
    """Further facts."""
    quality: Quality | None = None
    dose: Study | None = None
    """If the scan has the key `dose`."""
    uncertainty: Uncertainty | None = None
    """If `denoise.uncertainty` asks for it."""
    series: Series | None = None
    """Of a dynamic scan."""
    channels: Chosen | None = None
    """See `spectra.choose`, for a scan of several channels, described in its provenance; slices are their means."""
    folder: str = ""
    """Of its products."""
    exported: bool = False
    """Whether this run exports TIFF slices."""
    disk: Mapping[str, Use] = field(default_factory=dict)
    """Disk usage of each product, see `disk_usage.products`."""


@dataclass(frozen=True)
class ModelSection:
    """Content of the page for one model."""

    name: str
    history: list[dict[str, float]]
    """An entry per evaluation: iteration, pixels, loss, held_out_loss, learning_rate, seconds."""
    facts: dict[str, str]


@dataclass(frozen=True)
class Row:
    """One scan in the overview."""

    name: str
    voxels: str
    pixel_size: float | None
    model: str
    highlights: dict[str, str]
    alerts: int
    """Number of warnings and bad verdicts."""
    model_place: str
    """Anchor of its model on its page, such as "#model-1"; empty if the page does not show the model."""
    thumbnail: str
    """Address of a small picture of the denoised middle slice."""


class Failed(NamedTuple):
    """A scan without results."""

    name: str
    reason: str
    """One line."""
    log: str
    """Path of the log with the details; may be empty."""
