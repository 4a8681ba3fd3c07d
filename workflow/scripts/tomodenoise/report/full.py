"""Slices in all their pixels, for a reader who asks: as many as a page of a stated size can hold."""

from collections.abc import Mapping
from dataclasses import dataclass

from tomodenoise.arrays import FloatArray
from tomodenoise.report import pictures

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


def full(
    planes: Mapping[str, tuple[FloatArray, FloatArray]], limits: tuple[float, float], factor: int, most: int
) -> dict[str, Full | None]:
    """Picture slices that the page shows averaged or with loss in all their pixels.

    Parameters
    ----------
    planes : name to (before, after), in the order of what matters most.
    limits : the values shown black and white.
    factor : by which the page averages them.
    most : pixels that may be pictured.

    Returns
    -------
    Name to pictures, None where these would be too large; slices that the page shows as they are, are left out.
    """
    found: dict[str, Full | None] = {}
    for name, (before, after) in planes.items():
        if factor == 1 and after.size <= pictures.LOSSLESS_PIXELS:
            continue
        fits = 2 * after.size <= most and max(after.shape) <= LONGEST
        most -= 2 * after.size if fits else 0
        found[name] = (
            Full(*(pictures.picture(each, limits, 1, exact=True) for each in (before, after))) if fits else None
        )
    return found
