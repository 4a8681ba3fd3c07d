"""Slices as pictures that live inside the page."""

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass

from PIL import Image

from tomodenoise.common.arrays import FloatArray, IntArray
from tomodenoise.common.blocks import block_mean
from tomodenoise.denoising import previews
from tomodenoise.report.greys import Scale

LARGEST_SIDE = 1024
"""Longer slices are averaged down to this many pixels a side, so that the page stays small."""

LOSSLESS_PIXELS = 512 * 512
"""Noise does not compress: larger pictures are stored with WebP's quality 90, which the eye takes for exact."""

EFFORT = 20
"""Of packing without loss: noise of 2048 x 2048 pixels takes 0.7 s, and 57 s at 90 for 0.1 % less."""


@dataclass(frozen=True)
class Picture:
    """A slice as the page shows it."""

    uri: str
    height: int
    width: int


def reduction(images: Sequence[FloatArray], largest: int = LARGEST_SIDE) -> int:
    """Return the least factor that brings every side of every image within so many pixels."""
    return max((previews.reduction(image, largest) for image in images), default=1)


def picture(image: FloatArray, scale: Scale, factor: int = 1, *, exact: bool = False) -> Picture:
    """Turn a slice into an 8-bit grey WebP picture.

    Parameters
    ----------
    image : (rows, columns); NaN is shown black.
    factor : each pixel shown is the mean of factor x factor pixels of the slice.
    exact : whether a large one keeps its grey values, all 256 of them.
    """
    pixels = scale.encode(block_mean(image, factor) if factor > 1 else image)
    return packed(pixels, None if exact or pixels.size <= LOSSLESS_PIXELS else 90)


def packed(pixels: IntArray, quality: int | None) -> Picture:
    """Pack 8-bit greys, without loss where no quality is given."""
    buffer, lossless = io.BytesIO(), quality is None
    Image.fromarray(pixels).save(buffer, "WEBP", lossless=lossless, quality=EFFORT if quality is None else quality)
    return Picture(data_uri(buffer.getvalue(), "image/webp"), *pixels.shape)


def data_uri(content: bytes, kind: str) -> str:
    """Bytes as an address that needs no file and no network."""
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"
