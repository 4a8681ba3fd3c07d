"""Slices as pictures inside the page."""

import base64
import io
from typing import NamedTuple

from PIL import Image

from tomodenoise.common.arrays import FloatArray, IntArray
from tomodenoise.common.blocks import block_mean
from tomodenoise.denoising.greys import Scale

LARGEST_SIDE = 1024
"""Slices with a longer side, pixels, are averaged, so that the page stays small."""

LOSSLESS_PIXELS = 512 * 512
"""Noise does not compress: larger pictures are stored with WebP's quality 90, where the loss is invisible."""

EFFORT = 20
"""Of lossless packing: 2048 x 2048 pixels of noise take 0.7 s, and 57 s at 90 for 0.1 % less."""


class Picture(NamedTuple):
    """A picture as the page holds it."""

    uri: str
    height: int
    width: int


def picture(image: FloatArray, scale: Scale, factor: int = 1, *, exact: bool = False) -> Picture:
    """Convert a slice to an 8-bit grey WebP picture.

    Parameters
    ----------
    image : (rows, columns); NaN becomes black.
    factor : each pixel of the picture is the mean of factor x factor pixels of the slice.
    exact : whether a large one keeps its 256 grey values without loss.
    """
    pixels = scale.encode(block_mean(image, factor) if factor > 1 else image)
    return packed(pixels, None if exact or pixels.size <= LOSSLESS_PIXELS else 90)


def packed(pixels: IntArray, quality: int | None) -> Picture:
    """Pack 8-bit greys, lossless if no quality is given."""
    buffer = io.BytesIO()
    lossless = quality is None
    Image.fromarray(pixels).save(buffer, "WEBP", lossless=lossless, quality=EFFORT if quality is None else quality)
    return Picture(data_uri(buffer.getvalue()), *pixels.shape)


def data_uri(content: bytes, kind: str = "image/webp") -> str:
    """Return bytes as a data URL, which needs neither file nor network."""
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"
