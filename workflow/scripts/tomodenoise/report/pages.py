"""The pages: of scans and models, and the list of scans that have a page each."""

import base64
import hashlib
import math
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from tomodenoise.report import curves, pictures, words
from tomodenoise.report import series as series_
from tomodenoise.report.channels import draw as draw_channels
from tomodenoise.report.comparison import comparison
from tomodenoise.report.content import Failed, ModelSection, Row, ScanSection
from tomodenoise.report.full import BUDGET
from tomodenoise.report.full import pixels as full_pixels
from tomodenoise.report.per_channel import draw as draw_along
from tomodenoise.report.quality import HIGHLIGHTS, NAMES, charts
from tomodenoise.report.storage import storage
from tomodenoise.report.viewer import thumbnail, view, voxels

TEMPLATES = Path(__file__).resolve().parents[3] / "report"


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
    scans : in the order to be shown; the names are unique. There may be none.
    models : the models that the scans name; one that is missing here is shown by its name alone.
    title : the heading.
    overview : address of the page that lists these scans among others, if there is one.
    failed : scans without results, shown first.

    Returns
    -------
    A complete HTML page that loads nothing: pictures, style and script are inside, and it forbids the rest.
    """
    return _page(
        title,
        [(row, f"#scan-{i}", row.model_place) for i, row in enumerate(rows(scans, models), 1)],
        failed,
        overview=overview,
        scans=[_drawn(scan, number, len(scans)) for number, scan in enumerate(scans, 1)],
        models=[(model, curves.loss_curve(model.history, f"model {i}")) for i, model in enumerate(models)],
        held_out={model.name: _last_held_out(model) for model in models},
    )


def render_overview(listed: Sequence[Row], title: str, page: str, failed: Sequence[Failed] = ()) -> str:
    """Render the page that lists scans which have pages of their own.

    Parameters
    ----------
    listed : in the order to be shown.
    page : address of a scan's page, with ``{scan}`` for its name.
    failed : scans without results, shown first.
    """
    addresses = [page.format(scan=quote(row.name)) for row in listed]
    lines = zip(listed, addresses, strict=True)
    return _page(
        title,
        [(row, address, row.model_place and address + row.model_place) for row, address in lines],
        failed,
        summary=f"{len(listed)} scans, {sum(row.alerts > 0 for row in listed)} with warnings.",
    )


def rows(scans: Sequence[ScanSection], models: Sequence[ModelSection]) -> list[Row]:
    """Say what an overview says of the scans of a page, and where on it their models are."""
    places = {model.name: f"#model-{i}" for i, model in enumerate(models, 1)}
    return [
        Row(
            name=scan.name,
            voxels=voxels(scan),
            pixel_size=scan.pixel_size,
            model=scan.model,
            highlights=scan.quality.highlights if scan.quality else dict.fromkeys(HIGHLIGHTS, words.NOTHING),
            alerts=len(scan.warnings) + (scan.quality.bad if scan.quality else 0),
            model_place=places.get(scan.model, ""),
            thumbnail=thumbnail(scan),
        )
        for scan in scans
    ]


def _drawn(scan: ScanSection, number: int, scans: int) -> dict[str, object]:
    """Draw all that the page shows of a scan; `number` makes the names of its parts unique on the page."""
    key, quality = f"scan {number}", scan.quality
    return {
        "scan": scan,
        "view": view(scan, scans, full_pixels(scans)),
        "storage": storage(scan.disk),
        "charts": charts(quality, key) if quality else [],
        "compared": comparison(quality, scan.greys) if quality else None,
        "along": draw_along(quality.along, NAMES, f"along {number}") if quality and quality.along else None,
        "time": scan.series and series_.section(scan.series, scan.greys, f"time {number}"),
        "channels": draw_channels(scan.channels, key) if scan.channels else None,
    }


def _page(title: str, listed: Sequence[tuple[Row, str, str]], failed: Sequence[Failed], **content: object) -> str:
    """Fill in the template; `listed` are rows with the addresses of scan and model."""
    script = (TEMPLATES / "report.js").read_text(encoding="utf-8")
    page = (
        _environment()
        .get_template("report.html.j2")
        .render(
            {"scans": (), "models": (), "overview": "", "summary": "", **content},
            title=title,
            listed=listed,
            failed=failed,
            highlights=HIGHLIGHTS,
            budget=round(BUDGET / 1e6),
            style=(TEMPLATES / "report.css").read_text(encoding="utf-8"),
            script=script,
            script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        )
    )
    return page.lstrip()


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "distance": words.distance,
        "duration": words.duration,
        "memory": words.memory,
        "number": words.number,
        "png": lambda content: pictures.data_uri(content, "image/png"),
        "tree": words.tree,
    }
    return environment


def _last_held_out(model: ModelSection) -> float:
    losses = [entry.get("held_out_loss") for entry in model.history]
    return next((loss for loss in reversed(losses) if loss is not None), math.nan)
