"""Axial slices through the height of a volume, for the slider."""

from collections.abc import Sequence
from typing import NamedTuple

from tomodenoise.common.blocks import block_mean
from tomodenoise.denoising.previews import Slice
from tomodenoise.report.greys import Scale
from tomodenoise.report.pictures import packed

MOST = 6e6
"""Bytes that the slices of one scan may take on a page."""

TOGETHER = 14e6
"""Bytes that those of all scans may take on a page."""

PACKINGS = ((1, None), (1, 85), (1, 65), (1, 45), (1, 25), (2, 70), (2, 40), (4, 50), (4, 20))
"""Further averaging of the slices and quality of their pictures, None for lossless; the first that fits is used."""

TRIED = 3
"""Slices from which the size of all is estimated."""


class Slider(NamedTuple):
    """Slices from bottom to top."""

    factor: int
    """Each pixel is the mean of factor x factor pixels of the volume."""
    slices: list[tuple[int, str, str]]
    """z, and the addresses of the pictures before and after."""


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
        tried = [_pictured(part, scale, further, quality) for part in sample]
        if sum(len(before) + len(after) for _, before, after in tried) <= 0.9 * space * len(tried):
            break
    return Slider(slices[0].factor * further, [_pictured(part, scale, further, quality) for part in slices])


def _pictured(part: Slice, scale: Scale, further: int, quality: int | None) -> tuple[int, str, str]:
    before, after = (packed(scale.encode(block_mean(i, further)), quality).uri for i in (part.before, part.after))
    return part.index, before, after
