"""The pages: one of scans and models, and the overview of scans that have their own pages."""

import base64
import hashlib
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from tomodenoise.common import formatting
from tomodenoise.config.model import Config
from tomodenoise.planning import paths
from tomodenoise.report import (
    channels,
    collect,
    curves,
    dose,
    per_channel,
    pictures,
    quality,
    series,
    uncertainty,
    viewer,
    words,
)
from tomodenoise.report.content import Failed, ModelSection, Row, ScanSection

TITLE = "tomodenoise report"
TEMPLATES = Path(__file__).resolve().parents[3] / "report"

FILTERS = ("distance", "duration", "memory", "number", "opening", "round_length", "tree")
"""Functions of `words` that the template uses."""


def render(
    scans: Sequence[ScanSection],
    models: Sequence[ModelSection],
    title: str,
    overview: str = "",
    failed: Sequence[Failed] = (),
) -> str:
    """Render a page of scans and models.

    Parameters
    ----------
    scans : in display order; names are unique. May be empty.
    models : models of these scans; one that is missing here appears by name only.
    title : heading.
    overview : address of the page that lists these scans among others; may be empty.
    failed : scans without results, shown first.

    Returns
    -------
    A complete HTML page: pictures, style and script are inside, and it forbids the browser to load anything else.
    """
    return _page(
        title,
        [(row, f"#scan-{i}", row.model_place) for i, row in enumerate(rows(scans, models), 1)],
        failed,
        overview=overview,
        summary="",
        scans=[_drawn(scan, number, len(scans)) for number, scan in enumerate(scans, 1)],
        models=[(model, curves.loss_curve(model.history, f"model {i}")) for i, model in enumerate(models)],
    )


def report(
    config: Mapping[str, Any], slabs: Collection[Path], rows: Iterable[Path] | None, failed: Sequence[Failed] = ()
) -> str:
    """Render the report of a run, in its working directory.

    Parameters
    ----------
    config : of the scans of a page.
    slabs : see `collect.of_scan`.
    rows : JSON files of rows, see `rows`, if each scan has its own page; then the report is an overview of these.
    failed : scans without results, shown first.
    """
    if rows is not None:
        return render_overview([Row(**json.loads(file.read_text())) for file in rows], TITLE, failed)
    loaded = Config.model_validate(config)
    scans, models, missing = collect.of_all(loaded, Path(paths.RESULTS), Path("benchmarks"), slabs)
    return render(scans, models, TITLE, failed=[*failed, *missing])


def render_overview(listed: Sequence[Row], title: str, failed: Sequence[Failed] = ()) -> str:
    """Render the page that lists scans which have their own pages, the failed ones first."""
    lines = [(row, f"{quote(row.name)}/report.html") for row in listed]
    return _page(
        title,
        [(row, address, row.model_place and address + row.model_place) for row, address in lines],
        failed,
        scans=(),
        models=(),
        overview="",
        summary=f"{len(listed)} scans, {sum(row.alerts > 0 for row in listed)} with warnings.",
    )


def rows(scans: Sequence[ScanSection], models: Sequence[ModelSection]) -> list[Row]:
    """Return the overview's rows for the scans of a page, with the places of their models on it."""
    places = {model.name: f"#model-{i}" for i, model in enumerate(models, 1)}
    return [
        Row(
            name=scan.name,
            voxels=viewer.voxels(scan),
            pixel_size=scan.pixel_size,
            model=scan.model,
            highlights=scan.quality.highlights if scan.quality else dict.fromkeys(quality.HIGHLIGHTS, words.NOTHING),
            alerts=len(scan.warnings) + (scan.quality.bad if scan.quality else 0),
            model_place=places.get(scan.model, ""),
            thumbnail=viewer.thumbnail(scan),
        )
        for scan in scans
    ]


def _drawn(scan: ScanSection, number: int, scans: int) -> dict[str, object]:
    """Draw a scan's pictures and charts; `number` makes their identifiers unique on the page."""
    key = f"scan {number}"
    profile = scan.quality.along if scan.quality else None
    described = scan.provenance.get("channels", {})
    others = [part for part in scan.slices if part.index != scan.planes[0].index]
    return {
        "scan": scan,
        "planes": viewer.view(scan.planes, scan.greys, scans),
        "slider": viewer.slider(others, scan.greys, scans),
        "histogram": viewer.histogram(scan),
        "charts": quality.charts(scan.quality, key) if scan.quality else [],
        "profile": profile,
        "profile_charts": per_channel.charts(profile, f"{key} along") if profile else [],
        "profile_missing": per_channel.missing(profile, quality.NAMES) if profile else {},
        "dose_charts": dose.charts(scan.dose, f"{key} dose") if scan.dose else [],
        "uncertain_charts": uncertainty.charts(scan.uncertainty, f"{key} sure") if scan.uncertainty else [],
        "series": series.section(scan.series, scan.greys, f"{key} time") if scan.series else [],
        "channels": channels.images(scan.channels, described) if scan.channels else [],
        "spectra": channels.spectra(scan.channels, described, key) if scan.channels else [],
    }


def _page(title: str, listed: Sequence[tuple[Row, str, str]], failed: Sequence[Failed], **content: object) -> str:
    """Fill in the template; `listed` are rows with the addresses of scan and model."""
    loader = FileSystemLoader(TEMPLATES)
    environment = Environment(
        loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {name: getattr(words, name) for name in FILTERS}
    environment.filters |= {"picture": pictures.picture, "bytes": formatting.size, "uri": pictures.data_uri}
    script = (TEMPLATES / "report.js").read_text(encoding="utf-8")
    values = {
        **content,
        "title": title,
        "listed": listed,
        "failed": failed,
        "highlights": quality.HIGHLIGHTS,
        "compared": quality.COMPARED,
        "profile_columns": per_channel.COLUMNS,
        "budget": round(viewer.BUDGET / 1e6),
        "style": (TEMPLATES / "report.css").read_text(encoding="utf-8"),
        "script": script,
        "script_hash": base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
    }
    return environment.get_template("report.html.j2").render(values).lstrip()
