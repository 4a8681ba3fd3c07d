"""The slices of a scan as the viewer shows them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from tomodenoise.common.blocks import block_mean
from tomodenoise.denoising import previews
from tomodenoise.denoising.previews import Slice
from tomodenoise.report import pictures, words
from tomodenoise.report.content import ScanSection
from tomodenoise.report.greys import Scale

Pair: TypeAlias = tuple[pictures.Picture, pictures.Picture]

BUDGET = 40e6
"""Bytes that slices in full resolution may take on a page, shared equally by its scans."""

PIXEL = 4 / 3
"""Bytes of a pixel of noise, which does not compress, in base64."""

LONGEST = 16383
"""Largest side of a WebP picture, pixels."""

FEWEST_ROWS = 4
"""Planes with fewer rows are not shown."""

NAMES = {"z": ("axial", "y", "x"), "y": ("coronal", "z", "x"), "x": ("sagittal", "z", "y")}
"""Axis across a slice to its name, and the axes down and along its rows."""

THUMBNAIL = 96
"""Largest side of a scan's picture in the overview, pixels: 500 of pure noise take 3 MB."""


@dataclass(frozen=True)
class Plane:
    """One slice before and after denoising."""

    name: str
    axes: tuple[str, str, str]
    """Across it, down, and along its rows."""
    index: int
    """Along the first of these, voxels."""
    rows: int
    """Of the volume, like the columns."""
    columns: int
    before: pictures.Picture
    after: pictures.Picture
    full: Pair | None
    """Before and after in full resolution, if the page shows the slice otherwise and has space."""
    omitted: bool
    """Whether it lacks that space."""

    @property
    def ratio(self) -> float:
        """Width over height of its frame, limited so that even a few rows get one of visible height."""
        return min(max(self.columns / self.rows, 0.8), 4.0)

    @property
    def size(self) -> str:
        """Columns and rows."""
        return words.size(self.columns, self.rows)


def reduction(planes: Sequence[Slice]) -> int:
    """Return the factor by which all planes of a scan are averaged."""
    return max((previews.reduction(plane.after, pictures.LARGEST_SIDE) for plane in planes), default=1)


def view(slices: Sequence[Slice], scale: Scale, scans: int) -> list[Plane]:
    """Picture the planes of a scan, averaged by the same factor.

    Parameters
    ----------
    slices : axial, coronal, sagittal; the first ones are the first to get full resolution.
    scans : number of scans on the page.
    """
    factor = reduction(slices)
    left = int(BUDGET / PIXEL / max(scans, 1))
    planes = []
    for plane in slices:
        if min(plane.after.shape) < FEWEST_ROWS:
            continue
        name, down, along = NAMES[plane.axis]
        before, after = (pictures.picture(image, scale, factor) for image in (plane.before, plane.after))
        hidden = factor > 1 or plane.after.size > pictures.LOSSLESS_PIXELS
        fits = 2 * plane.after.size <= left and max(plane.after.shape) <= LONGEST
        full = _full(plane, scale) if hidden and fits else None
        left -= 2 * plane.after.size if full else 0
        axes = (plane.axis, down, along)
        rows, columns = plane.after.shape
        planes.append(Plane(name, axes, plane.index, rows, columns, before, after, full, hidden and not fits))
    return planes


def _full(plane: Slice, scale: Scale) -> Pair:
    before, after = (pictures.picture(image, scale, exact=True) for image in (plane.before, plane.after))
    return before, after


def thumbnail(scan: ScanSection) -> str:
    """Return the address of a small picture of the denoised middle slice; empty without slices."""
    if not scan.planes:
        return ""
    axial = scan.planes[0].after
    small = scan.greys.encode(block_mean(axial, previews.reduction(axial, THUMBNAIL)))
    shown = (255 * np.array(scan.greys.ramp)[small]).round().astype(np.uint8)
    return pictures.packed(shown, 50).uri


def voxels(scan: ScanSection) -> str:
    """Return the size of the volume, from two of its planes."""
    if len(scan.planes) < 2:
        return words.NOTHING
    axial, coronal = scan.planes[:2]
    return words.size(len(coronal.after), *axial.after.shape)


def histogram(scan: ScanSection) -> str:
    """Draw how often each grey occurs in the denoised middle slice, as a path of 256 x 100.

    Heights are square roots of the counts, so that rare greys are visible.
    """
    if not scan.planes:
        return ""
    counts = np.bincount(scan.greys.encode(scan.planes[0].after).ravel(), minlength=256)
    heights = np.sqrt(counts / max(1, np.quantile(counts, 0.99))).clip(0, 1)
    return "M0,100" + "".join(f"V{100 - 100 * height:.0f}h1" for height in heights) + "V100Z"
