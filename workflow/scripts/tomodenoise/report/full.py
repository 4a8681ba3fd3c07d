"""Slices in all their pixels, for a reader who asks: as many as a page of a stated size can hold."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tomodenoise.denoising.previews import Slice
from tomodenoise.report import pictures
from tomodenoise.report.greys import Scale

BUDGET = 40e6
"""Bytes of a page that full slices may take."""

PIXEL = 4 / 3
"""Bytes that a pixel of noise takes, which does not compress: one, in base64."""

LONGEST = 16383
"""Pixels of a side that a WebP picture can have."""


@dataclass(frozen=True)
class Full:
    """A slice in all its pixels, without loss but that to 8 bits."""

    before: pictures.Picture
    after: pictures.Picture


def pixels(scans: int) -> int:
    """Return how many pixels of full slices a scan may have on a page of so many scans: equal shares."""
    return int(BUDGET / PIXEL / max(scans, 1))


def full(planes: Sequence[Slice], scale: Scale, factor: int, most: int) -> Mapping[str, Full | None]:
    """Picture slices that the page shows averaged or with loss in all their pixels.

    Parameters
    ----------
    planes : those that matter most come first.
    factor : by which the page averages them.
    most : pixels that may be pictured.

    Returns
    -------
    Axis of the slice to pictures, None where these would be too large; slices that the page shows as they are, are left
    out.
    """
    found: dict[str, Full | None] = {}
    for plane in planes:
        if factor == 1 and plane.after.size <= pictures.LOSSLESS_PIXELS:
            continue
        fits = 2 * plane.after.size <= most and max(plane.after.shape) <= LONGEST
        most -= 2 * plane.after.size if fits else 0
        both = (pictures.picture(image, scale, exact=True) for image in (plane.before, plane.after) if fits)
        found[plane.axis] = Full(*both) if fits else None
    return found
