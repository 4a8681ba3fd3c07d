"""Axial slices through the height of a volume, which a slider shows one by one."""

from collections.abc import Sequence
from dataclasses import dataclass

from tomodenoise.common.blocks import block_mean
from tomodenoise.denoising.previews import Slice
from tomodenoise.report.greys import Scale
from tomodenoise.report.pictures import packed

MOST = 6e6
"""Bytes of a page that the slices of a scan may take."""

TOGETHER = 14e6
"""Bytes that those of all scans of a page may take."""

PACKINGS = ((1, None), (1, 85), (1, 65), (1, 45), (1, 25), (2, 70), (2, 40), (4, 50), (4, 20))
"""How far slices are averaged further, and the quality of their pictures, None without loss: the first that fits."""

TRIED = 3
"""Slices that tell how large the others get."""


@dataclass(frozen=True)
class Slider:
    """Slices from bottom to top."""

    factor: int
    """Each pixel shown is the mean of factor x factor pixels of the volume."""
    slices: Sequence[tuple[int, str, str]]
    """z, and the addresses of the pictures before and after."""


def slider(slices: Sequence[Slice], scale: Scale, scans: int) -> Slider | None:
    """Picture slices as well as the room allows.

    Parameters
    ----------
    scans : on the page, which share its room.

    Returns
    -------
    None where there are no slices.
    """
    if not slices:
        return None
    room = min(MOST, TOGETHER / scans) / len(slices)
    some = slices[:: -(-len(slices) // TRIED)]
    for further, quality in PACKINGS:
        tried = [_pictured(one, scale, further, quality) for one in some]
        if sum(len(before) + len(after) for _, before, after in tried) <= 0.9 * room * len(tried):
            break
    return Slider(slices[0].factor * further, [_pictured(one, scale, further, quality) for one in slices])


def _pictured(one: Slice, scale: Scale, further: int, quality: int | None) -> tuple[int, str, str]:
    before, after = (packed(scale.encode(block_mean(i, further)), quality).uri for i in (one.before, one.after))
    return one.index, before, after
