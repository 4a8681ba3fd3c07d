"""The slices of a scan as the viewer shows them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from tomodenoise.common.blocks import block_mean
from tomodenoise.denoising import previews
from tomodenoise.denoising.greys import Scale
from tomodenoise.denoising.previews import Slice
from tomodenoise.report import pictures, words
from tomodenoise.report.content import ScanSection
from tomodenoise.report.pictures import Picture, packed

BUDGET = 40e6
"""Bytes that slices in full resolution may take on a page, shared equally by its scans."""

PIXEL = 4 / 3
"""Bytes of a pixel of noise, which does not compress, in base64."""

LONGEST = 16383
"""Largest side of a WebP picture, pixels."""

MOST, TOGETHER = 6e6, 14e6
"""Bytes that the slider's slices may take on a page: of one scan, and of all scans."""

PACKINGS = ((1, None), (1, 85), (1, 65), (1, 45), (1, 25), (2, 70), (2, 40), (4, 50), (4, 20))
"""Further averaging of the slices and quality of their pictures, None for lossless; the first that fits is used."""

TRIED = 3
"""Slices from which the size of all is estimated."""

FEWEST_ROWS = 4
"""Planes with fewer rows are not shown."""

NAMES = {"z": ("axial", "y", "x"), "y": ("coronal", "z", "x"), "x": ("sagittal", "z", "y")}
"""Axis across a slice to its name, and the axes down and along its rows."""

THUMBNAIL = 96
"""Largest side of a scan's picture in the overview, pixels: 500 of pure noise take 3 MB."""


@dataclass(frozen=True)
class Plane:
    """One slice as the page shows it."""

    slice: Slice
    name: str
    axes: tuple[str, str, str]
    """Across it, down, and along its rows."""
    factor: int
    """Each pixel shown is the mean of factor x factor pixels."""
    shown: list[Picture]
    """Before and after denoising."""
    full: list[Picture]
    """The same in full resolution; empty if not needed, or if the page has no space."""
    omitted: bool
    """Whether the page has no space for it."""


class Slider(NamedTuple):
    """Axial slices from bottom to top."""

    factor: int
    """Each pixel is the mean of factor x factor pixels of the volume."""
    slices: list[tuple[int, str, str]]
    """z, and the addresses of the pictures before and after."""


def view(slices: Sequence[Slice], scale: Scale, scans: int) -> list[Plane]:
    """Picture the planes of a scan, averaged by the same factor.

    Parameters
    ----------
    slices : axial, coronal, sagittal; the first ones are the first to get full resolution.
    scans : number of scans on the page.
    """
    factor = max(previews.reduction(plane.after, pictures.LARGEST_SIDE) for plane in slices)
    left = int(BUDGET / PIXEL / scans)
    planes = []
    for plane in slices:
        if min(plane.after.shape) < FEWEST_ROWS:
            continue
        name, down, along = NAMES[plane.axis]
        pixels = 2 * plane.after.size
        shown = _pictured(plane, scale, factor)
        hidden = factor > 1 or plane.after.size > pictures.LOSSLESS_PIXELS
        fits = pixels <= left and max(plane.after.shape) <= LONGEST
        full = _pictured(plane, scale, exact=True) if hidden and fits else []
        left -= pixels if full else 0
        planes.append(Plane(plane, name, (plane.axis, down, along), factor, shown, full, hidden and not fits))
    return planes


def _pictured(plane: Slice, scale: Scale, factor: int = 1, *, exact: bool = False) -> list[Picture]:
    return [pictures.picture(image, scale, factor, exact=exact) for image in (plane.before, plane.after)]


def slider(slices: Sequence[Slice], scale: Scale, scans: int) -> Slider | None:
    """Picture slices as well as the space allows; None without slices.

    Parameters
    ----------
    scans : number of scans on the page, which share its space.
    """
    if not slices:
        return None
    space = min(MOST, TOGETHER / scans) / len(slices)
    sample = slices[:: -(-len(slices) // TRIED)]
    for further, quality in PACKINGS:
        tried = [_packed(part, scale, further, quality) for part in sample]
        if sum(len(before) + len(after) for _, before, after in tried) <= 0.9 * space * len(tried):
            break
    return Slider(slices[0].factor * further, [_packed(part, scale, further, quality) for part in slices])


def _packed(part: Slice, scale: Scale, further: int, quality: int | None) -> tuple[int, str, str]:
    before, after = (packed(scale.encode(block_mean(i, further)), quality).uri for i in (part.before, part.after))
    return part.index, before, after


def thumbnail(scan: ScanSection) -> str:
    """Return the address of a small picture of the denoised middle slice."""
    axial = scan.planes[0].after
    small = scan.greys.encode(block_mean(axial, previews.reduction(axial, THUMBNAIL)))
    shown = (255 * np.array(scan.greys.ramp)[small]).round().astype(np.uint8)
    return packed(shown, 50).uri


def voxels(scan: ScanSection) -> str:
    """Return the size of the volume, from two of its planes."""
    axial, coronal = scan.planes[:2]
    return words.size(len(coronal.after), *axial.after.shape)


def histogram(scan: ScanSection) -> str:
    """Draw how often each grey occurs in the denoised middle slice, as a path of 256 x 100.

    Heights are square roots of the counts, so that rare greys are visible.
    """
    counts = np.bincount(scan.greys.encode(scan.planes[0].after).ravel(), minlength=256)
    heights = np.sqrt(counts / max(1, np.quantile(counts, 0.99))).clip(0, 1)
    return "M0,100" + "".join(f"V{100 - 100 * height:.0f}h1" for height in heights) + "V100Z"
