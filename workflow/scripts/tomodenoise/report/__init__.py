"""Pages about a run that a person reads in a minute and keeps: self-contained HTML."""

from tomodenoise.report.channels import Channels
from tomodenoise.report.page import ModelSection, Row, ScanSection, render, render_overview, rows
from tomodenoise.report.pictures import window
from tomodenoise.report.quality import Quality
from tomodenoise.report.timing import Stage, stages

__all__ = [
    "Channels",
    "ModelSection",
    "Quality",
    "Row",
    "ScanSection",
    "Stage",
    "render",
    "render_overview",
    "rows",
    "stages",
    "window",
]
