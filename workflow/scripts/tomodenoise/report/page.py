"""The page: what it shows of each scan and model, and its rendering."""

import base64
import hashlib
import math
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from tomodenoise.arrays import FloatArray
from tomodenoise.disk import Use
from tomodenoise.report import curves, pictures, words
from tomodenoise.report import series as series_
from tomodenoise.report.along import draw as draw_along
from tomodenoise.report.channels import Channels
from tomodenoise.report.channels import draw as draw_channels
from tomodenoise.report.comparison import comparison
from tomodenoise.report.full import BUDGET, Full, full
from tomodenoise.report.full import pixels as full_pixels
from tomodenoise.report.quality import HIGHLIGHTS, NAMES, Quality, charts
from tomodenoise.report.storage import storage
from tomodenoise.report.timing import Stage
from tomodenoise.watching import Series

FEWEST_ROWS = 4
"""Planes of fewer rows show nothing."""

TEMPLATES = Path(__file__).resolve().parents[3] / "report"


@dataclass(frozen=True)
class ScanSection:
    """All that the page says of one scan."""

    name: str
    facts: dict[str, str]
    """Label to value: shape, angles, flats, counts, center, ..."""
    warnings: tuple[str, ...]
    planes: dict[str, tuple[FloatArray, FloatArray]]
    """Name of the plane, "axial (z)", "coronal (y)", "sagittal (x)", to (before, after): 2-D float32, same shape."""
    window: tuple[float, float]
    """The values shown black and white, in all planes, before and after."""
    pixel_size: float | None
    """Micrometres; None where nobody tells."""
    center_figure: bytes
    """PNG."""
    model: str
    settings: dict[str, Any]
    """The resolved configuration of this scan, nested."""
    provenance: dict[str, Any]
    stages: tuple[Stage, ...]
    quality: Quality | None = None
    series: Series | None = None
    """Of a dynamic scan."""
    channels: Channels | None = None
    """Of a scan of several; its planes are then the means of all."""
    volume: str = ""
    """Where the denoised volume lies."""
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
    told: int
    """Number of warnings and bad verdicts."""
    model_place: str
    """Of its model on its page, such as "#model-1"; empty where the page does not show it."""


@dataclass(frozen=True)
class Plane:
    """One slice before and after."""

    name: str
    size: str
    ratio: float
    """Width by height of its frame: the slice's own, but a few rows of a volume still get a frame to look at."""
    before: pictures.Picture
    after: pictures.Picture
    bar: float
    """Length of the scale bar, micrometres or pixels."""
    full: Full | None
    """All pixels of it, where the page shows fewer and has room."""


@dataclass(frozen=True)
class View:
    """The slices of a scan."""

    factor: int
    """Each pixel shown is the mean of factor x factor pixels of the volume."""
    micrometres: float
    """Width of a pixel shown, or in pixels of the volume where nobody tells their size."""
    unit: str
    """Of lengths, micrometres or pixels."""
    planes: list[Plane]
    too_large: list[str]
    """Names and sizes of slices whose full pixels the page has no room for."""
    opening: str
    """Command that shows the volume."""


def render(scans: Sequence[ScanSection], models: Sequence[ModelSection], title: str, overview: str = "") -> str:
    """Render a page of scans and models.

    Parameters
    ----------
    scans : in the order to be shown; the names are unique.
    models : the models that the scans name; one that is missing here is shown by its name alone.
    title : the heading.
    overview : address of the page that lists these scans among others, if there is one.

    Returns
    -------
    A complete HTML page that loads nothing: pictures, style and script are inside, and it forbids the rest.
    """
    return _page(
        title,
        [(row, f"#scan-{i}", row.model_place) for i, row in enumerate(rows(scans, models), 1)],
        overview=overview,
        scans=[(scan, view(scan, full_pixels(len(scans)))) for scan in scans],
        storages=[storage(scan.disk) for scan in scans],
        compared=[comparison(scan.quality, scan.window) if scan.quality else None for scan in scans],
        charts=[charts(scan.quality, f"scan {i}") if scan.quality else [] for i, scan in enumerate(scans)],
        times=[scan.series and series_.section(scan.series, scan.window, f"time {i}") for i, scan in enumerate(scans)],
        channels_drawn=[draw_channels(s.channels, f"scan {i}") if s.channels else None for i, s in enumerate(scans)],
        alongs=[
            draw_along(s.quality.along, NAMES, f"along {i}") if s.quality and s.quality.along else None
            for i, s in enumerate(scans)
        ],
        models=[(model, curves.loss_curve(model.history, f"model {i}")) for i, model in enumerate(models)],
        held_out={model.name: _last_held_out(model) for model in models},
    )


def render_overview(listed: Sequence[Row], title: str, page: str) -> str:
    """Render the page that lists scans which have pages of their own.

    Parameters
    ----------
    listed : in the order to be shown; those with something to look at are counted.
    page : address of a scan's page, with ``{scan}`` for its name.
    """
    addresses = [page.format(scan=quote(row.name)) for row in listed]
    lines = zip(listed, addresses, strict=True)
    noted = sum(row.told > 0 for row in listed)
    return _page(
        title,
        [(row, address, row.model_place and address + row.model_place) for row, address in lines],
        told=f"{len(listed)} scans, each with a page of its own in its folder; {noted or 'none'} of them "
        f"{'has' if noted == 1 else 'have'} something to look at.",
    )


def rows(scans: Sequence[ScanSection], models: Sequence[ModelSection]) -> list[Row]:
    """Tell what an overview says of the scans of a page, and where on it their models are."""
    places = {model.name: f"#model-{i}" for i, model in enumerate(models, 1)}
    return [
        Row(
            name=scan.name,
            voxels=voxels(scan),
            pixel_size=scan.pixel_size,
            model=scan.model,
            highlights=scan.quality.highlights if scan.quality else dict.fromkeys(HIGHLIGHTS, words.NOTHING),
            told=len(scan.warnings) + (scan.quality.bad if scan.quality else 0),
            model_place=places.get(scan.model, ""),
        )
        for scan in scans
    ]


def _page(
    title: str,
    listed: Sequence[tuple[Row, str, str]],
    scans: Sequence[tuple[ScanSection, View]] = (),
    models: Sequence[tuple[ModelSection, str]] = (),
    overview: str = "",
    told: str = "",
    **drawn: object,
) -> str:
    """Fill in the template; `listed` are rows with the addresses of scan and model, `drawn` is made of the scans."""
    script = (TEMPLATES / "report.js").read_text(encoding="utf-8")
    page = (
        _environment()
        .get_template("report.html.j2")
        .render(
            title=title,
            listed=listed,
            scans=scans,
            models=models,
            overview=overview,
            told=told,
            **drawn,
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


def view(scan: ScanSection, most: int) -> View:
    """Picture the planes of a scan in its common grey window, all at one scale.

    Parameters
    ----------
    most : pixels of slices that may be there in full as well.
    """
    factor = pictures.reduction(after for _, after in scan.planes.values())
    shown = {name: each for name, each in scan.planes.items() if min(each[1].shape) >= FEWEST_ROWS}
    whole = full(shown, scan.window, factor, most)
    planes = [_plane(name, scan, factor, whole.get(name)) for name in shown]
    missing = [f"{plane.name}, {plane.size}" for plane in planes if plane.name in whole and plane.full is None]
    opening = f"napari --plugin napari-ome-zarr {shlex.quote(scan.volume)}"
    unit = "µm" if scan.pixel_size else "px"
    return View(factor, (scan.pixel_size or 1.0) * factor, unit, planes, missing, opening)


def _plane(name: str, scan: ScanSection, factor: int, whole: Full | None) -> Plane:
    before, after = (pictures.picture(image, scan.window, factor) for image in scan.planes[name])
    rows, columns = scan.planes[name][1].shape
    return Plane(
        name=name,
        size=words.size(columns, rows),
        ratio=min(max(columns / rows, 0.8), 4.0),
        before=before,
        after=after,
        bar=words.round_length(0.25 * max(after.width, after.height) * (scan.pixel_size or 1.0) * factor),
        full=whole,
    )


def _last_held_out(model: ModelSection) -> float:
    losses = [entry.get("held_out_loss") for entry in model.history]
    return next((loss for loss in reversed(losses) if loss is not None), math.nan)


def voxels(scan: ScanSection) -> str:
    """Size of the volume, as two of its planes tell it."""
    if not {"axial (z)", "coronal (y)"} <= scan.planes.keys():
        return words.NOTHING
    rows = scan.planes["coronal (y)"][1].shape[0]
    return words.size(rows, *scan.planes["axial (z)"][1].shape)
