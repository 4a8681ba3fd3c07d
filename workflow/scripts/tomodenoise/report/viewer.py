"""The slices of a scan as the page shows them."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from tomodenoise.common.blocks import block_mean
from tomodenoise.denoising import previews
from tomodenoise.report import pictures, words
from tomodenoise.report.content import ScanSection
from tomodenoise.report.full import Full, full
from tomodenoise.report.slider import Slider, slider

FEWEST_ROWS = 4
"""Planes of fewer rows show nothing."""

NAMES = {"z": ("axial", "y", "x"), "y": ("coronal", "z", "x"), "x": ("sagittal", "z", "y")}
"""Axis across a slice to its name, and the axes down and along its rows."""

THUMBNAIL = 96
"""Pixels a side of the small picture in a list of scans, at most: 500 of pure noise are 3 MB."""


@dataclass(frozen=True)
class Plane:
    """One slice before and after."""

    name: str
    axes: tuple[str, str, str]
    """Across it, down, and along its rows."""
    index: int
    """Along the first of these, voxels."""
    rows: int
    """Of the volume, as the columns."""
    columns: int
    ratio: float
    """Width by height of its frame: the slice's own, but a few rows of a volume still get a frame to look at."""
    before: pictures.Picture
    after: pictures.Picture
    bar: float
    """Length of the scale bar, micrometres or pixels."""
    full: Full | None
    """All pixels of it, where the page shows fewer and has room."""

    @property
    def size(self) -> str:
        """Columns and rows."""
        return words.size(self.columns, self.rows)


@dataclass(frozen=True)
class View:
    """The slices of a scan."""

    factor: int
    """Each pixel of the planes is the mean of factor x factor pixels of the volume."""
    voxel: float
    """Width of a voxel, micrometres, or 1 if not known."""
    unit: str
    """Of lengths, micrometres or pixels."""
    planes: list[Plane]
    too_large: list[str]
    """Names and sizes of slices whose full pixels the page has no room for."""
    slider: Slider | None
    histogram: str
    """Path of an SVG of 256 x 100: how often each grey is, denoised."""
    ways: Mapping[str, str]
    """Program to the line that opens the volume."""


def view(scan: ScanSection, scans: int, most: int) -> View:
    """Picture the slices of a scan, its planes at one scale.

    Parameters
    ----------
    scans : on the page.
    most : pixels of planes that may be there in full as well.
    """
    factor = pictures.reduction([plane.after for plane in scan.planes])
    shown = [plane for plane in scan.planes if min(plane.after.shape) >= FEWEST_ROWS]
    whole = full(shown, scan.greys, factor, most)
    voxel = scan.pixel_size or 1.0
    planes = []
    for plane in shown:
        name, *axes = NAMES[plane.axis]
        rows, columns = plane.after.shape
        before, after = (pictures.picture(image, scan.greys, factor) for image in (plane.before, plane.after))
        planes.append(
            Plane(
                name=name,
                axes=(plane.axis, axes[0], axes[1]),
                index=plane.index,
                rows=rows,
                columns=columns,
                ratio=min(max(columns / rows, 0.8), 4.0),
                before=before,
                after=after,
                bar=words.round_length(0.25 * max(rows, columns) * voxel),
                full=whole.get(plane.axis),
            )
        )
    others = [one for one in scan.slices if planes and one.index != scan.planes[0].index]
    return View(
        factor=factor,
        voxel=voxel,
        unit="µm" if scan.pixel_size else "px",
        planes=planes,
        too_large=[f"{plane.name}, {plane.size}" for plane in planes if whole.get(plane.axes[0], ...) is None],
        slider=slider(others, scan.greys, scans),
        histogram=_histogram(scan) if planes else "",
        ways=words.opening(scan.volume),
    )


def thumbnail(scan: ScanSection) -> str:
    """Address of a small picture of the denoised middle slice, empty where there is none."""
    if not scan.planes:
        return ""
    axial = scan.planes[0].after
    small = scan.greys.encode(block_mean(axial, previews.reduction(axial, THUMBNAIL)))
    shown = (255 * np.array(scan.greys.ramp)[small]).round().astype(np.uint8)
    return pictures.packed(shown, 50).uri


def voxels(scan: ScanSection) -> str:
    """Size of the volume, as two of its planes show it."""
    if len(scan.planes) < 2:
        return words.NOTHING
    axial, coronal = scan.planes[:2]
    return words.size(len(coronal.after), *axial.after.shape)


def _histogram(scan: ScanSection) -> str:
    """Draw how often each grey is in the denoised middle slice; the root of the count, as rare ones matter too."""
    counts = np.bincount(scan.greys.encode(scan.planes[0].after).ravel(), minlength=256)
    heights = np.sqrt(counts / max(1, np.quantile(counts, 0.99))).clip(0, 1)
    return "M0,100" + "".join(f"V{100 - 100 * height:.0f}h1" for height in heights) + "V100Z"
