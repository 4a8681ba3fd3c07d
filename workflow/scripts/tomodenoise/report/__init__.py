"""Pages about a run that a person reads in a minute and keeps: self-contained HTML."""

from tomodenoise.report import greys
from tomodenoise.report.channels import Channels
from tomodenoise.report.content import Failed, ModelSection, Row, ScanSection
from tomodenoise.report.greys import window
from tomodenoise.report.page import render, render_overview, rows
from tomodenoise.report.quality import Quality
from tomodenoise.report.timing import Stage, stages

__all__ = [
    "Channels",
    "Failed",
    "ModelSection",
    "Quality",
    "Row",
    "ScanSection",
    "Stage",
    "greys",
    "render",
    "render_overview",
    "rows",
    "stages",
    "window",
]
